#pragma once
// The next token, drawn from what a language model expects.

#include <tapegrad/core/random.hpp>

namespace tapegrad::nn {

/// How a token is drawn from logits.
struct SamplingOptions {
  double temperature = 1;  ///< divides the logits; 0: always the likeliest token
  std::int64_t top_k = 0;  ///< only the k likeliest; 0: all
  double top_p = 1;        ///< only the likeliest that together have this probability (Holtzman et al. 2020)
};

/// A token, given logits [V]. ValueError for options outside their ranges, or if no logit is finite.
std::int64_t sample_token(const Tensor& logits, const SamplingOptions& options, Rng& rng);

}  // namespace tapegrad::nn
