#include <fmt/format.h>

#include <cstdlib>
#include <string_view>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/testing/golden_graph.hpp>
#include <utility>

namespace tapegrad::testing {
namespace {

constexpr const char* kSwitch = "TAPEGRAD_UPDATE_GOLDEN";

bool updates() {
  const char* value = std::getenv(kSwitch);
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

}  // namespace

GoldenGraphReport compare_with_golden(const graph::ComputationGraph& graph, const std::filesystem::path& file,
                                      const graph::DiffOptions& options) {
  if (updates()) {
    write_file(file, graph::to_json(graph));
    return {true, fmt::format("{} written anew", file.string())};
  }
  const std::string how = fmt::format("if that is meant, run the test with {}=1 and look at what it writes", kSwitch);
  std::string text;
  try {
    text = InputFile(file).read_all();
  } catch (const IoError& error) {
    return {false, fmt::format("{}; {}", error.what(), how)};
  }
  const graph::ComputationGraph golden = graph::from_json(text, file.string());
  const graph::GraphDiff difference = graph::diff(golden, graph, options);
  if (difference.empty()) return {true, fmt::format("the graph in {}", file.string())};
  return {false,
          fmt::format("it differs from {}:\n{}{}", file.string(), graph::to_text(difference, golden, graph), how)};
}

}  // namespace tapegrad::testing
