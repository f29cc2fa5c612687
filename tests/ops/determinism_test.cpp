// Structural ops, large enough to run on several threads: the same bits on any number of them, and wherever in memory
// their inputs lie. Pointwise ops are walked over in reference_test.cpp.

#include <gtest/gtest.h>

#include <cstdlib>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad::tests {
namespace {

struct Case {
  std::string name;
  std::vector<Shape> shapes;
  TensorFunction function;
};

const Tensor& ids() {
  static const Tensor drawn = [] {
    Rng rng(2);
    return randint(0, 700, {4096}, rng);
  }();
  return drawn;
}
Tensor offsets() { return tensor({0, 5, 5, 900, 2048, 4096}, i64); }

std::vector<Case> cases() {
  return {
      {"sum_all", {{1200, 700}}, [](const Tensor& x) { return sum(x); }},
      {"sum_rows", {{1200, 700}}, [](const Tensor& x) { return sum(x, {0}); }},
      {"sum_columns", {{1200, 700}}, [](const Tensor& x) { return sum(x, {1}); }},
      {"mean_middle", {{40, 150, 90}}, [](const Tensor& x) { return mean(x, {1}); }},
      {"prod", {{70, 33}}, [](const Tensor& x) { return prod(x, {1}); }},
      {"var", {{300, 700}}, [](const Tensor& x) { return var(x, {1}); }},
      {"norm", {{300, 700}}, [](const Tensor& x) { return norm(x, 1, {1}) + norm(x, 2, {1}) + norm(x, 3, {1}); }},
      {"logsumexp", {{300, 700}}, [](const Tensor& x) { return logsumexp(x, {1}); }},
      {"matmul", {{300, 500}, {500, 400}}, matmul},
      {"matmul_small", {{5, 7}, {7, 3}}, matmul},
      {"matmul_transposed",
       {{500, 300}, {400, 500}},
       [](const Tensor& a, const Tensor& b) { return matmul(transpose(a), transpose(b)); }},
      {"matmul_batches", {{12, 90, 110}, {12, 110, 80}}, matmul},
      {"matmul_vector", {{900, 800}, {800}}, matmul},
      {"softmax", {{900, 300}}, [](const Tensor& x) { return softmax(x); }},
      {"log_softmax_first", {{300, 900}}, [](const Tensor& x) { return log_softmax(x, 0); }},
      {"cross_entropy",
       {{4096, 90}},
       [](const Tensor& x) { return cross_entropy(x, cast(cast(ids(), f64) / 8, i64)); }},
      {"embedding", {{700, 64}}, [](const Tensor& table) { return embedding(table, ids()); }},
      {"embedding_sparse", {{700, 64}}, [](const Tensor& table) { return embedding(table, ids(), {.sparse = true}); }},
      {"segment_mean", {{4096, 64}}, [](const Tensor& x) { return segment_mean(x, offsets()); }},
      {"take", {{700, 64}}, [](const Tensor& x) { return take(x, ids(), 0); }},
      {"index_add",
       {{700, 64}, {4096, 64}},
       [](const Tensor& x, const Tensor& s) { return index_add(x, 0, ids(), s); }},
      {"scatter_amax",
       {{64, 700}, {64, 4096}},
       [](const Tensor& x, const Tensor& s) {
         return scatter_reduce(x, 1, broadcast_to(ids(), s.shape()), s, ScatterReduce::amax);
       }},
      {"cdist", {{300, 20}, {200, 20}}, [](const Tensor& a, const Tensor& b) { return cdist(a, b); }},
      {"concat",
       {{500, 300}, {700, 300}},
       [](const Tensor& a, const Tensor& b) {
         return concat({a, b});
       }},
      {"broadcast", {{1, 700}, {900, 1}}, [](const Tensor& a, const Tensor& b) { return a * b + a; }},
      {"slice", {{900, 700}}, [](const Tensor& x) { return slice(x, 1, Slice::kEnd, Slice::kEnd, -2) * 2; }},
  };
}

class Determinism : public ::testing::TestWithParam<Case> {};

/// The same numbers, `by` elements behind a cache line.
Tensor moved(const Tensor& x, std::size_t by) {
  return dispatch_floating(x.dtype(), [&]<class T>() {
    const auto values = x.data<T>();
    const auto memory = std::shared_ptr<std::byte>(
        static_cast<std::byte*>(std::aligned_alloc(64, (values.size_bytes() + by * sizeof(T)) / 64 * 64 + 64)),
        std::free);
    const std::span<T> place(reinterpret_cast<T*>(memory.get()) + by, values.size());
    std::copy(values.begin(), values.end(), place.begin());
    return wrap(place, x.shape(), memory);
  });
}

std::vector<std::vector<double>> run(const Case& c, DType dtype, int threads, std::size_t by = 0) {
  set_num_threads(threads);
  Rng rng(9);
  std::vector<Tensor> inputs;
  for (const Shape& shape : c.shapes) inputs.push_back(parameter(moved(randn(shape, dtype, rng), by)));
  const Tensor y = c.function(inputs);
  y.backward(randn(y.shape(), dtype, rng));
  std::vector<std::vector<double>> found{y.values()};
  for (const Tensor& x : inputs) found.push_back(x.grad().to_dense().values());
  return found;
}

TEST_P(Determinism, GivesTheSameBitsOnAnyNumberOfThreads) {
  const int before = num_threads();
  for (const DType dtype : {f32, f64}) {
    const auto once = run(GetParam(), dtype, 1);
    for (const int threads : {1, 2, 4})
      EXPECT_TRUE(run(GetParam(), dtype, threads) == once) << threads << " threads, " << name_of(dtype);
  }
  set_num_threads(before);
}

TEST_P(Determinism, GivesTheSameBitsWhereverItsInputsLie) {
  for (const DType dtype : {f32, f64}) {
    const auto once = run(GetParam(), dtype, num_threads());
    for (const std::size_t by : {1u, 2u, 5u, 9u})
      EXPECT_TRUE(run(GetParam(), dtype, num_threads(), by) == once) << by << " elements on, " << name_of(dtype);
  }
}

INSTANTIATE_TEST_SUITE_P(Large, Determinism, ::testing::ValuesIn(cases()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace tapegrad::tests
