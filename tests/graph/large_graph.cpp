// large_graph NODES: records a recurrent computation of NODES operations on tensors, differentiates it, and writes its
// graph in every format, folded where that is needed. Says how long each took and exits 1 if a format was not written
// or a text does not fit its budget. Run with a small stack, it shows that nothing uses stack in proportion to depth.

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/internal/mermaid_limits.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace {

using namespace tapegrad;
using Clock = std::chrono::steady_clock;

long peak_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

template <class Work>
auto timed(const char* what, const Work& work) {
  const auto start = Clock::now();
  auto result = work();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("%-16s %6.2f s, %4ld MiB so far\n", what, seconds, peak_mebibytes());
  return result;
}

// tanh(x W + h U + b), step by step; five operations each, without scopes.
Tensor unrolled(long steps) {
  const Tensor w = parameter(randn({8, 8}), "W"), u = parameter(randn({8, 8}), "U"), b = parameter(randn({8}), "b");
  const Tensor x = randn({1, 8});
  Tensor h = zeros({1, 8});
  for (long i = 0; i < steps; ++i) h = tanh(matmul(x, w) + matmul(h, u) + b);
  return sum(h);
}

bool write_all(const graph::ComputationGraph& graph, const std::filesystem::path& folder, bool lays_out) {
  for (const char* name : {"g.json", "g.dot", "g.graphml", "g.txt", "g.explorer.json", "g.mmd", "g.html", "g.svg"}) {
    if (std::string(name) == "g.svg" && !lays_out) continue;
    timed(name, [&] { return graph::save(graph, folder / name); });
    if (!std::filesystem::exists(folder / name)) return std::printf("%s was not written\n", name), false;
  }
  const std::string mermaid = graph::to_mermaid(graph);
  if (!graph::check_mermaid(mermaid).front().fits) return std::puts("GitHub does not draw the Mermaid"), false;
  if (std::filesystem::file_size(folder / "g.html") > 200'000 + 150 * graph.size())
    return std::puts("the page is larger than its graph"), false;
  return timed("read g.json", [&] { return graph::from_json(graph::to_json(graph)).size(); }) == graph.size();
}

}  // namespace

int main(int argc, char** argv) {
  const long nodes = argc > 1 ? std::atol(argv[1]) : 0;
  if (nodes < 5) return std::fputs("usage: large_graph NODES\n", stderr), 2;
  const graph::ComputationGraph graph = timed("record, capture", [&] {
    const Tensor loss = unrolled(nodes / 5);
    loss.backward();
    return graph::capture(loss, {.title = "unrolled"});
  });
  std::printf("%zu values, %zu gradients\n", graph.forward_size(), graph.size() - graph.forward_size());
  timed("peak memory", [&] { return graph::estimate_memory(graph).peak; });
  timed("critical path", [&] { return graph::critical_path(graph, graph::Cost::flops).cost; });
  timed("why no gradient", [&] { return graph::explain_gradient(graph, 0).text; });

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("large_graph." + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const bool lays_out = std::system("command -v dot > /dev/null 2>&1") == 0;
  const bool all_right = write_all(graph, folder, lays_out);
  std::filesystem::remove_all(folder);
  return all_right ? 0 : 1;
}
