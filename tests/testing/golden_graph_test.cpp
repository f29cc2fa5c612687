#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/testing/graphs.hpp>

#include "../temporary_folder.hpp"

namespace tapegrad {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class GoldenGraph : public ::testing::Test {
 public:
  ~GoldenGraph() override { ::unsetenv("TAPEGRAD_UPDATE_GOLDEN"); }

 protected:
  void update(const Tensor& result) const {
    ::setenv("TAPEGRAD_UPDATE_GOLDEN", "1", 1);
    EXPECT_THAT(result, MatchesGoldenGraph(file_));
    ::unsetenv("TAPEGRAD_UPDATE_GOLDEN");
  }

  const TemporaryFolder own_;
  const fs::path file_ = own_.path("golden.json");
  const Tensor w_ = parameter(ones({3}), "w");
};

TEST_F(GoldenGraph, MatchesWhatWasWritten) {
  update(sum(exp(w_)));
  EXPECT_THAT(sum(exp(w_)), MatchesGoldenGraph(file_));
  EXPECT_THAT(graph::capture(sum(exp(w_))), MatchesGoldenGraph(file_));
}

TEST_F(GoldenGraph, SaysWhatDiffersAndHowToAcceptIt) {
  update(sum(exp(w_)));
  const Tensor other = sum(relu(exp(w_)));
  EXPECT_THAT(other, Not(MatchesGoldenGraph(file_)));
  const auto report = testing::compare_with_golden(graph::capture(other), file_);
  EXPECT_THAT(report.text, AllOf(HasSubstr("golden.json"), HasSubstr("+ "), HasSubstr("relu"),
                                 HasSubstr("TAPEGRAD_UPDATE_GOLDEN=1")));
}

TEST_F(GoldenGraph, SaysThatThereIsNoFile) {
  const auto report = testing::compare_with_golden(graph::capture(sum(w_)), file_);
  EXPECT_FALSE(report.matches);
  EXPECT_THAT(report.text, HasSubstr("cannot read the file"));
  std::ofstream(file_) << "not a snapshot";
  EXPECT_THROW(testing::compare_with_golden(graph::capture(sum(w_)), file_), IoError);
}

}  // namespace
}  // namespace tapegrad
