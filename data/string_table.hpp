#pragma once
// Different strings, numbered in the order in which they came, and the hash table under them and under vocabularies,
// which holds ids only: the keys stay with its owner, who compares them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tapegrad/core/language.hpp>
#include <vector>

namespace tapegrad::data {

/// Numbers for texts, by hash, without the texts themselves.
class IdTable {
 public:
  static constexpr std::int32_t kAbsent = -1;

  /// The id stored under `hash` for which `is_key(id)` holds, or kAbsent.
  template <class IsKey>
  std::int32_t find(std::uint32_t hash, IsKey is_key) const {
    return slots_.empty() ? kAbsent : slots_[slot_of(hash, is_key)].id;
  }

  /// The same, storing `new_id` if there is none.
  template <class IsKey>
  std::int32_t find_or_insert(std::uint32_t hash, std::int32_t new_id, IsKey is_key) {
    if (2 * (used_ + 1) > slots_.size()) grow();
    Slot& slot = slots_[slot_of(hash, is_key)];
    if (slot.id != kAbsent) return slot.id;
    slot = {hash, new_id};
    ++used_;
    return new_id;
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t id = kAbsent;
  };

  /// The slot of the key, or the free one where it belongs. Terminates: half of the slots at least are free.
  template <class IsKey>
  std::size_t slot_of(std::uint32_t hash, IsKey is_key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = hash & mask;
    while (slots_[i].id != kAbsent && !(slots_[i].hash == hash && is_key(slots_[i].id))) i = (i + 1) & mask;
    return i;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : 2 * slots_.size());
    old.swap(slots_);
    const auto never = [](std::int32_t) { return false; };
    for (const Slot& slot : old) {
      if (slot.id != kAbsent) slots_[slot_of(slot.hash, never)] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two
  std::size_t used_ = 0;
};

/// Mixes a pair of ids into a hash whose low bits are good.
inline std::uint32_t hash_pair(std::int32_t first, std::int32_t second) {
  std::uint64_t x =
      (static_cast<std::uint64_t>(static_cast<std::uint32_t>(first)) << 32) | static_cast<std::uint32_t>(second);
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93;
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93;
  return static_cast<std::uint32_t>(x ^ (x >> 32));
}

/// Texts, each kept once and numbered in the order in which they came.
class StringPool {
 public:
  static constexpr std::int32_t kAbsent = IdTable::kAbsent;

  std::int32_t size() const { return static_cast<std::int32_t>(ends_.size()); }

  /// Valid until the next intern(). `id` must lie in [0, size()).
  std::string_view operator[](std::int32_t id) const {
    const auto i = static_cast<std::size_t>(id);
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(letters_).substr(begin, ends_[i] - begin);
  }

  /// The number of `text`, kAbsent if it never came. Allocates nothing.
  std::int32_t find(std::string_view text) const;

  /// The number of `text`, which is size() as it was before if it comes for the first time. Throws ValueError when
  /// 32 bits do not hold the number.
  std::int32_t intern(std::string_view text);

 private:
  std::string letters_;            // all of them, without a break
  std::vector<std::size_t> ends_;  // where each ends
  IdTable ids_;
};

}  // namespace tapegrad::data
