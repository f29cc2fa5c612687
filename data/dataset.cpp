#include <tapegrad/core/record.hpp>
#include <tapegrad/data/dataset.hpp>

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/splits.hpp>

namespace tapegrad::data {
namespace {

// One NaN among the targets makes every weight NaN.
void require_finite(const Tensor& targets) {
  if (!is_floating(targets.dtype()) || targets.numel() == 0) return;
  const std::int64_t width = targets.numel() / targets.size(0);
  dispatch_floating(targets.dtype(), [&]<class T>() {
    std::int64_t i = 0;
    for (const T value : targets.data<T>()) {
      if (!std::isfinite(value))
        throw ValueError(fmt::format("TensorDataset: the target of row {} is {}", i / width, value));
      ++i;
    }
  });
}

Tensor rows_of(const Tensor& all, std::span<const std::int64_t> rows) {
  Tensor taken = empty(all.shape().with(0, std::ssize(rows)), all.dtype());
  const std::int64_t count = all.shape()[0];
  const std::size_t bytes = count == 0 ? 0 : static_cast<std::size_t>(all.numel() / count) * size_of(all.dtype());
  if (bytes == 0) return taken;
  const std::byte* from = engine::node_of(all).data;
  std::byte* to = engine::node_of(taken).data;
  for (const std::int64_t row : rows) {
    std::memcpy(to, from + static_cast<std::size_t>(row) * bytes, bytes);
    to += bytes;
  }
  return taken;
}

}  // namespace

void BatchSource::skip(std::int64_t count) {
  for (Batch batch; count > 0 && next(batch); --count) batch = {};
}

TensorDataset::TensorDataset(Tensor inputs, Tensor targets)
    : TensorDataset(std::vector<Tensor>{std::move(inputs)}, std::move(targets)) {}

TensorDataset::TensorDataset(std::vector<Tensor> inputs, Tensor targets)
    : inputs_(std::move(inputs)), targets_(std::move(targets)) {
  if (inputs_.empty()) throw ShapeError("TensorDataset: it needs one tensor of inputs at least");
  const auto prepare = [this](Tensor& t, const std::string& what) {
    if (t.rank() < 1 || (&t != &inputs_[0] && t.size(0) != size_))
      throw ShapeError(fmt::format("TensorDataset: {} of shape {}; the first axis numbers the samples, and must be {}",
                                   what, to_string(t.shape()), &t == &inputs_[0] ? "there" : std::to_string(size_)));
    t = t.to_dense().contiguous();
    if (t.requires_grad()) t = t.detach();
    if (&t == &inputs_[0]) size_ = t.size(0);
  };
  for (std::size_t i = 0; i < inputs_.size(); ++i) prepare(inputs_[i], fmt::format("input {}", i));
  if (!targets_.defined()) return;
  prepare(targets_, "targets");
  require_finite(targets_);
}

Batch TensorDataset::batch(std::span<const std::int64_t> rows) const {
  check_rows(rows, size_);
  Batch batch{.inputs = {}, .targets = {}, .rows = std::ssize(rows)};
  for (const Tensor& input : inputs_) batch.inputs.push_back(rows_of(input, rows));
  if (targets_.defined()) batch.targets = rows_of(targets_, rows);
  return batch;
}

}  // namespace tapegrad::data
