#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <tapegrad/graph/internal/text.hpp>
#include <tapegrad/graph/save.hpp>

#include "random_graphs.hpp"
#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using ::testing::HasSubstr;

std::string drawn(const ComputationGraph& graph, SaveOptions options = {}) {
  options.text.edges = true;
  options.draw.unfold = true;
  return render(graph, "text", options);
}

// Two ways from x, one of which passes behind the other, and a leaf that waits for who needs it.
ComputationGraph braid() {
  samples::Recording r("braid");
  const auto late = r.input("late", {2}), x = r.input("x", {2});
  const auto a = r.op("exp", {x}, {2}), b = r.op("tanh", {x}, {2}), c = r.op("sin", {a}, {2});
  r.output("y", r.op("add", {r.op("mul", {b, c, x}, {2}), late}, {2}));
  return r.finish();
}

TEST(EdgesText, DrawsEdgesBesideTheNodes) {
  EXPECT_EQ(drawn(braid()), R"(braid

○     x  [2] f32
├─●   exp  [2] f32
├─│─● tanh  [2] f32
│ ● │ sin  [2] f32
●─┴─╯ mul  [2] f32
│ ○   late  [2] f32
●─╯   add  [2] f32
●     y  [2] f32
)");
}

TEST(EdgesText, IsAsWideAsTheTerminalAndColoured) {
  SaveOptions options;
  options.summary.columns = 14;
  std::istringstream lines(drawn(braid(), options));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 14U) << line;
  options.text.colour = true;
  EXPECT_THAT(drawn(braid(), options), HasSubstr("\x1b["));
}

// Every edge ends: nothing stands below the last line, and what a line joins was begun above it.
TEST(EdgesText, EndsAllEdgesOfAnyGraph) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const ComputationGraph graph = samples::random_graph(seed, 40, false);
    SaveOptions options;
    options.draw.pass = seed % 2 ? Pass::joint : Pass::forward;
    const std::string text = drawn(graph, options);
    std::vector<char32_t> above;
    bool ended = true;
    std::istringstream lines(text.substr(text.find("\n\n") + 2));
    for (std::string line; std::getline(lines, line);) {
      std::string_view rest = line;
      ended = true;
      for (std::size_t column = 0; !rest.empty(); ++column) {
        const char32_t c = take_code_point(rest);
        if (c != U' ' && c < 0x2500) break;  // the text
        if (column % 2 != 0) continue;
        if (above.size() <= column) above.resize(column + 1, U' ');
        const bool from_above = std::u32string_view(U"│┼┴├┤╰╯").find(c) != std::u32string_view::npos;
        if (from_above) {
          EXPECT_TRUE(std::u32string_view(U"│┼├┤●○◆").find(above[column]) != std::u32string_view::npos) << text;
        }
        if (std::u32string_view(U"│┼├┤").find(c) != std::u32string_view::npos) ended = false;
        above[column] = c;
      }
    }
    EXPECT_TRUE(ended) << text;
  }
}

}  // namespace
}  // namespace tapegrad::graph
