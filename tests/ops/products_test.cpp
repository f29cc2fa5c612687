// Products against a reference in long double: any shape, layout, beta and number of threads.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/kernels/gemm.hpp>
#include <vector>

namespace tapegrad::kernels {
namespace {

/// A matrix of random numbers whose rows (or columns, if across) lie `gap` NaNs apart.
template <class T>
class Matrix {
 public:
  Matrix(std::int64_t rows, std::int64_t columns, bool across, std::int64_t gap, Rng& rng)
      : rows_(rows),
        columns_(columns),
        row_(across ? 1 : columns + gap),
        column_(across ? rows + gap : 1),
        data_(static_cast<std::size_t>((across ? columns : rows) * (across ? rows + gap : columns + gap)),
              std::numeric_limits<T>::quiet_NaN()) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) at(i, j) = static_cast<T>(rng.uniform() - 0.25);
  }

  T& at(std::int64_t i, std::int64_t j) { return data_[static_cast<std::size_t>(i * row_ + j * column_)]; }
  MatrixView<T> view() { return {data_.data(), rows_, columns_, row_, column_}; }
  MatrixView<const T> read() { return {data_.data(), rows_, columns_, row_, column_}; }
  const std::vector<T>& data() const { return data_; }

 private:
  std::int64_t rows_, columns_, row_, column_;
  std::vector<T> data_;
};

/// Every bit, NaNs included.
template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

struct Threads {
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
  int before = num_threads();
};

template <class T>
void expect_product(std::int64_t rows, std::int64_t columns, std::int64_t inner, bool a_across, bool b_across, T beta,
                    Rng& rng) {
  SCOPED_TRACE(::testing::Message() << rows << " x " << columns << " x " << inner << (a_across ? ", a across" : "")
                                    << (b_across ? ", b across" : "") << ", beta " << beta);
  Matrix<T> a(rows, inner, a_across, rows % 3, rng), b(inner, columns, b_across, columns % 2, rng);
  Matrix<T> c(rows, columns, false, inner % 4, rng);
  if (beta == T{0})
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) c.at(i, j) = std::numeric_limits<T>::quiet_NaN();
  Matrix<T> before = c, on_two = c;
  {
    const Threads one(1);
    gemm(a.read(), b.read(), beta, c.view());
  }
  {
    const Threads two(2);
    gemm(a.read(), b.read(), beta, on_two.view());
  }
  EXPECT_TRUE(same(c.data(), on_two.data())) << "on two threads";

  const double bound = std::is_same_v<T, float> ? 1e-6 : 1e-15;
  double worst = 0;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      long double sum = beta == T{0} ? 0.0L : static_cast<long double>(beta) * before.at(i, j), terms = std::abs(sum);
      for (std::int64_t k = 0; k < inner; ++k) {
        const long double term = static_cast<long double>(a.at(i, k)) * b.at(k, j);
        sum += term;
        terms += std::abs(term);
      }
      const double error = static_cast<double>(std::abs(c.at(i, j) - sum) / terms);
      if (!(error <= worst)) worst = error;
      before.at(i, j) = c.at(i, j);
    }
  EXPECT_LE(worst, bound);
  EXPECT_TRUE(same(c.data(), before.data())) << "writes beside the result";
}

template <class T>
void expect_layouts(std::int64_t rows, std::int64_t columns, std::int64_t inner, Rng& rng) {
  for (const bool a_across : {false, true})
    for (const bool b_across : {false, true})
      for (const T beta : {T{0}, T{1}, T{-0.5}}) expect_product<T>(rows, columns, inner, a_across, b_across, beta, rng);
}

template <class T>
class Products : public ::testing::Test {};
using Floating = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Products, Floating);

TYPED_TEST(Products, AgreeOnShapesAroundTheTile) {
  Rng rng(1);
  for (const std::int64_t rows : {1, 2, 5, 6, 7, 11, 13, 18, 49})
    for (const std::int64_t columns : {1, 2, 7, 8, 9, 16, 17, 33, 63, 64, 65, 130})
      for (const std::int64_t inner : {1, 3, 16, 37}) expect_layouts<TypeParam>(rows, columns, inner, rng);
}

TYPED_TEST(Products, AgreeOnLongInnerDimensions) {
  Rng rng(2);
  for (const std::int64_t inner : {127, 128, 129, 257, 511, 512, 513, 1025, 4096, 4097, 9000}) {
    expect_layouts<TypeParam>(3, 20, inner, rng);
    expect_layouts<TypeParam>(1, 18, inner, rng);
    expect_layouts<TypeParam>(19, 1, inner, rng);
    expect_layouts<TypeParam>(1, 1, inner, rng);
    expect_layouts<TypeParam>(17, 9, inner, rng);
  }
}

TYPED_TEST(Products, AgreeWhereThreadsShareThem) {
  Rng rng(3);
  for (const std::int64_t rows : {1, 49, 120})
    for (const std::int64_t columns : {10, 64, 300}) expect_layouts<TypeParam>(rows, columns, 700, rng);
}

TYPED_TEST(Products, OfARowDoNotDependOnTheOthers) {
  using T = TypeParam;
  Rng rng(4);
  Matrix<T> a(150, 300, false, 0, rng), b(300, 90, false, 0, rng);
  Matrix<T> whole(150, 90, false, 0, rng), part(150, 90, false, 0, rng);
  gemm(a.read(), b.read(), T{0}, whole.view());
  for (const std::int64_t rows : {1, 2, 7, 150}) {
    gemm(a.read().some_rows(0, rows), b.read(), T{0}, part.view().some_rows(0, rows));
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < 90; ++j) ASSERT_EQ(part.at(i, j), whole.at(i, j)) << rows << " rows";
  }
}

TYPED_TEST(Products, RefuseAResultThatLiesAcross) {
  using T = TypeParam;
  Rng rng(5);
  Matrix<T> a(2, 2, false, 0, rng), c(2, 2, true, 0, rng);
  EXPECT_THROW(gemm(a.read(), a.read(), T{0}, c.view()), ValueError);
}

}  // namespace
}  // namespace tapegrad::kernels
