#include <tapegrad/ops/internal/labelled.hpp>

#include <algorithm>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::internal {
namespace {

bool has(const Labels& labels, Label l) { return std::ranges::find(labels, l) != labels.end(); }

Labels joined(const Labels& a, const Labels& b) {
  Labels all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

std::int64_t extent_of(const Labelled& t, Label l) {
  return t.value.shape()[static_cast<int>(std::ranges::find(t.labels, l) - t.labels.begin())];
}

std::vector<std::int64_t> extents_of(const Labelled& t, const Labels& labels) {
  std::vector<std::int64_t> extents;
  for (const Label l : labels) extents.push_back(extent_of(t, l));
  return extents;
}

std::int64_t size_of(const Labelled& t, const Labels& labels) {
  std::int64_t size = 1;
  for (const Label l : labels) size *= extent_of(t, l);
  return size;
}

}  // namespace

Tensor arranged(const Labelled& t, const Labels& order) {
  std::vector<std::int64_t> axes;
  for (const Label l : order)
    if (has(t.labels, l)) axes.push_back(std::ranges::find(t.labels, l) - t.labels.begin());
  Tensor arranged = std::ranges::is_sorted(axes) ? t.value : permute(t.value, axes);
  for (std::size_t i = 0; i < order.size(); ++i)
    if (!has(t.labels, order[i])) arranged = unsqueeze(arranged, static_cast<int>(i));
  return arranged;
}

Labelled contract(const Labelled& a, const Labelled& b, const Labels& kept) {
  Labels batch, summed, left, right;
  for (const Label l : a.labels) (!has(b.labels, l) ? left : has(kept, l) ? batch : summed).push_back(l);
  for (const Label l : b.labels)
    if (!has(a.labels, l)) right.push_back(l);

  const Labels result = joined(joined(batch, left), right);
  if (summed.empty()) return {arranged(a, result) * arranged(b, result), result};
  if (left.empty() && right.empty()) {
    const Labels all = joined(batch, summed);
    Axes axes;
    for (std::size_t i = batch.size(); i < all.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    return {sum(arranged(a, all) * arranged(b, all), axes), result};
  }

  // One batched product of matrices, each group of labels merged into one axis.
  const auto merged = [&](const Labelled& t, const Labels& rows, const Labels& columns) {
    std::vector<std::int64_t> shape;
    if (!batch.empty()) shape.push_back(size_of(t, batch));
    shape.push_back(size_of(t, rows));
    shape.push_back(size_of(t, columns));
    return reshape(arranged(t, joined(joined(batch, rows), columns)), shape);
  };
  const Tensor product = matmul(merged(a, left, summed), merged(b, summed, right));
  std::vector<std::int64_t> shape = extents_of(a, joined(batch, left));
  for (const std::int64_t extent : extents_of(b, right)) shape.push_back(extent);
  return {reshape(product, shape), result};
}

}  // namespace tapegrad::internal
