// The examples of docs/graphs.md.

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/tapegrad.hpp>

#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/save.hpp>

namespace tapegrad::tests {
namespace {

// Lines as they are on the page.
// clang-format off
void draw(const Tensor& loss) {
  graph::ComputationGraph g = graph::capture(loss, {.title = "my model"});
  graph::save(g, "model.svg");                                       // or .mmd .dot .png .pdf .txt .json .graphml
  graph::save(g, "model.mmd", {.draw = {.depth = 1}});               // the architecture, as one would draw it by hand
  graph::save(g, "joint.svg", {.draw = {.pass = graph::Pass::joint}});  // values and gradients, twin by twin
}

void ask(const graph::ComputationGraph& g) {
  if (auto bad = graph::first_bad_vertex(g)) std::cerr << graph::describe(g, *bad);   // n12 log in encoder, recorded at model.cpp:41
  std::cerr << graph::explain_gradient(g, *g.find("hidden.weight")).text;             // … every way … is cut by detach: n31 detach
  graph::critical_path(g, graph::Cost::flops);
  graph::estimate_memory(g).peak;
  graph::kept_alive_by(g, 4);
}
// clang-format on

TEST(GraphsPage, ShowsWhatRuns) {
  namespace fs = std::filesystem;
  const fs::path before = fs::current_path();
  std::string folder = (fs::temp_directory_path() / "tapegrad_docs_XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  fs::current_path(folder);
  const Tensor weight = parameter(ones({2, 3}), "hidden.weight");
  const Tensor loss = mean(square(matmul(ones({4, 2}), weight)));
  draw(loss);
  EXPECT_TRUE(fs::exists("model.svg") && fs::exists("model.mmd") && fs::exists("joint.svg"));
  ask(graph::capture(loss));
  fs::current_path(before);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace tapegrad::tests
