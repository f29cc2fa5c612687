#include <tapegrad/data/token_stream.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/splits.hpp>

namespace tapegrad::data {
namespace {

// Inputs and targets from the tokens at each of `begins`.
Batch windows(const std::vector<std::int32_t>& tokens, std::span<const std::int64_t> begins, std::int64_t length) {
  const std::int64_t count = std::ssize(begins);
  Batch batch{{empty({count, length}, i32)}, empty({count, length}, i64), count};
  auto input = batch.inputs[0].mutable_data<std::int32_t>().begin();
  auto target = batch.targets.mutable_data<std::int64_t>().begin();
  for (const std::int64_t begin : begins) {
    input = std::copy_n(tokens.begin() + begin, length, input);
    target = std::copy_n(tokens.begin() + begin + 1, length, target);
  }
  return batch;
}

}  // namespace

TokenWindows::TokenWindows(std::vector<std::int32_t> tokens, std::int64_t length, std::int64_t stride)
    : tokens_(std::move(tokens)), length_(length), stride_(stride == 0 ? length : stride) {
  if (length < 1 || stride < 0)
    throw ValueError(fmt::format("TokenWindows: length {}, stride {}; both are above 0", length, stride));
  if (std::ssize(tokens_) < length + 1)
    throw ValueError(fmt::format("TokenWindows: {} tokens do not fill a window of {} and the one that follows",
                                 tokens_.size(), length));
}

std::int64_t TokenWindows::size() const { return (std::ssize(tokens_) - length_ - 1) / stride_ + 1; }

Batch TokenWindows::batch(std::span<const std::int64_t> rows) const {
  check_rows(rows, size());
  std::vector<std::int64_t> begins(rows.begin(), rows.end());
  for (std::int64_t& begin : begins) begin *= stride_;
  return windows(tokens_, begins, length_);
}

TokenLanes::TokenLanes(std::vector<std::int32_t> tokens, std::int64_t lanes, std::int64_t length)
    : tokens_(std::move(tokens)), lanes_(lanes), length_(length), lane_(lanes > 0 ? std::ssize(tokens_) / lanes : 0) {
  if (lanes < 1 || length < 1)
    throw ValueError(fmt::format("TokenLanes: {} lanes of {} tokens a batch", lanes, length));
  if (lane_ < 2)
    throw ValueError(fmt::format("TokenLanes: {} tokens do not give {} lanes two each", tokens_.size(), lanes));
}

void TokenLanes::start(std::int64_t /*number*/) { position_ = 0; }

bool TokenLanes::next(Batch& batch) {
  const std::int64_t length = std::min(length_, lane_ - 1 - position_);
  if (length < 1) return false;
  std::vector<std::int64_t> begins;
  for (std::int64_t lane = 0; lane < lanes_; ++lane) begins.push_back(lane * lane_ + position_);
  batch = windows(tokens_, begins, length);
  position_ += length_;
  return true;
}

}  // namespace tapegrad::data
