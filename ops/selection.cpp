#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/positions.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

/// Tensors of positions, each for one axis of a view.
struct Chosen {
  std::vector<Tensor> positions;  // i64, checked
  std::vector<int> axes;
};

std::string argument(std::size_t i) { return "index " + std::to_string(i); }

// Axes of x that an argument uses up.
int consumed(const Index& index) {
  if (index.get<NewAxis>() || index.get<Ellipsis>()) return 0;
  const Tensor* tensor = index.get<Tensor>();
  return tensor && tensor->dtype() == boolean ? tensor->rank() : 1;
}

void choose_mask(const Tensor& mask, std::size_t i, const Tensor& x, int axis, Chosen& chosen) {
  const Shape part(x.shape().dims().subspan(static_cast<std::size_t>(axis), static_cast<std::size_t>(mask.rank())));
  if (mask.rank() == 0 || mask.shape() != part)
    throw ShapeError("at: the mask given as " + argument(i) + " is " + to_string(mask.shape()) +
                     ", its axes of x are " + to_string(part) + "; they must be equal" +
                     (mask.rank() == 0 ? " and not be a scalar" : ""));
  const Tensor where_true = nonzero(mask);
  for (int k = 0; k < mask.rank(); ++k) {
    chosen.positions.push_back(select(where_true, 1, k).contiguous());
    chosen.axes.push_back(axis + k);
  }
}

// Takes the chosen positions of several axes at once, as positions of one axis that merges them.
Tensor take_chosen(const Tensor& x, Chosen chosen) {
  const auto count = chosen.axes.size();
  if (count == 0) return x;
  if (count == 1) return take(x, chosen.positions[0], chosen.axes[0]);
  const bool adjoin = chosen.axes.back() - chosen.axes.front() == static_cast<int>(count) - 1;
  const int front = adjoin ? chosen.axes.front() : 0;
  Shape together;
  for (const Tensor& p : chosen.positions) together = broadcast_shapes("at", together, p.shape());

  Tensor merged = x;
  if (!adjoin) {
    std::vector<std::int64_t> order(chosen.axes.begin(), chosen.axes.end());
    for (int axis = 0; axis < x.rank(); ++axis)
      if (std::find(chosen.axes.begin(), chosen.axes.end(), axis) == chosen.axes.end()) order.push_back(axis);
    merged = permute(x, order);
  }
  Tensor flat = zeros(together, i64);
  const auto to = flat.mutable_data<std::int64_t>();
  for (std::size_t k = 0; k < count; ++k) {
    const std::int64_t extent = x.shape()[chosen.axes[k]];
    const Tensor positions = broadcast_to(chosen.positions[k], together).contiguous();
    const auto from = positions_of(positions);
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = to[i] * extent + from[i];
  }
  return take(flatten(merged, front, front + static_cast<int>(count) - 1), flat, front);
}

template <class T>
std::vector<std::int64_t> places_of_nonzero(const Tensor& x) {
  std::vector<std::int64_t> places;
  const Tensor dense = x.to_dense().contiguous();
  const auto values = dense.data<T>();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != T{0}) places.push_back(static_cast<std::int64_t>(i));
  return places;
}

void require_mask(const char* op, const Tensor& mask) {
  if (mask.dtype() != boolean)
    throw DTypeError(std::string(op) + ": 'mask' is " + describe(mask) +
                     ", not bool; compare it with something, as in x > 0");
}

// The extent that holds all ids and `min_length`.
std::int64_t bins_for(const Tensor& ids, std::int64_t min_length) {
  if (min_length < 0)
    throw ValueError("bincount: a minimum length of " + std::to_string(min_length) + "; it must be zero or more");
  if (ids.rank() != 1) throw ShapeError("bincount: ids are " + to_string(ids.shape()) + "; one axis is expected");
  const Tensor checked = checked_indices("bincount", "ids", ids, Slice::kEnd, Negative::refused);
  for (const std::int64_t id : positions_of(checked)) min_length = std::max(min_length, id + 1);
  return min_length;
}

}  // namespace

Tensor at(const Tensor& x, std::span<const Index> indices) {
  int named = 0, ellipses = 0;
  for (const Index& index : indices) {
    named += consumed(index);
    ellipses += index.get<Ellipsis>() != nullptr;
  }
  if (named > x.rank() || ellipses > 1)
    throw ValueError(
        "at: " + (ellipses > 1 ? "more than one ellipsis" : "indices for " + std::to_string(named) + " axes") +
        ", x is " + to_string(x.shape()));
  Tensor view = x;
  Chosen chosen;
  int axis = 0;  // of `view`, which the next argument is for
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (const std::int64_t* position = indices[i].get<std::int64_t>()) {
      const std::int64_t extent = view.shape()[axis];
      if (*position < -extent || *position >= extent)
        throw IndexError("at: " + argument(i) + " is " + std::to_string(*position) + "; expected a position in [" +
                         std::to_string(-extent) + ", " + std::to_string(extent) + "), x is " + to_string(x.shape()));
      view = select(view, axis, *position);
    } else if (const Slice* range = indices[i].get<Slice>()) {
      const bool whole = range->start == 0 && range->stop == Slice::kEnd && range->step == 1;
      if (!whole) view = slice(view, axis, range->start, range->stop, range->step);
      ++axis;
    } else if (indices[i].get<NewAxis>()) {
      view = unsqueeze(view, axis++);
    } else if (indices[i].get<Ellipsis>()) {
      axis += x.rank() - named;
    } else {
      const Tensor& tensor = *indices[i].get<Tensor>();
      if (tensor.dtype() == boolean) {
        choose_mask(tensor, i, view, axis, chosen);
      } else {
        chosen.positions.push_back(checked_indices("at", argument(i).c_str(), tensor, view.shape()[axis]));
        chosen.axes.push_back(axis);
      }
      axis += consumed(indices[i]);
    }
  }
  return take_chosen(view, std::move(chosen));
}

Tensor Tensor::operator[](std::int64_t index) const { return tapegrad::at(*this, index); }

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  require_mask("masked_select", mask);
  const Shape together = broadcast_shapes("masked_select", x.shape(), mask.shape());
  return take(flatten(broadcast_to(x, together)), flatnonzero(broadcast_to(mask, together)), 0);
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  require_mask("masked_fill", mask);
  return where(mask, value, x);
}
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  require_mask("masked_fill", mask);
  return where(mask, value, x);
}

Tensor index_fill(const Tensor& x, int axis, const Tensor& indices, const Operand& value) {
  axis = normalized_axis("index_fill", axis, x.rank());
  if (indices.rank() > 1)
    throw ShapeError("index_fill: indices are " + to_string(indices.shape()) + "; one axis is expected");
  if (!value.is_number() && value.tensor().rank() != 0)
    throw ShapeError("index_fill: value is " + to_string(value.tensor().shape()) +
                     "; a number or a scalar is expected, index_put() takes tensors");
  std::vector<std::int64_t> along(static_cast<std::size_t>(x.rank()), 1);
  along[static_cast<std::size_t>(axis)] = x.shape()[axis];
  Tensor filled = zeros(Shape(along), boolean);
  const Tensor checked = checked_indices("index_fill", "indices", indices, x.shape()[axis]);
  const auto mask = filled.mutable_data<bool>();
  for (const std::int64_t position : positions_of(checked)) mask[static_cast<std::size_t>(position)] = true;
  return where(filled, value, x);
}

Tensor flatnonzero(const Tensor& x) {
  return copy_of(dispatch(x.dtype(), [&]<class T>() { return places_of_nonzero<T>(x); }));
}

Tensor nonzero(const Tensor& x) {
  const Tensor places = flatnonzero(x);
  Tensor indices = empty({places.numel(), x.rank()}, i64);
  const auto rank = static_cast<std::size_t>(x.rank());
  const auto to = indices.mutable_data<std::int64_t>();
  const auto from = positions_of(places);
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::int64_t rest = from[i];
    for (std::size_t axis = rank; axis-- > 0;) {
      const std::int64_t extent = x.shape()[static_cast<int>(axis)];
      to[i * rank + axis] = rest % extent;
      rest /= extent;
    }
  }
  return indices;
}

Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype) {
  if (classes < 0) throw ValueError("one_hot: " + std::to_string(classes) + " classes; it must be zero or more");
  if (ids.rank() == kMaxRank)
    throw ShapeError("one_hot: ids of shape " + to_string(ids.shape()) + " leave no axis for the classes");
  const Tensor checked = checked_indices("one_hot", "ids", ids, classes, Negative::refused);
  Tensor hot = zeros(ids.shape().insert(ids.rank(), classes), dtype);
  dispatch(dtype, [&]<class T>() {
    T* row = hot.mutable_data<T>().data();
    for (const std::int64_t id : positions_of(checked)) {
      row[id] = T{1};
      row += classes;
    }
  });
  return hot;
}

Tensor bincount(const Tensor& ids, std::int64_t min_length) {
  Tensor counts = zeros({bins_for(ids, min_length)}, i64);
  const Tensor checked = cast(ids, i64).contiguous();
  const auto to = counts.mutable_data<std::int64_t>();
  for (const std::int64_t id : positions_of(checked)) ++to[static_cast<std::size_t>(id)];
  return counts;
}

Tensor bincount(const Tensor& ids, const Tensor& weights, std::int64_t min_length) {
  const std::int64_t bins = bins_for(ids, min_length);
  if (weights.shape() != ids.shape())
    throw ShapeError("bincount: ids are " + to_string(ids.shape()) + " and weights " + to_string(weights.shape()) +
                     "; shapes must be equal");
  return index_add(zeros_view({bins}, weights.dtype()), 0, ids, weights);
}

}  // namespace tapegrad
