// No matrix here is square or symmetric: a row taken for a column shows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <tapegrad/core/eigen.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A copy, of temporaries too.
template <class T>
Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> matrix_of(const Tensor& t) {
  return as_eigen<T>(t);
}

template <class M>
M numbered() {
  M m(2, 3);
  m << 1, 2, 3, 4, 5, 6;
  return m;
}

template <class M>
void expect_shared(M m) {
  Tensor t = wrap(m);
  EXPECT_EQ(t.shape(), (Shape{2, 3}));
  EXPECT_THAT(t.values(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(static_cast<const void*>(engine::node_of(t).data), m.data());
  m(1, 0) = 40;
  EXPECT_EQ(t.at({1, 0}), 40);
  EXPECT_EQ(matmul(t, ones({3, 1}, t.dtype())).at({1, 0}), 51);
}

TEST(EigenBridge, WrapsEitherStorageOrder) {
  expect_shared(numbered<RowMajor>());
  expect_shared(numbered<Eigen::MatrixXd>());
  expect_shared(numbered<Eigen::MatrixXf>());
  expect_shared(numbered<Eigen::ArrayXXd>());
  expect_shared(numbered<Eigen::Matrix<double, 2, 3>>());
  expect_shared(numbered<Eigen::Matrix<std::int64_t, 2, 3, Eigen::RowMajor>>());
}

TEST(EigenBridge, WrapsVectorsBlocksAndMaps) {
  Eigen::MatrixXd m(4, 5);
  for (int i = 0; i < 20; ++i) m(i / 5, i % 5) = i;
  auto block = m.block(1, 2, 2, 3);
  EXPECT_THAT(wrap(block).values(), ElementsAre(7, 8, 9, 12, 13, 14));
  EXPECT_THAT(wrap(m.row(2)).values(), ElementsAre(10, 11, 12, 13, 14));
  EXPECT_THAT(wrap(m.col(2)).values(), ElementsAre(2, 7, 12, 17));
  EXPECT_EQ(wrap(m.row(2)).shape(), (Shape{5}));
  Eigen::VectorXd v(3);
  v << 1, 2, 3;
  Tensor t = wrap(v);
  t.mutable_data<double>()[1] = 20;
  EXPECT_EQ(v(1), 20);
  double raw[] = {1, 2, 3, 4, 5, 6, 7, 8};
  Eigen::Map<RowMajor, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>> strided(raw, 2, 2, {4, 2});
  EXPECT_THAT(wrap(strided).values(), ElementsAre(1, 3, 5, 7));
  Eigen::MatrixXd empty_matrix(0, 3);
  EXPECT_EQ(wrap(empty_matrix).shape(), (Shape{0, 3}));
}

TEST(EigenBridge, TakesOverATemporary) {
  Eigen::MatrixXd m = numbered<Eigen::MatrixXd>();
  const double* memory = m.data();
  const Tensor t = wrap(std::move(m));
  EXPECT_EQ(static_cast<const void*>(engine::node_of(t).data), memory);
  EXPECT_THAT(t.values(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(EigenBridge, CopiesExpressions) {
  const Eigen::MatrixXd m = numbered<Eigen::MatrixXd>();
  EXPECT_THAT(copy_of(m.transpose() * 2).values(), ElementsAre(2, 8, 4, 10, 6, 12));
  EXPECT_EQ(copy_of(m.transpose()).shape(), (Shape{3, 2}));
  const Tensor t = copy_of(m);
  EXPECT_TRUE(t.is_contiguous());
  EXPECT_THAT(t.values(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(copy_of(m.rowwise().sum()).shape(), (Shape{2}));
}

TEST(EigenBridge, ShowsTensorsAsMatrices) {
  const Tensor t = tensor({1, 2, 3, 4, 5, 6}, {2, 3}, f64);
  const auto m = as_eigen<double>(t);
  EXPECT_EQ(m.data(), t.data<double>().data());
  EXPECT_EQ(m(1, 0), 4);
  const Tensor flipped = transpose(t);
  const Eigen::MatrixXd copy = as_eigen<double>(flipped);
  EXPECT_EQ(copy.rows(), 3);
  EXPECT_EQ(copy(2, 1), 6);
  EXPECT_EQ(copy(1, 0), 2);
  const Eigen::VectorXd v = matrix_of<double>(select(t, 1, 1));
  EXPECT_EQ(v, (Eigen::Vector2d{2, 5}));
  EXPECT_EQ(matrix_of<double>(scalar(7, f64))(0, 0), 7);
  EXPECT_EQ(matrix_of<double>(broadcast_to(t, {2, 3})).sum(), 21);
  EXPECT_EQ(matrix_of<double>(broadcast_to(slice(t, 0, 0, 1), {4, 3})).sum(), 24);
  EXPECT_EQ((as_eigen<double>(t) * as_eigen<double>(flipped))(0, 1), matmul(t, flipped).at({0, 1}));
}

TEST(EigenBridge, WritesCountAsChangesInPlace) {
  const Tensor x = parameter(ones({2, 3}, f64));
  Tensor h = x + 1;
  const Tensor y = sum(h * h);
  EXPECT_THROW(as_mutable_eigen<double>(h), GraphError) << "while it is recorded";
  {
    const NoGrad off;
    as_mutable_eigen<double>(h)(1, 2) = 9;
  }
  EXPECT_EQ(h.at({1, 2}), 9);
  EXPECT_THROW(y.backward(), GraphError);
}

TEST(EigenBridge, RefusesWhatAMatrixCannotShow) {
  EXPECT_THAT([] { matrix_of<double>(ones({2})); },
              ThrowsMessage<DTypeError>(HasSubstr("f32 [2] was asked for as f64")));
  EXPECT_THAT([] { matrix_of<float>(ones({2, 2, 2})); }, ThrowsMessage<ShapeError>(HasSubstr("more than two axes")));
  EXPECT_THAT([] { matrix_of<float>(slice(ones({3}), 0, Slice::kEnd, Slice::kEnd, -1)); },
              ThrowsMessage<ShapeError>(HasSubstr("runs backwards")));
  Tensor wide = broadcast_to(ones({1, 3}), {2, 3});
  EXPECT_THAT([&] { as_mutable_eigen<float>(wide); }, ThrowsMessage<ShapeError>(HasSubstr("broadcast view")));
}

}  // namespace
}  // namespace tapegrad
