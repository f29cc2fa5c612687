// tapegrad recommend: what a user should try, by a trained recommender.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>

#include "commands.hpp"
#include "option_values.hpp"
#include "prediction.hpp"
#include "systems/saved_recommender.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string model, ratings, user;
  std::vector<std::string> items;
  std::size_t top = 10;
  std::optional<double> popularity;
  bool json = false;
  LoadOptions load;
};

std::vector<Rating> ratings_of(const SavedRecommender& system, const std::string& user) {
  const auto found = std::ranges::find(system.known.users, user);
  if (found == system.known.users.end())
    throw ValueError(
        fmt::format("recommend: the user {} is not among the {} of the training; give --ratings of a new "
                    "one",
                    user, system.known.users.size()));
  std::vector<Rating> ratings;
  for (const Rating& r : system.known.ratings)
    if (r.user == found - system.known.users.begin()) ratings.push_back(r);
  return ratings;
}

/// Of a file, without what the model does not know.
std::vector<Rating> ratings_in(const SavedRecommender& system, const std::string& path) {
  RatingTable table = read_ratings(path, true);
  for (const std::string& item : number_by(system.items(), table))
    std::cerr << fmt::format("tapegrad: warning: {}: the item {} is not one of the training, and does not count\n",
                             path, printable(item));
  for (const Rating& r : table.ratings)
    if (r.value < system.lists.least || r.value > system.lists.greatest)
      throw ValueError(fmt::format("{}: the item {} has a rating of {}; those of the training are from {} to {}", path,
                                   system.items()[static_cast<std::size_t>(r.item)], r.value, system.lists.least,
                                   system.lists.greatest));
  return table.ratings;
}

/// What is expected of these items alone, in their order.
std::vector<Suggestion> judge(const SavedModel<SavedRecommender>& saved, std::span<const Rating> known,
                              const std::vector<std::string>& names) {
  std::vector<Rating> asked;
  double now = 0;
  for (const Rating& r : known) now = std::max(now, r.hours);
  for (const std::string& name : names) {
    const auto found = std::ranges::find(saved.system.items(), name);
    if (found == saved.system.items().end()) throw ValueError(fmt::format("recommend: there is no item {}", name));
    asked.push_back({0, static_cast<std::int32_t>(found - saved.system.items().begin()), 0, now});
  }
  const std::vector<double> expected = expected_ratings(saved, known, asked);
  std::vector<Suggestion> answers;
  for (std::size_t i = 0; i < asked.size(); ++i) answers.push_back({asked[i].item, expected[i]});
  return answers;
}

void run(const Options& options) {
  auto saved = SavedModel<SavedRecommender>::load(options.model, options.load);
  saved.system.lists.popularity = options.popularity.value_or(saved.system.lists.popularity);
  std::vector<Rating> known;
  if (!options.user.empty()) known = ratings_of(saved.system, options.user);
  if (!options.ratings.empty()) known = ratings_in(saved.system, options.ratings);
  const std::vector<Suggestion> answers =
      options.items.empty() ? suggest(saved, known, options.top) : judge(saved, known, options.items);
  for (const Suggestion& s : answers) {
    const std::string& name = saved.system.items()[static_cast<std::size_t>(s.item)];
    if (options.json)
      print_line({{"item", name}, {"rating", s.rating}});
    else
      std::cout << fmt::format("{:6.2f}  {}\n", s.rating, printable(name));
  }
}

}  // namespace

void add_recommend_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("recommend", "What a user should try, and the ratings to expect");
  command->add_option("--model", options->model, "The folder that tapegrad train recommend --out wrote")
      ->type_name(kFolder)
      ->required();
  CLI::Option* user = command->add_option("--user", options->user, "A user of the training");
  command
      ->add_option(
          "--ratings", options->ratings,
          "CSV with the columns item, rating and, if known, time: those of a new user. Five tell a lot. Without "
          "--user and --ratings, the list is for somebody unknown")
      ->type_name(kFile)
      ->excludes(user);
  command->add_option("--item", options->items, "Say what to expect of these items, instead of a list");
  command->add_option("--top", options->top, "Length of the list")->capture_default_str()->check(positive());
  command
      ->add_option("--popularity", options->popularity,
                   "How much the number of its ratings speaks for an item: lists go by the rating + this * ln(1 + "
                   "ratings). 0: by the rating alone; else as the training found best")
      ->check(between(0.0, 100.0));
  command->add_flag("--json", options->json, "One JSON object a line");
  command->add_flag("--allow-nonfinite", options->load.allow_nonfinite, "Use weights that are NaN or infinite");
  command->footer(
      "Examples:\n"
      "  tapegrad recommend --model out/films --user 15\n"
      "  tapegrad recommend --model out/films --ratings mine.csv --top 20\n"
      "  tapegrad recommend --model out/films --user 15 --item \"Casablanca (1942)\"");
  command->callback([options] { run(*options); });
}

}  // namespace tapegrad::tools
