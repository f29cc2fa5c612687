#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/diff.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/optim/rules.hpp>
#include <tapegrad/train/observers.hpp>

#include "../temporary_folder.hpp"

namespace tapegrad::train {
namespace {

using namespace optim;

namespace fs = std::filesystem;
using ::testing::ElementsAre;

class GraphSnapshotsTest : public ::testing::Test {
 protected:
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  graph::ComputationGraph read(const std::string& name) const {
    return graph::from_json(content_of(folder_ / name), name);
  }

  const TemporaryFolder own_;
  const fs::path folder_ = own_.path();
};

void train(GraphSnapshots& snapshots, std::int64_t accumulate = 1) {
  nn::Linear model(2, 1);
  Trainer trainer(model, Sgd{.lr = 0.1}, nn::mse_loss, {});
  trainer.fit(data::TensorDataset(ones({12, 2}), zeros({12, 1})),
              {.epochs = 1, .batch_size = 2, .accumulate = accumulate, .observers = {&snapshots}});
}

TEST_F(GraphSnapshotsTest, AreWrittenEverySoManySteps) {
  GraphSnapshots snapshots(folder_, {.every_steps = 3});
  train(snapshots);
  EXPECT_THAT(files(), ElementsAre("step-00000001.json", "step-00000004.json"));
  const graph::ComputationGraph first = read("step-00000001.json"), later = read("step-00000004.json");
  EXPECT_EQ(first.title(), "Step 1");
  const auto gradient = first.twin(first.find("weight").value());
  ASSERT_TRUE(gradient);
  ASSERT_TRUE(first[*gradient].statistics);
  EXPECT_GT(first[*gradient].statistics->norm.value(), 0);
  const graph::GraphDiff difference = graph::diff(first, later);
  EXPECT_TRUE(difference.added.empty());
  EXPECT_TRUE(difference.removed.empty());
  EXPECT_FALSE(difference.changed.empty()) << "the gradient has shrunk";
}

TEST_F(GraphSnapshotsTest, AreOneAStepHoweverManyBatches) {
  GraphSnapshots snapshots(folder_, {.every_steps = 1, .suffix = ".mmd"});
  train(snapshots, 3);
  EXPECT_THAT(files(), ElementsAre("step-00000001.mmd", "step-00000002.mmd"));
}

TEST_F(GraphSnapshotsTest, RefuseWhatCannotBe) {
  EXPECT_THROW(GraphSnapshots(folder_, {.every_steps = 0}), ValueError);
  EXPECT_THROW(GraphSnapshots(folder_, {.suffix = ".bmp"}), ValueError);
  EXPECT_THROW(GraphSnapshots("/proc/snapshots"), IoError);
}

}  // namespace
}  // namespace tapegrad::train
