#pragma once
// Ratings from CSV files, and what is known of items.

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/data/table.hpp>
#include <vector>

#include "../rating_baselines.hpp"

namespace tapegrad::tools {

/// Users and items by number; their names are sorted.
struct RatingTable {
  std::vector<std::string> users, items;
  std::vector<Rating> ratings;
  std::int64_t repeated = 0;  ///< ratings that a later one of the same user and item replaced
};

/// A file with the columns user (unless `one_user`), item, rating and, if it has one, time in seconds since 1970.
/// IoError or ValueError, which names the line, for what is missing or no number.
RatingTable read_ratings(const std::filesystem::path& path, bool one_user = false);
/// Its inverse.
void save_ratings(const std::filesystem::path& path, const RatingTable& table);

/// Numbers the items by these names, which are sorted. Ratings of others go; their items' names are returned.
std::vector<std::string> number_by(const std::vector<std::string>& items, RatingTable& table);

/// The items by name, in order, as a table: how many ratings each has, as a logarithm, and the columns of `path`, if
/// that names a file with a column item. A category of several names, "Drama|War", becomes a column for each name.
/// Items of the file that have no rating come too.
data::Table item_table(const RatingTable& ratings, std::span<const Rating> counted, const std::string& path);

inline constexpr std::string_view kItem = "item";

}  // namespace tapegrad::tools
