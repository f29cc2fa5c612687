// The examples of docs/graphs.md.

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/graph.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/graphs.hpp>
#include <tapegrad/train/observers.hpp>

#include "../temporary_folder.hpp"

namespace tapegrad::tests {
namespace {

// Lines as they are on the page.
// clang-format off
void draw(const Tensor& loss) {
  graph::save(loss, "loss.svg");                                     // in one line
  graph::ComputationGraph g = graph::capture(loss, {.title = "my model"});
  graph::save(g, "model.svg");                                       // or .mmd .dot .png .pdf .txt .json .graphml .html
  graph::save(g, "model.mmd", {.draw = {.depth = 1}});               // the architecture, as one would draw it by hand
  graph::save(g, "joint.svg", {.draw = {.pass = graph::Pass::joint}});  // values and gradients, twin by twin
}

void measure(const nn::Linear& model, const Tensor& x, const Tensor& y) {
const Trace trace(Trace::Keep::measurements);
Tensor loss = mean(square(model.forward(x) - y));
loss.backward();
graph::save(graph::capture(loss, {.statistics = true, .times = true, .trace = &trace}), "where.html");
}

void ask(const graph::ComputationGraph& g) {
  if (auto bad = graph::first_bad_vertex(g)) std::cerr << graph::describe(g, *bad);   // n12 log in encoder, recorded at model.cpp:41
  std::cerr << graph::explain_gradient(g, *g.find("hidden.weight")).text;             // … every way … is cut by detach: n31 detach
  graph::critical_path(g, graph::Cost::flops);
  std::cerr << graph::estimate_memory(g).peak;
  graph::kept_alive_by(g, 4);                                         // the gradients that keep this buffer, or a view of it
  std::cerr << graph::explain(g);                                     // all that is wrong, and who holds memory and takes time
}

void watch(train::Trainer& trainer, const data::Dataset& train) {
  train::GraphSnapshots graphs("graphs", {.every_steps = 100});      // graphs/step-00000001.json, step-00000101.json, ...
  trainer.fit(train, {.observers = {&graphs}});
}

void compare(const nn::Linear& model, const Tensor& x) {
  EXPECT_THAT(model.forward(x), MatchesGoldenGraph("tests/model.json"));
}
// clang-format on

TEST(GraphsPage, ShowsWhatRuns) {
  namespace fs = std::filesystem;
  const fs::path before = fs::current_path();
  const TemporaryFolder folder;
  fs::current_path(folder.path());
  const Tensor weight = parameter(ones({2, 3}), "hidden.weight");
  const Tensor loss = mean(square(matmul(ones({4, 2}), weight)));
  draw(loss);
  EXPECT_TRUE(fs::exists("loss.svg") && fs::exists("model.svg") && fs::exists("model.mmd") && fs::exists("joint.svg"));
  ask(graph::capture(loss));

  nn::Linear model(2, 3);
  train::Trainer trainer(model, optim::Sgd{.lr = 0.1}, nn::cross_entropy);
  watch(trainer, data::TensorDataset(ones({4, 2}), zeros({4}, i64)));
  EXPECT_TRUE(fs::exists("graphs/step-00000001.json"));
  fs::create_directory("tests");
  const Tensor x = ones({4, 2});
  graph::save(model.forward(x), "tests/model.json");
  compare(model, x);
  measure(model, x, ones({4, 3}));
  EXPECT_TRUE(fs::exists("where.html"));
  fs::current_path(before);
}

}  // namespace
}  // namespace tapegrad::tests
