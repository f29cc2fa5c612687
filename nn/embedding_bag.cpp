#include <tapegrad/nn/embedding.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>

namespace tapegrad::nn {

EmbeddingBag::EmbeddingBag(Owner owner, const MemberName& name, std::int64_t count, std::int64_t width, BagMode mode,
                           const EmbeddingOptions& options)
    : Layer(owner, name), mode_(mode), sparse_(options.sparse) {
  if (count < 1 || width < 1)
    throw ValueError(fmt::format("{}: {} vectors of width {}; each must be at least 1", describe(), count, width));
  weight.create(*this, "weight",
                options.init({count, width}, options.dtype, options.rng ? *options.rng : default_rng()));
}

Tensor EmbeddingBag::forward(const Tensor& ids, const Tensor& offsets) const {
  return embedding_bag(weight, ids, offsets, {.mode = mode_, .sparse = sparse_});
}

}  // namespace tapegrad::nn
