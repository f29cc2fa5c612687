#pragma once
// Tokens, as language models learn from: one long sequence, of which they tell what comes next; texts, of which they
// tell what is hidden.

#include <tapegrad/data/loader.hpp>

namespace tapegrad::data {

/// The sequence cut into windows of `length` tokens, to be drawn in any order: inputs i32 [N, length], and as targets
/// i64 [N, length] the tokens one further.
class TokenWindows final : public Dataset {
 public:
  /// Windows begin every `stride` tokens; 0 stands for `length`. ValueError if the tokens do not fill one.
  TokenWindows(std::vector<std::int32_t> tokens, std::int64_t length, std::int64_t stride = 0);
  std::int64_t size() const override;
  Batch batch(std::span<const std::int64_t> rows) const override;

 private:
  std::vector<std::int32_t> tokens_;
  std::int64_t length_, stride_;
};

/// The sequence in `lanes` parts of equal length side by side, each read from its beginning to its end: row i of a
/// batch goes on where row i of the one before ended, so that a state may be carried from batch to batch. Inputs i32
/// [lanes, length], targets i64 one token further; the last batch of an epoch may be shorter.
class TokenLanes final : public BatchSource {
 public:
  /// ValueError if there are not two tokens for each lane.
  TokenLanes(std::vector<std::int32_t> tokens, std::int64_t lanes, std::int64_t length);
  void start(std::int64_t number) override;
  bool next(Batch& batch) override;
  void skip(std::int64_t count) override { position_ += count * length_; }
  std::int64_t batches() const override { return (lane_ - 1 + length_ - 1) / length_; }

 private:
  std::vector<std::int32_t> tokens_;
  std::int64_t lanes_, length_, lane_, position_ = 0;
};

}  // namespace tapegrad::data

namespace tapegrad::data::augment {

struct MaskTokensOptions {
  double share = 0.15;      ///< of a text's tokens, rounded; one at least
  std::int32_t mask = 0;    ///< the token that stands for one that is hidden
  std::int32_t tokens = 0;  ///< others are drawn from 0 up to, not including, this one
};
/// Hides tokens that a masked language model is to tell (Devlin et al. 2019). Ids i32 [N, L] and lengths i64 [N] get a
/// third input beside them, the places that were drawn among the N · L, i64 [M], and the tokens there as targets, i64
/// [M]. Of ten drawn, eight become `mask`, one becomes any token, and one stays. ValueError for a share outside (0, 1)
/// or tokens below 1.
Transform mask_tokens(std::uint64_t seed, const MaskTokensOptions& options);

}  // namespace tapegrad::data::augment
