#include <bit>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/node_extra.hpp>
#include <tapegrad/core/internal/row_sparse.hpp>
#include <tapegrad/core/record.hpp>

namespace tapegrad {

// A hash table of the entries' own size stays in the first-level cache where one slot a row of the table would not.
DistinctRows::DistinctRows(std::span<const std::int64_t> given) {
  const std::size_t capacity = std::bit_ceil(std::max<std::size_t>(2 * given.size(), 16));
  const int shift = 64 - std::countr_zero(capacity);
  constexpr std::int64_t kFree = -1;
  PooledVector<std::int64_t> table(capacity, kFree);
  rows.reserve(given.size());
  slots.reserve(given.size());
  for (const std::int64_t row : given) {
    std::size_t at = static_cast<std::size_t>((static_cast<std::uint64_t>(row) * 0x9E3779B97F4A7C15u) >> shift);
    while (table[at] != kFree && rows[static_cast<std::size_t>(table[at])] != row) at = (at + 1) & (capacity - 1);
    if (table[at] == kFree) {
      table[at] = count();
      rows.push_back(row);
    }
    slots.push_back(table[at]);
  }
}

const RowSparse* Tensor::row_sparse() const {
  const NodeExtra* extra = find_extra(node());
  return extra && extra->rows ? &*extra->rows : nullptr;
}

Tensor adopt_rows(const Shape& shape, RowSparse rows) {
  Tensor result = engine::adopt(Node::create(shape, rows.values.dtype()));
  extra_of(engine::node_of(result)).rows = std::move(rows);
  return result;
}

Tensor make_row_sparse(const Shape& shape, const Tensor& indices, const Tensor& values) {
  const Shape& v = values.shape();
  if (shape.rank() == 0 || v.rank() != shape.rank() || v.with(0, shape[0]) != shape || indices.shape() != Shape{v[0]} ||
      indices.dtype() != i64 || !is_floating(values.dtype()))
    throw ShapeError("make_row_sparse: indices " + describe(indices) + " and values " + describe(values) +
                     " do not give rows of a tensor of shape " + to_string(shape));
  const Tensor dense_indices = indices.contiguous(), dense_values = values.contiguous();
  const auto listed = dense_indices.data<std::int64_t>();
  for (std::size_t i = 0; i < listed.size(); ++i)
    if (listed[i] < 0 || listed[i] >= shape[0])
      throw IndexError("make_row_sparse: row " + std::to_string(listed[i]) + " at position " + std::to_string(i) +
                       " is outside " + to_string(shape));
  const DistinctRows distinct(listed);
  RowSparse rows{copy_of(std::span<const std::int64_t>(distinct.rows), {distinct.count()}),
                 empty(v.with(0, distinct.count()), values.dtype())};
  dispatch_floating(values.dtype(), [&]<class T>() {
    const std::int64_t width = distinct.count() ? rows.values.numel() / distinct.count() : 0;
    sum_rows(distinct, width, rows.values.mutable_data<T>().data(),
             [from = dense_values.data<T>().data(), width](std::size_t i) {
               return from + static_cast<std::int64_t>(i) * width;
             });
  });
  return adopt_rows(shape, std::move(rows));
}

Tensor Tensor::to_dense() const {
  const RowSparse* rows = row_sparse();
  if (!rows) return *this;
  Tensor dense = zeros(shape(), dtype());
  dispatch_floating(dtype(), [&]<class T>() { add_rows(*rows, reinterpret_cast<T*>(engine::node_of(dense).data)); });
  return dense;
}

}  // namespace tapegrad
