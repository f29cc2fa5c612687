#include <tapegrad/data/string_table.hpp>

#include <functional>
#include <limits>
#include <tapegrad/core/error.hpp>

namespace tapegrad::data {
namespace {

std::uint32_t hash_text(std::string_view text) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>{}(text));
}

}  // namespace

std::int32_t StringPool::find(std::string_view text) const {
  return ids_.find(hash_text(text), [&](std::int32_t id) { return (*this)[id] == text; });
}

std::int32_t StringPool::intern(std::string_view text) {
  if (size() == std::numeric_limits<std::int32_t>::max()) throw ValueError("more than 2,147,483,647 different words");
  const std::int32_t fresh = size();
  const std::int32_t id =
      ids_.find_or_insert(hash_text(text), fresh, [&](std::int32_t other) { return (*this)[other] == text; });
  if (id == fresh) {
    letters_ += text;
    ends_.push_back(letters_.size());
  }
  return id;
}

}  // namespace tapegrad::data
