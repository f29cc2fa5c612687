// Matrix products of the shapes that trainings and inference meet; TAPEGRAD_NUM_THREADS=1 for one core's share of its
// peak.

#include <benchmark/benchmark.h>

#include <string>
#include <tapegrad/tapegrad.hpp>

namespace {

using namespace tapegrad;

enum class Layout { plain, a_across, b_across };

struct Shapes {
  const char* where;
  std::int64_t rows, columns, inner;
  Layout layout = Layout::plain;
};

constexpr Shapes kShapes[] = {
    {"one row", 1, 32, 32},
    {"policy layer", 1, 64, 64, Layout::b_across},
    {"layer of 512", 1, 512, 512, Layout::b_across},
    {"dense forward, batch 32", 32, 512, 784, Layout::b_across},
    {"dense forward, batch 32", 32, 512, 512, Layout::b_across},
    {"dense forward, batch 32", 32, 10, 512, Layout::b_across},
    {"dense input gradient, batch 32", 32, 512, 512},
    {"dense weight gradient, batch 32", 512, 784, 32, Layout::a_across},
    {"dense weight gradient, batch 32", 10, 512, 32, Layout::a_across},
    {"dense forward, batch 128", 128, 512, 784, Layout::b_across},
    {"dense forward, batch 512", 512, 512, 784, Layout::b_across},
    {"attention projection", 1024, 384, 128, Layout::b_across},
    {"attention scores", 128, 128, 32, Layout::b_across},
    {"attention values", 128, 32, 128},
    {"lstm step", 32, 512, 128, Layout::b_across},
    {"unfolded convolution", 12544, 64, 288},
    {"square", 64, 64, 64},
    {"square", 256, 256, 256},
    {"square", 1024, 1024, 1024},
};

void Product(benchmark::State& state, const Shapes& s, DType dtype) {
  const NoGrad off;
  const Tensor a = s.layout == Layout::a_across ? transpose(rand({s.inner, s.rows}, 0, 1, dtype))
                                                : rand({s.rows, s.inner}, 0, 1, dtype);
  const Tensor b = s.layout == Layout::b_across ? transpose(rand({s.columns, s.inner}, 0, 1, dtype))
                                                : rand({s.inner, s.columns}, 0, 1, dtype);
  for (auto _ : state) benchmark::DoNotOptimize(matmul(a, b));
  const double flops =
      2.0 * static_cast<double>(s.rows) * static_cast<double>(s.columns) * static_cast<double>(s.inner);
  state.counters["flops"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

/// What word2vec asks of a batch: 256 products [5, 32] [32, 1].
void BatchedProduct(benchmark::State& state) {
  const NoGrad off;
  const Tensor a = rand({256, 5, 32}), b = rand({256, 32, 1});
  for (auto _ : state) benchmark::DoNotOptimize(matmul(a, b));
}
BENCHMARK(BatchedProduct);

const bool registered = [] {
  for (const DType dtype : {f32, f64})
    for (const Shapes& s : kShapes) {
      const char* layout = s.layout == Layout::plain ? "" : s.layout == Layout::a_across ? ", a across" : ", b across";
      const std::string shape =
          std::to_string(s.rows) + "x" + std::to_string(s.columns) + "x" + std::to_string(s.inner);
      benchmark::RegisterBenchmark((std::string(name_of(dtype)) + " " + shape + layout + ": " + s.where).c_str(),
                                   [&s, dtype](benchmark::State& state) { Product(state, s, dtype); });
    }
  return true;
}();

}  // namespace
