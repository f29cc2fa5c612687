#pragma once
// Beam search: the likeliest sequences of a model that tells token by token.

#include <cstdint>
#include <functional>
#include <span>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad::nn {

struct BeamOptions {
  std::int64_t beams = 4;       ///< sequences that are followed at a time
  std::int64_t longest = 128;   ///< tokens; what has not ended then is taken as it is
  double length_penalty = 0.6;  ///< α of the divisor ((5 + length) / 6)^α (Wu et al. 2016); 0: none, short ones win
};

struct Hypothesis {
  std::vector<std::int32_t> tokens;  ///< without start and end
  double log_probability = 0;        ///< the end's included
  double score = 0;                  ///< log_probability over the divisor; the length counts the end
};

/// The logits [rows, tokens] of what comes next, where row r has gone on from the row parents[r] of the call before
/// with the token tokens[r]. The first call has one row, whose token is the start.
using BeamStep = std::function<Tensor(std::span<const std::int32_t> tokens, std::span<const std::int64_t> parents)>;

/// At most `beams` sequences, the best first; of equal ones, that of the earlier row and the smaller token. Records
/// nothing. ValueError for options below 1, or a penalty below 0.
std::vector<Hypothesis> beam_search(const BeamStep& step, std::int32_t start, std::int32_t end,
                                    const BeamOptions& options = {});

}  // namespace tapegrad::nn
