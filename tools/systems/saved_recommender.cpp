#include "saved_recommender.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>

namespace tapegrad::tools {

std::unique_ptr<SavedRecommender::Model> SavedRecommender::make(Rng& rng) const {
  if (!(lists.least < lists.greatest)) throw ValueError("\"least\" is not below \"greatest\"");
  nn::models::RecommenderOptions all = options;
  all.items = std::ssize(items());
  all.features = std::ssize(encoder->feature_names());
  all.rng = &rng;
  return std::make_unique<Model>(all);
}

void SavedRecommender::read_files(const std::filesystem::path& folder) {
  encoder = data::TableEncoder::load(folder / kItems);
  known = read_ratings(folder / kRatings);
  if (const std::vector<std::string> strange = number_by(items(), known); !strange.empty())
    throw IoError(fmt::format("{}: the item {} is not in {}", (folder / kRatings).string(), strange.front(), kItems));
}

void SavedRecommender::write_files(const OutputFolder& to) const {
  encoder->save(to.path(kItems));
  save_ratings(to.path(kRatings), known);
}

nn::models::Ratings as_tensors(std::span<const Rating> ratings) {
  std::vector<std::int64_t> items;
  std::vector<double> hours;
  std::vector<float> values;
  for (const Rating& r : ratings) {
    items.push_back(r.item);
    hours.push_back(r.hours);
    values.push_back(static_cast<float>(r.value));
  }
  return {copy_of(items), copy_of(hours), copy_of(values)};
}

std::vector<double> expected_ratings(const SavedModel<SavedRecommender>& saved, std::span<const Rating> known,
                                     std::span<const Rating> asked) {
  const NoGrad no_grad;
  const nn::models::Ratings questions = as_tensors(asked);
  std::vector<double> answers = saved.model->predict(as_tensors(known), questions.items, questions.times).values();
  for (double& answer : answers) answer = std::clamp(answer, saved.system.lists.least, saved.system.lists.greatest);
  return answers;
}

std::vector<Suggestion> suggest(const SavedModel<SavedRecommender>& saved, std::span<const Rating> known,
                                std::size_t count) {
  const NoGrad no_grad;
  const SavedRecommender& system = saved.system;
  double now = 0;
  for (const Rating& r : known) now = std::max(now, r.hours);
  const auto items = std::ssize(system.items());
  const std::vector<double> expected =
      saved.model->predict(as_tensors(known), arange(items), full({1}, now, f64)).values();
  std::vector<double> worth(expected.size());
  for (const Rating& r : system.known.ratings) ++worth[static_cast<std::size_t>(r.item)];
  std::vector<Suggestion> suggestions;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double rating = std::clamp(expected[i], system.lists.least, system.lists.greatest);
    worth[i] = expected[i] + system.lists.popularity * std::log1p(worth[i]);
    suggestions.push_back({static_cast<std::int32_t>(i), rating});
  }
  for (const Rating& r : known) worth[static_cast<std::size_t>(r.item)] = -INFINITY;
  std::erase_if(suggestions, [&](const Suggestion& s) { return std::isinf(worth[static_cast<std::size_t>(s.item)]); });
  count = std::min(count, suggestions.size());
  std::ranges::partial_sort(suggestions, suggestions.begin() + static_cast<std::ptrdiff_t>(count),
                            std::ranges::greater(),
                            [&](const Suggestion& s) { return worth[static_cast<std::size_t>(s.item)]; });
  suggestions.resize(count);
  return suggestions;
}

}  // namespace tapegrad::tools
