#include <algorithm>
#include <numeric>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/checked.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/internal/labelled.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

[[noreturn]] void refuse_shapes(const char* op, const Tensor& a, const Tensor& b, const char* wanted) {
  throw ShapeError(std::string(op) + ": a is " + to_string(a.shape()) + " and b " + to_string(b.shape()) + "; " +
                   wanted);
}

/// Axes counted from the front; ValueError for one named twice.
std::vector<int> normalized(const char* which, const std::vector<int>& axes, int rank) {
  std::vector<int> normal;
  for (const int axis : axes) {
    normal.push_back(normalized_axis("tensordot", axis, rank));
    if (std::ranges::count(normal, normal.back()) > 1)
      throw ValueError("tensordot: " + std::string(which) + " names axis " + std::to_string(normal.back()) + " twice");
  }
  return normal;
}

}  // namespace

Tensor dot(const Tensor& a, const Tensor& b) {
  if (a.rank() != 1 || b.rank() != 1 || a.shape() != b.shape())
    refuse_shapes("dot", a, b, "two vectors of one length are expected; matmul() takes matrices");
  const DType dtype = promote(promote(a.dtype(), b.dtype()), f32);
  return sum(cast(a, dtype) * cast(b, dtype));
}

Tensor outer(const Tensor& a, const Tensor& b) {
  if (a.rank() != 1 || b.rank() != 1)
    refuse_shapes("outer", a, b, "two vectors are expected; tensordot(a, b, 0) takes any shapes");
  const DType dtype = promote(promote(a.dtype(), b.dtype()), f32);
  return unsqueeze(cast(a, dtype), 1) * cast(b, dtype);
}

Tensor kron(const Tensor& a, const Tensor& b) {
  const int rank = std::max(a.rank(), b.rank());
  if (2 * rank > kMaxRank) refuse_shapes("kron", a, b, "ranks up to 4 are expected");
  std::vector<std::int64_t> blocks, insides, all;
  for (int axis = -rank; axis < 0; ++axis) {
    const std::int64_t outer = axis < -a.rank() ? 1 : a.shape()[axis], inner = axis < -b.rank() ? 1 : b.shape()[axis];
    blocks.insert(blocks.end(), {outer, 1});
    insides.insert(insides.end(), {1, inner});
    all.push_back(Checked("kron", outer) * inner);
  }
  return reshape(reshape(a, blocks) * reshape(b, insides), all);
}

Tensor cross(const Tensor& a, const Tensor& b, int axis) {
  const Shape together = broadcast_shapes("cross", a.shape(), b.shape());
  axis = normalized_axis("cross", axis, together.rank());
  const int from_end = axis - together.rank();
  const auto is_vector = [&](const Tensor& t) { return -from_end <= t.rank() && t.shape()[from_end] == 3; };
  if (!is_vector(a) || !is_vector(b))
    refuse_shapes("cross", a, b, ("both need extent 3 on axis " + std::to_string(axis)).c_str());
  // Of [x, y, z], [y, z, x] and [z, x, y].
  const auto turned = [&](const Tensor& t, std::int64_t by) { return roll(t, -by, from_end); };
  return turned(a, 1) * turned(b, 2) - turned(a, 2) * turned(b, 1);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  if (a.rank() != 3 || b.rank() != 3 || a.shape()[0] != b.shape()[0] || a.shape()[2] != b.shape()[1])
    refuse_shapes("bmm", a, b, "[n, i, k] and [n, k, j] are expected; matmul() broadcasts");
  return matmul(a, b);
}

Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta, double alpha) {
  if (a.rank() != 2 || b.rank() != 2 || a.shape()[1] != b.shape()[0])
    refuse_shapes("addmm", a, b, "[i, k] and [k, j] are expected");
  const Shape shape{a.shape()[0], b.shape()[1]};
  if (!broadcasts_to(c.shape(), shape))
    throw ShapeError("addmm: c is " + to_string(c.shape()) + "; it must broadcast to the product's shape, " +
                     to_string(shape));
  const Tensor product = matmul(a, b);
  Tensor scaled = alpha == 1 ? product : product * alpha;
  if (beta == 0) return scaled;
  return (beta == 1 ? c : c * beta) + scaled;
}

Tensor tensordot(const Tensor& a, const Tensor& b, const std::vector<int>& axes_a, const std::vector<int>& axes_b) {
  if (axes_a.size() != axes_b.size())
    throw ValueError("tensordot: " + std::to_string(axes_a.size()) + " axes of a and " + std::to_string(axes_b.size()) +
                     " of b; they are paired one by one");
  const std::vector<int> from_a = normalized("axes_a", axes_a, a.rank()),
                         from_b = normalized("axes_b", axes_b, b.rank());
  internal::Labels labels_a(static_cast<std::size_t>(a.rank())), labels_b(static_cast<std::size_t>(b.rank()));
  std::iota(labels_a.begin(), labels_a.end(), 0);
  std::iota(labels_b.begin(), labels_b.end(), a.rank());
  for (std::size_t i = 0; i < from_a.size(); ++i) {
    if (a.shape()[from_a[i]] != b.shape()[from_b[i]])
      throw ShapeError("tensordot: axis " + std::to_string(from_a[i]) + " of a, " + to_string(a.shape()) +
                       ", is summed with axis " + std::to_string(from_b[i]) + " of b, " + to_string(b.shape()) +
                       "; their extents must be equal");
    labels_b[static_cast<std::size_t>(from_b[i])] = from_a[i];
  }
  const DType dtype = promote(promote(a.dtype(), b.dtype()), f32);
  return internal::contract({cast(a, dtype), labels_a}, {cast(b, dtype), labels_b}, {}).value;
}

Tensor tensordot(const Tensor& a, const Tensor& b, int axes) {
  if (axes < 0 || axes > std::min(a.rank(), b.rank()))
    throw ValueError("tensordot: " + std::to_string(axes) + " axes of " + to_string(a.shape()) + " and " +
                     to_string(b.shape()) + "; at least 0, and both must have them");
  std::vector<int> from_a(static_cast<std::size_t>(axes)), from_b(from_a);
  std::iota(from_a.begin(), from_a.end(), a.rank() - axes);
  std::iota(from_b.begin(), from_b.end(), 0);
  return tensordot(a, b, from_a, from_b);
}

}  // namespace tapegrad
