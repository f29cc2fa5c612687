#include <tapegrad/core/record.hpp>
#include <tapegrad/data/dataset.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/splits.hpp>

namespace tapegrad::data {
namespace {

using Pick = std::function<const Tensor&(const Sample&)>;

std::size_t bytes_of(const Tensor& t) { return static_cast<std::size_t>(t.numel()) * size_of(t.dtype()); }

// The tensors that `pick` takes of the samples, the first axis of each filled up with `fill` to `length` if that is not
// negative.
Tensor join(std::span<const Sample> samples, const Pick& pick, std::int64_t length, double fill,
            const std::string& what) {
  const auto filled = [&](const Tensor& t) { return length < 0 ? t.shape() : t.shape().with(0, length); };
  const Tensor& first = pick(samples[0]);
  const Shape shape = filled(first);
  std::vector<std::int64_t> all{std::ssize(samples)};
  all.insert(all.end(), shape.begin(), shape.end());
  Tensor joined = full(Shape(all), fill, first.dtype());
  std::byte* to = engine::node_of(joined).data;
  const std::size_t stride = bytes_of(joined) / samples.size();
  for (std::size_t i = 0; i < samples.size(); ++i, to += stride) {
    const Tensor dense = pick(samples[i]).to_dense().contiguous();
    if (dense.dtype() != first.dtype() || dense.rank() != first.rank() || filled(dense) != shape)
      throw ShapeError(fmt::format("{} of sample {} of the batch is {} {}, that of sample 0 {} {}", what, i,
                                   name_of(dense.dtype()), to_string(dense.shape()), name_of(first.dtype()),
                                   to_string(first.shape())));
    if (const std::size_t bytes = bytes_of(dense)) std::memcpy(to, engine::node_of(dense).data, bytes);
  }
  return joined;
}

std::int64_t longest(std::span<const Sample> samples, const Pick& pick) {
  std::int64_t length = 0;
  for (const Sample& sample : samples)
    if (const Tensor& t = pick(sample); t.rank() > 0) length = std::max(length, t.size(0));
  return length;
}

Batch join_all(std::span<const Sample> samples, bool fill) {
  Batch batch{.inputs = {}, .targets = {}, .rows = std::ssize(samples)};
  if (samples.empty()) throw ValueError("a batch needs one sample at least");
  const std::size_t inputs = samples[0].inputs.size();
  for (std::size_t s = 0; s < samples.size(); ++s)
    if (samples[s].inputs.size() != inputs || samples[s].target.defined() != samples[0].target.defined())
      throw ShapeError(fmt::format("sample {} of the batch has {} inputs and {} target, sample 0 {} and {}", s,
                                   samples[s].inputs.size(), samples[s].target.defined() ? "a" : "no", inputs,
                                   samples[0].target.defined() ? "a" : "no"));
  for (std::size_t s = 0; s < samples.size(); ++s)
    for (std::size_t i = 0; i < inputs; ++i)
      if (const Tensor& input = samples[s].inputs[i]; !input.defined() || (fill && input.rank() < 1))
        throw ShapeError(fmt::format("input {} of sample {} of the batch is {}", i, s,
                                     input.defined() ? "a number, which has no first axis to fill" : "undefined"));
  for (std::size_t i = 0; i < inputs; ++i) {
    const Pick pick = [i](const Sample& sample) -> const Tensor& { return sample.inputs[i]; };
    batch.inputs.push_back(join(samples, pick, fill ? longest(samples, pick) : -1, 0, fmt::format("input {}", i)));
  }
  if (fill && inputs > 0) {
    Tensor lengths = empty({std::ssize(samples)}, i64);
    for (std::size_t s = 0; s < samples.size(); ++s)
      lengths.mutable_data<std::int64_t>()[s] = samples[s].inputs[0].size(0);
    batch.inputs.push_back(std::move(lengths));
  }
  if (const Tensor& target = samples[0].target; target.defined()) {
    const Pick pick = [](const Sample& s) -> const Tensor& { return s.target; };
    const bool grows = fill && target.dtype() == i64 && target.rank() > 0;
    batch.targets = join(samples, pick, grows ? longest(samples, pick) : -1, grows ? -1 : 0, "the target");
  }
  return batch;
}

}  // namespace

Batch stack(std::span<const Sample> samples) { return join_all(samples, false); }
Batch pad_and_stack(std::span<const Sample> samples) { return join_all(samples, true); }

SampleDataset::SampleDataset(std::int64_t size, std::function<Sample(std::int64_t)> read, Collate collate)
    : size_(size), read_(std::move(read)), collate_(std::move(collate)) {
  if (size < 0) throw ValueError(fmt::format("SampleDataset: {} samples", size));
}

Batch SampleDataset::batch(std::span<const std::int64_t> rows) const {
  check_rows(rows, size_);
  std::vector<Sample> samples;
  for (const std::int64_t row : rows) samples.push_back(read_(row));
  return collate_(samples);
}

}  // namespace tapegrad::data
