#include <tapegrad/train/internal/loop_state.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/error.hpp>

namespace tapegrad::train {

BestFigure::BestFigure(const std::string& who, std::string monitor, const Metrics& metrics, double min_delta)
    : monitor_(std::move(monitor)), min_delta_(min_delta) {
  if (monitor_ == "loss") return;
  const auto metric = std::ranges::find_if(metrics, [&](const auto& m) { return m->name() == monitor_; });
  if (metric == metrics.end())
    throw ValueError(fmt::format("{} watches '{}', which is neither \"loss\" nor a metric", who, monitor_));
  if ((*metric)->higher_is_better()) sign_ = -1;
}

namespace {

using nlohmann::ordered_json;

constexpr int kVersion = 2;

// JSON has no NaN and no infinity.
ordered_json number(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(fmt::format("{}", value));
}
double number(const ordered_json& json) {
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

ordered_json numbers(const std::vector<double>& values) {
  ordered_json array = ordered_json::array();
  for (const double value : values) array.push_back(number(value));
  return array;
}
std::vector<double> numbers(const ordered_json& array) {
  std::vector<double> values;
  for (const ordered_json& value : array) values.push_back(number(value));
  return values;
}

ordered_json json_of(const Rng::State& state) { return {{"seed", state.seed}, {"position", state.position}}; }
Rng::State rng_of(const ordered_json& json) { return {json.at("seed"), json.at("position")}; }

ordered_json json_of(const Scores& scores) {
  ordered_json json{{"loss", number(scores.loss)}, {"rows", scores.rows}, {"metrics", ordered_json::object()}};
  for (const auto& [name, value] : scores.metrics) json["metrics"][name] = number(value);
  return json;
}
Scores scores_of(const ordered_json& json) {
  Scores scores{number(json.at("loss")), json.at("rows"), {}};
  for (const auto& [name, value] : json.at("metrics").items()) scores.metrics.emplace_back(name, number(value));
  return scores;
}

ordered_json json_of(const EpochRecord& e) {
  ordered_json json{{"epoch", e.epoch},
                    {"steps", e.steps},
                    {"lr", number(e.lr)},
                    {"seconds", e.seconds},
                    {"train", json_of(e.train)}};
  if (e.validation) json["validation"] = json_of(*e.validation);
  return json;
}
EpochRecord epoch_of(const ordered_json& json) {
  EpochRecord e{
      json.at("epoch"), json.at("steps"), number(json.at("lr")), json.at("seconds"), scores_of(json.at("train")), {}};
  if (json.contains("validation")) e.validation = scores_of(json["validation"]);
  return e;
}

ordered_json json_of(const BestFigure::State& s) {
  return {{"best", number(s.best)}, {"epoch", s.epoch}, {"waited", s.waited}};
}
BestFigure::State best_of(const ordered_json& json) {
  return {number(json.at("best")), json.at("epoch"), json.at("waited")};
}

ordered_json json_of(const optim::Plateau::State& s) {
  return {{"factor", s.factor}, {"best", number(s.best)}, {"waited", s.waited}, {"cooling", s.cooling}};
}
optim::Plateau::State plateau_of(const ordered_json& json) {
  return {json.at("factor"), number(json.at("best")), json.at("waited"), json.at("cooling")};
}

ordered_json json_of(const Tally::State& tally) {
  ordered_json json{{"loss", number(tally.loss)},
                    {"weight", number(tally.weight)},
                    {"rows", tally.rows},
                    {"metrics", ordered_json::array()}};
  for (const std::vector<double>& metric : tally.metrics) json["metrics"].push_back(numbers(metric));
  return json;
}
Tally::State tally_of(const ordered_json& json) {
  Tally::State tally{number(json.at("loss")), number(json.at("weight")), json.at("rows"), {}};
  for (const ordered_json& metric : json.at("metrics")) tally.metrics.push_back(numbers(metric));
  return tally;
}

ordered_json json_of(const LoopState& loop) {
  ordered_json json{{"first_epoch", loop.first_epoch},
                    {"epoch", loop.epoch},
                    {"batch", loop.batch},
                    {"seconds", loop.seconds},
                    {"tally", json_of(loop.tally)},
                    {"order", loop.order},
                    {"generators", ordered_json::object()}};
  for (const auto& [name, state] : loop.generators) json["generators"][name] = json_of(state);
  if (loop.early_stopping) json["early_stopping"] = json_of(*loop.early_stopping);
  if (loop.best_checkpoint) json["best_checkpoint"] = json_of(*loop.best_checkpoint);
  if (loop.plateau) json["plateau"] = json_of(*loop.plateau);
  return json;
}
LoopState loop_of(const ordered_json& json) {
  LoopState loop{json.at("first_epoch"),
                 json.at("epoch"),
                 json.at("batch"),
                 json.at("seconds"),
                 tally_of(json.at("tally")),
                 json.at("order"),
                 {},
                 {},
                 {},
                 {}};
  for (const auto& [name, state] : json.at("generators").items()) loop.generators[name] = rng_of(state);
  if (json.contains("early_stopping")) loop.early_stopping = best_of(json["early_stopping"]);
  if (json.contains("best_checkpoint")) loop.best_checkpoint = best_of(json["best_checkpoint"]);
  if (json.contains("plateau")) loop.plateau = plateau_of(json["plateau"]);
  if (loop.first_epoch < 0 || loop.epoch < loop.first_epoch || loop.batch < 0)
    throw ValueError(fmt::format("epoch {}, batch {} cannot be", loop.epoch, loop.batch));
  return loop;
}

}  // namespace

std::string to_text(const TrainingState& state) {
  ordered_json json{{"version", kVersion},
                    {"rate_factor", number(state.rate_factor)},
                    {"default_rng", json_of(state.default_rng)},
                    {"epochs", ordered_json::array()}};
  for (const EpochRecord& epoch : state.epochs) json["epochs"].push_back(json_of(epoch));
  if (state.loop) json["loop"] = json_of(*state.loop);
  return json.dump();
}

TrainingState parse_training_state(const std::string& text, const std::string& file) {
  try {
    const ordered_json json = ordered_json::parse(text);
    if (const int version = json.at("version"); version != kVersion)
      throw ValueError(fmt::format("it has version {}; this tapegrad reads {}", version, kVersion));
    TrainingState state{number(json.at("rate_factor")), rng_of(json.at("default_rng")), {}, {}};
    for (const ordered_json& epoch : json.at("epochs")) state.epochs.push_back(epoch_of(epoch));
    if (json.contains("loop")) state.loop = loop_of(json["loop"]);
    return state;
  } catch (const std::exception& error) {  // of the JSON, or of a number in it
    throw IoError(fmt::format("{}: the state of the training cannot be read: {}", file, error.what()));
  }
}

}  // namespace tapegrad::train
