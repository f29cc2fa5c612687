#pragma once
// The gradient checker as a matcher of GoogleTest. Needs gmock in the test only; the library does not link it.
//
//   TEST(MyLoss, HasCorrectGradients) {
//     EXPECT_THAT(my_loss, testing::HasCorrectGradients({randn({4, 3}), randn({4})}));
//     EXPECT_THAT(softplus, testing::HasCorrectGradients({randn({4})}, {.order = 2}));
//   }
//
// After `using namespace tapegrad`, the name `testing` could mean GoogleTest's or this one: write HasCorrectGradients
// alone there.

#include <gmock/gmock.h>

#include <ostream>
#include <tapegrad/testing/gradient_check.hpp>
#include <utility>
#include <vector>

namespace tapegrad::testing {

/// Matches a callable of tensors whose gradients at `inputs` are right: see check_gradients.
class GradientMatcher {
 public:
  GradientMatcher(std::vector<Tensor> inputs, GradientOptions options)
      : inputs_(std::move(inputs)), options_(std::move(options)) {}

  template <CallableOnTensors F>
  bool MatchAndExplain(F& f, ::testing::MatchResultListener* listener) const {
    const GradientReport report = check_gradients(TensorFunction(f), inputs_, options_);
    *listener << "\n" << to_string(report);
    return report.ok();
  }
  void DescribeTo(std::ostream* out) const { describe("has correct gradients", out); }
  void DescribeNegationTo(std::ostream* out) const { describe("has an incorrect gradient", out); }

 private:
  void describe(const char* what, std::ostream* out) const {
    *out << what << " to order " << options_.order << " at";
    for (std::size_t i = 0; i < inputs_.size(); ++i) *out << (i ? ", " : " ") << tapegrad::describe(inputs_[i]);
  }

  std::vector<Tensor> inputs_;
  GradientOptions options_;
};

inline auto HasCorrectGradients(std::vector<Tensor> inputs, GradientOptions options = {}) {
  return ::testing::MakePolymorphicMatcher(GradientMatcher(std::move(inputs), std::move(options)));
}

}  // namespace tapegrad::testing

namespace tapegrad {
using testing::HasCorrectGradients;
}
