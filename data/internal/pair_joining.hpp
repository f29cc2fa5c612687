#pragma once
// What tokenisers by byte pairs share: two tokens side by side become one.

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace tapegrad::data {

using Tokens = std::vector<std::int32_t>;

/// Two tokens side by side.
using Key = std::uint64_t;
constexpr Key key_of(std::int32_t left, std::int32_t right) {
  return static_cast<Key>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
}

struct Join {
  std::int32_t rank;  ///< the least comes first
  std::int32_t token;
};
using Joins = std::unordered_map<Key, Join>;

/// Joins each `left` that is followed by `right`.
void join(Tokens& tokens, std::int32_t left, std::int32_t right, std::int32_t joined);

/// Joins the pair of the least rank, again and again, until none is left.
void join_all(Tokens& tokens, const Joins& joins);

}  // namespace tapegrad::data
