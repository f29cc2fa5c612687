// tapegrad train recommend: what users will think of items, and lists of what to try.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/train/ranking.hpp>

#include "../model_options.hpp"
#include "../systems.hpp"
#include "../training.hpp"
#include "saved_recommender.hpp"

namespace tapegrad::tools {
namespace {

using Saved = SavedModel<SavedRecommender>;
using Rows = std::vector<std::int64_t>;
using ByUser = std::vector<std::vector<Rating>>;

constexpr std::int64_t kListLength = 10, kUsersAStep = 8, kAlsFactors = 8;

struct Options : TrainingOptions {
  std::string file, items;
  nn::models::RecommenderOptions model;
  double validation = 0.05, held_out = 0.1;
  double liked = 4;
};

struct Parts {
  std::vector<Rating> train, validation, test;
};

ByUser by_user(const RatingTable& table, std::span<const Rating> ratings) {
  ByUser users(table.users.size());
  for (const Rating& r : ratings) users[static_cast<std::size_t>(r.user)].push_back(r);
  return users;
}

/// The training part, a user at a time: each epoch in another order, users with many ratings in several parts.
class UserBatches final : public data::BatchSource {
 public:
  UserBatches(ByUser users, std::int64_t most, std::uint64_t seed)
      : users_(std::move(users)), most_(most), seed_(seed) {}

  void start(std::int64_t number) override {
    next_ = 0;
    parts_.clear();
    for (std::size_t u = 0; u < users_.size(); ++u) {
      Rows rows = data::all_rows(std::ssize(users_[u]));
      data::shuffle(rows, seed_ + u, static_cast<std::uint64_t>(number));
      const std::int64_t count = std::ssize(rows), parts = (count + most_ - 1) / most_;
      for (std::int64_t p = 0; p < parts; ++p) {
        std::vector<Rating>& part = parts_.emplace_back();
        for (std::int64_t i = count * p / parts; i < count * (p + 1) / parts; ++i)
          part.push_back(users_[u][static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])]);
      }
    }
    order_ = data::all_rows(std::ssize(parts_));
    data::shuffle(order_, seed_, static_cast<std::uint64_t>(number));
  }
  bool next(data::Batch& batch) override {
    if (next_ == order_.size()) return false;
    const nn::models::Ratings ratings = as_tensors(parts_[static_cast<std::size_t>(order_[next_++])]);
    batch = {{ratings.items, ratings.times, ratings.values}, ratings.values, ratings.values.size(0)};
    return true;
  }

 private:
  ByUser users_;
  std::int64_t most_;
  std::uint64_t seed_;
  std::vector<std::vector<Rating>> parts_;
  Rows order_;
  std::size_t next_ = 0;
};

/// The validation part, a user at a time, to be told from what the user said in the training part.
class UserQuestions final : public data::BatchSource {
 public:
  UserQuestions(ByUser known, ByUser asked) : known_(std::move(known)), asked_(std::move(asked)) {}

  void start(std::int64_t) override { next_ = 0; }
  bool next(data::Batch& batch) override {
    while (next_ < asked_.size() && asked_[next_].empty()) ++next_;
    if (next_ == asked_.size()) return false;
    const nn::models::Ratings known = as_tensors(known_[next_]), asked = as_tensors(asked_[next_]);
    ++next_;
    batch = {{known.items, known.times, known.values, asked.items, asked.times}, asked.values, asked.values.size(0)};
    return true;
  }

 private:
  ByUser known_, asked_;
  std::size_t next_ = 0;
};

Parts split(const std::vector<Rating>& ratings, const Options& options) {
  const data::Split outer = data::split(std::ssize(ratings), options.held_out, options.seed);
  const data::Split inner = data::split(outer.kept, options.validation, options.seed);
  return {data::take(ratings, inner.kept), data::take(ratings, inner.held_out), data::take(ratings, outer.held_out)};
}

/// The root of the mean squared error of answers(known, asked), a user at a time.
template <class Answers>
double error_of(const RatingTable& table, std::span<const Rating> known, std::span<const Rating> asked,
                const Answers& answers) {
  const ByUser known_of = by_user(table, known), asked_of = by_user(table, asked);
  double squares = 0;
  for (std::size_t u = 0; u < asked_of.size(); ++u) {
    if (asked_of[u].empty()) continue;
    const std::vector<double> told = answers(known_of[u], asked_of[u]);
    for (std::size_t i = 0; i < told.size(); ++i)
      squares += (told[i] - asked_of[u][i].value) * (told[i] - asked_of[u][i].value);
  }
  return std::sqrt(squares / static_cast<double>(asked.size()));
}

double error_of(const RatingTable& table, const SavedRecommender::Lists& range, const AlternatingLeastSquares& model,
                std::span<const Rating> asked) {
  return error_of(table, {}, asked, [&](std::span<const Rating>, std::span<const Rating> of_user) {
    std::vector<double> told;
    for (const Rating& r : of_user) told.push_back(std::clamp(model.predict(r), range.least, range.greatest));
    return told;
  });
}

/// Of lists for all users who say something in `asked`, made by list(known).
template <class List>
train::RankingScores judge_lists(const Saved& saved, std::span<const Rating> known, std::span<const Rating> asked,
                                 double liked, const List& list) {
  const ByUser known_of = by_user(saved.system.known, known), asked_of = by_user(saved.system.known, asked);
  std::vector<train::Recommendations> users;
  for (std::size_t u = 0; u < asked_of.size(); ++u) {
    if (asked_of[u].empty()) continue;
    train::Recommendations& user = users.emplace_back();
    for (const Suggestion& s : list(known_of[u])) user.list.push_back(s.item);
    for (const Rating& r : asked_of[u])
      if (r.value >= liked) user.liked.push_back(r.item);
  }
  return train::ranking_scores(users, std::ssize(saved.system.items()), kListLength);
}

train::RankingScores judge_lists(const Saved& saved, std::span<const Rating> known, std::span<const Rating> asked,
                                 double liked) {
  return judge_lists(saved, known, asked, liked,
                     [&](std::span<const Rating> of_user) { return suggest(saved, of_user, kListLength); });
}

/// How much the number of its ratings speaks for an item, chosen by the precision on the validation part.
void choose_popularity(Saved& saved, const Parts& parts, double liked) {
  double best = 0, most = -1;
  for (const double popularity : {0.0, 0.1, 0.2, 0.4, 0.8, 1.6}) {
    saved.system.lists.popularity = popularity;
    const double precision = judge_lists(saved, parts.train, parts.validation, liked).precision;
    if (precision > most) most = precision, best = popularity;
  }
  saved.system.lists.popularity = best;
}

/// The yardstick of lists: what most have rated, and the user has not.
std::vector<Suggestion> most_rated(const SavedRecommender& system, std::span<const Rating> known) {
  std::vector<std::int64_t> counts(system.items().size());
  for (const Rating& r : system.known.ratings) ++counts[static_cast<std::size_t>(r.item)];
  for (const Rating& r : known) counts[static_cast<std::size_t>(r.item)] = -1;
  std::vector<Suggestion> list;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] >= 0) list.push_back({static_cast<std::int32_t>(i)});
  const auto length = std::min<std::ptrdiff_t>(kListLength, std::ssize(list));
  std::ranges::partial_sort(list, list.begin() + length, std::ranges::greater(),
                            [&](const Suggestion& s) { return counts[static_cast<std::size_t>(s.item)]; });
  list.resize(static_cast<std::size_t>(length));
  return list;
}

/// All ratings numbered as the items are, and a system of the training part.
SavedRecommender prepare(const Options& options, RatingTable ratings, const Parts& parts, const data::Table& items) {
  SavedRecommender system{options.model};
  system.encoder.emplace(items, std::string(kItem), data::all_rows(items.size()));
  const auto [least, greatest] = std::ranges::minmax(parts.train, {}, &Rating::value);
  system.lists.least = least.value;
  system.lists.greatest = greatest.value;
  if (!(system.lists.least < system.lists.greatest))
    throw ValueError(fmt::format("{}: all ratings are {}", options.file, system.lists.least));
  system.known = std::move(ratings);
  return system;
}

train::History fit(Saved& saved, const Parts& parts, const Options& options) {
  SavedRecommender::Model& model = *saved.model;
  const auto forward = [&model](std::span<const Tensor> in) {
    return in.size() == 3 ? model.leave_one_out({in[0], in[1], in[2]})
                          : model.predict({in[0], in[1], in[2]}, in[3], in[4]);
  };
  const auto count = static_cast<double>(parts.train.size());
  const auto loss = [&model, count](const Tensor& outputs, const Tensor& targets) {
    return mse_loss(outputs, targets) + model.penalty() / count;
  };
  train::Trainer trainer(model, forward, optim::Optimizer(model, optim::AdamW{.lr = options.lr}), loss,
                         {train::rmse()});
  train::FitOptions fit = fit_options(options);
  fit.accumulate = kUsersAStep;
  fit.schedule = optim::schedule::cosine(static_cast<double>(options.epochs), 0.01);
  if (fit.early_stopping) fit.early_stopping->monitor = "rmse";
  UserBatches batches(by_user(saved.system.known, parts.train), options.batch_size, options.seed);
  UserQuestions questions(by_user(saved.system.known, parts.train), by_user(saved.system.known, parts.validation));
  return run_training(trainer, batches, &questions, options, fit);
}

train::ReportTable errors_table(const std::vector<std::pair<std::string, double>>& errors) {
  train::ReportTable table{"On the test part", {"", "root of the mean squared error"}, {}};
  for (const auto& [name, error] : errors) table.rows.push_back({name, fmt::format("{:.4f}", error)});
  return table;
}

train::ReportTable lists_table(const std::vector<std::pair<std::string, train::RankingScores>>& lists) {
  train::ReportTable table{"Lists of ten", {"", "precision", "recall", "coverage"}, {}};
  for (const auto& [name, scores] : lists)
    table.rows.push_back({name, fmt::format("{:.4f}", scores.precision), fmt::format("{:.4f}", scores.recall),
                          fmt::format("{:.4f}", scores.coverage)});
  return table;
}

void print(const train::ReportTable& table) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::cout << fmt::format("{:<26}", cells[0]);
    for (std::size_t i = 1; i < cells.size(); ++i) std::cout << fmt::format("  {:>10}", cells[i]);
    std::cout << '\n';
  };
  line(table.header);
  for (const auto& row : table.rows) line(row);
  std::cout << '\n';
}

int train_recommender(const Options& options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);
  RatingTable table = read_ratings(options.file);
  if (table.repeated > 0)
    std::cout << fmt::format("{} ratings are of a user and an item that had one: the later counts\n", table.repeated);
  const data::Table items = item_table(table, split(table.ratings, options).train, options.items);
  (void)number_by(items[kItem].categories, table);
  const Parts parts = split(table.ratings, options);
  std::vector<Rating> known = parts.train;
  known.insert(known.end(), parts.validation.begin(), parts.validation.end());

  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  Saved saved{prepare(options, table, parts, items), rng};
  SavedRecommender& system = saved.system;
  saved.model->features.copy_from(system.encoder->inputs(items, data::all_rows(items.size())));
  double mean = 0;
  for (const Rating& r : parts.train) mean += r.value / static_cast<double>(parts.train.size());
  saved.model->mean.copy_from(full({1}, mean));
  std::cout << fmt::format(
      "{} training, {} validation and {} test ratings of {} items, with {} features, by {} users\n", parts.train.size(),
      parts.validation.size(), parts.test.size(), system.items().size(), system.encoder->feature_names().size(),
      table.users.size());
  const train::History history = fit(saved, parts, options);

  saved.model->eval();
  system.known.ratings = parts.train;
  choose_popularity(saved, parts, options.liked);
  system.known.ratings = known;
  const auto users = std::ssize(table.users), count = std::ssize(system.items());
  const auto als = [&](std::int64_t factors) {
    return error_of(table, system.lists, fit_als(parts.train, parts.validation, users, count, factors, options.seed),
                    parts.test);
  };
  const double error = error_of(table, known, parts.test, [&](const auto& of_user, const auto& asked) {
    return expected_ratings(saved, of_user, asked);
  });
  const train::ReportTable errors = errors_table({{"model", error}, {"biases", als(0)}, {"ALS", als(kAlsFactors)}});
  const train::ReportTable lists = lists_table(
      {{"model", judge_lists(saved, known, parts.test, options.liked)},
       {"what most have rated", judge_lists(saved, known, parts.test, options.liked,
                                            [&](const auto& rated) { return most_rated(system, rated); })}});
  system.known.ratings = table.ratings;
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    saved.save(to);
    save_history(to, history);
    nn::models::Ratings some = as_tensors(std::span(parts.train).first(std::min<std::size_t>(parts.train.size(), 8)));
    some.values.set_name("ratings");
    some.items.set_name("items");
    some.times.set_name("times");
    save_graph(to, mse_loss(saved.model->leave_one_out(some), some.values), "Recommender");
    train::Report report = report_of(options.file, options, *saved.model, history);
    report.tables = {errors, lists};
    save_report(to, std::move(report));
  });
  print(errors);
  print(lists);
  std::cout << fmt::format("test rmse {:.4f}\n", error);
  return end_training(history, options);
}

void add_train_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  options->epochs = 10;
  options->lr = 0.01;
  options->batch_size = 200;
  CLI::App* command = train.add_subcommand(
      "recommend", "A recommender: what users will think of items, from ratings; tapegrad recommend makes lists");
  command
      ->add_option("data", options->file,
                   "CSV with the columns user, item, rating and, if known, time, in seconds since 1970")
      ->required();
  command->add_option(
      "--items", options->items,
      "CSV with the column item and what is known of each: numbers, categories, or several in one field, "
      "as in Drama|War");
  command->add_option("--held-out", options->held_out, "Share of the ratings to test on")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 0.9));
  command
      ->add_option("--validation-split", options->validation,
                   "Share of the others that chooses how lists are ordered, and the yardsticks' penalties")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 0.9));
  command->add_option("--liked", options->liked, "The least rating of an item that is liked, when lists are judged")
      ->capture_default_str();
  for (const char* name : {"factors", "hidden", "dropout"}) add_setting(*command, options->model, name);
  add_training_options(*command, *options);
  command->get_option("--batch")->description("Most ratings of one user at a time; eight such batches are a step");
  command->footer(
      "A rating is told from the user's others and, if times are known, from how near in time those are. The\n"
      "yardsticks, biases and alternating least squares, are always printed beside the model.\n"
      "Writes into --out: model.safetensors, items.json, ratings.csv, config.json, metrics.jsonl, curves.svg, the "
      "graph\n"
      "as model.mmd, .dot, .json and .svg, and report.html. Ctrl-C finishes the step, saves, and exits with status "
      "130;\n"
      "--resume goes on from there.\n"
      "Examples, on ratings that scripts/data/movielens fetches:\n"
      "  tapegrad train recommend movielens/ratings.csv --items movielens/items.csv --out out/films\n"
      "  tapegrad recommend --model out/films --user 15\n"
      "  tapegrad recommend --model out/films --ratings mine.csv");
  command->callback([options, &status] { status = train_recommender(*options); });
}

}  // namespace

extern const System recommender{
    .kind = SavedRecommender::kKind, .add_train_commands = add_train_command, .command = "recommend"};

}  // namespace tapegrad::tools
