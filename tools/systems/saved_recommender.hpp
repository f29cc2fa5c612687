#pragma once
// What `tapegrad train recommend` leaves: a model, its items, and the ratings that are known.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tapegrad/data/table.hpp>
#include <tapegrad/nn/models/recommender.hpp>
#include <vector>

#include "../saved_model.hpp"
#include "rating_table.hpp"

namespace tapegrad::tools {

/// What a folder holds: config.json, items.json, ratings.csv and model.safetensors.
struct SavedRecommender {
  using Model = nn::models::Recommender;
  static constexpr std::string_view kKind = "recommender", kItems = "items.json", kRatings = "ratings.csv";
  static constexpr int kVersion = 1;

  /// What lists go by: the expected rating, kept between the least and the greatest, + popularity · ln(1 + ratings).
  struct Lists {
    double least = 0, greatest = 0, popularity = 0;
  };

  nn::models::RecommenderOptions options;
  Lists lists = {};
  std::optional<data::TableEncoder> encoder = {};
  RatingTable known = {};

  static constexpr auto fields() {
    return std::tuple{part(&SavedRecommender::options),
                      part(&SavedRecommender::lists, Setting{"least", &Lists::least},
                           Setting{"greatest", &Lists::greatest}, Setting{"popularity", &Lists::popularity})};
  }

  const std::vector<std::string>& items() const { return encoder->class_names(); }
  std::unique_ptr<Model> make(Rng& rng) const;
  void read_files(const std::filesystem::path& folder);
  void write_files(const OutputFolder& to) const;
};

/// The ratings of one user, as tensors.
nn::models::Ratings as_tensors(std::span<const Rating> ratings);

/// What is expected of the items at those times, kept between the least and the greatest rating. Records nothing.
std::vector<double> expected_ratings(const SavedModel<SavedRecommender>& saved, std::span<const Rating> known,
                                     std::span<const Rating> asked);

struct Suggestion {
  std::int32_t item = 0;
  double rating = 0;  ///< that is expected
};

/// The `count` best for the user whose ratings are known, the best first: items without a rating. They are for the time
/// of the user's last rating.
std::vector<Suggestion> suggest(const SavedModel<SavedRecommender>& saved, std::span<const Rating> known,
                                std::size_t count);

}  // namespace tapegrad::tools
