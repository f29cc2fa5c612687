#pragma once
// Random choices. Each draws from `rng`, in row-major order, so that a seed repeats them at any number of threads.

#include <tapegrad/core/random.hpp>

namespace tapegrad {

/// 1 with the probability that each element of `probability` gives, else 0; of its shape and dtype.
/// ValueError for one outside [0, 1].
Tensor bernoulli(const Tensor& probability, Rng& rng = default_rng());
Tensor bernoulli(const Shape& shape, double probability, DType dtype = f32, Rng& rng = default_rng());

/// One draw a row from the distribution softmax(logits) over the last axis: i64 without that axis. Logits of -inf are
/// never drawn; ValueError where all are, or one is NaN or +inf.
Tensor categorical(const Tensor& logits, Rng& rng = default_rng());

/// `count` draws a row from weights that need not add up to 1, over the last axis: i64, which replaces it. Without
/// replacement none is drawn twice, in the order of the draws. ValueError for weights that are negative, infinite, NaN,
/// or all 0, and where fewer than `count` are above 0 without replacement. For equal weights randperm() is faster.
Tensor multinomial(const Tensor& weights, std::int64_t count, bool replacement = false, Rng& rng = default_rng());

/// x with elements set to 0 with probability `p`, and the others scaled by 1 / (1 - p); x itself when not training.
/// The mask is not stored: the backward pass, of any order, draws it again. ValueError for p outside [0, 1].
Tensor dropout(const Tensor& x, double p, Rng& rng = default_rng(), bool training = true);

}  // namespace tapegrad
