#pragma once
// Different strings, numbered in the order in which they came.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tapegrad/data/id_table.hpp>
#include <vector>

namespace tapegrad::data {

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
