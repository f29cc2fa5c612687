#include <tapegrad/nn/embedding.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/embedding.hpp>

namespace tapegrad::nn {

Embedding::Embedding(Owner owner, const MemberName& name, std::int64_t count, std::int64_t width,
                     const EmbeddingOptions& options)
    : Layer(owner, name), sparse_(options.sparse) {
  if (count < 1 || width < 1)
    throw ValueError(fmt::format("{}: {} vectors of width {}; each must be at least 1", describe(), count, width));
  weight.create(*this, "weight",
                options.init({count, width}, options.dtype, options.rng ? *options.rng : default_rng()));
}

Tensor Embedding::forward(const Tensor& ids) const {
  if (ids.dtype() != i64 && ids.dtype() != i32)
    throw DTypeError(fmt::format("{}: ids are {} {}, expected i64 or i32", describe(), name_of(ids.dtype()),
                                 to_string(ids.shape())));
  return embedding(weight, ids, {.sparse = sparse_});
}

}  // namespace tapegrad::nn
