#pragma once
// The comparison with golden graphs as a matcher of GoogleTest. Needs gmock in the test only; the library does not link
// it.
//
//   TEST(MyModel, ComputesWhatItDid) {
//     EXPECT_THAT(model.forward(x), testing::MatchesGoldenGraph("tests/my_model.json"));
//   }

#include <gmock/gmock.h>

#include <filesystem>
#include <ostream>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/testing/golden_graph.hpp>
#include <utility>

namespace tapegrad::testing {

/// Matches a ComputationGraph, or a Tensor by its graph, that is the one in a file: see compare_with_golden.
class GoldenGraphMatcher {
 public:
  GoldenGraphMatcher(std::filesystem::path file, const graph::DiffOptions& options)
      : file_(std::move(file)), options_(options) {}

  bool MatchAndExplain(const graph::ComputationGraph& graph, ::testing::MatchResultListener* listener) const {
    const GoldenGraphReport report = compare_with_golden(graph, file_, options_);
    *listener << report.text;
    return report.matches;
  }
  bool MatchAndExplain(const Tensor& result, ::testing::MatchResultListener* listener) const {
    return MatchAndExplain(graph::capture(result), listener);
  }
  void DescribeTo(std::ostream* out) const { *out << "is the graph in " << file_; }
  void DescribeNegationTo(std::ostream* out) const { *out << "is not the graph in " << file_; }

 private:
  std::filesystem::path file_;
  graph::DiffOptions options_;
};

inline auto MatchesGoldenGraph(std::filesystem::path file, const graph::DiffOptions& options = {.statistics = false}) {
  return ::testing::MakePolymorphicMatcher(GoldenGraphMatcher(std::move(file), options));
}

}  // namespace tapegrad::testing

namespace tapegrad {
using testing::MatchesGoldenGraph;
}
