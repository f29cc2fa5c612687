// tapegrad train table: classes or numbers of a table's rows.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/nn/attribution.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/train/calibration.hpp>
#include <tapegrad/train/importance.hpp>

#include "../class_report.hpp"
#include "../export.hpp"
#include "../linear_fit.hpp"
#include "../model_options.hpp"
#include "../option_values.hpp"
#include "../prediction.hpp"
#include "../systems.hpp"
#include "../terminal.hpp"
#include "../training.hpp"
#include "saved_table.hpp"

namespace tapegrad::tools {
namespace {

using Rows = std::vector<std::int64_t>;
using Figures = std::vector<std::pair<std::string, double>>;

struct Options : TrainingOptions {
  std::string file, target, test;
  std::vector<std::string> ignored, categories, numbers;
  nn::models::TableModelOptions model;
  double validation = 0.15, held_out = 0.2;
  int folds = 0;
};

/// What is to be lowered, and what people are told.
struct Task {
  train::Loss loss;
  train::Metrics metrics;  ///< the first decides
};
Task task_of(bool is_classifier) {
  if (is_classifier)
    return {{cross_entropy, CrossEntropyOptions{}},
            {train::roc_auc(), train::accuracy(), train::perplexity(), train::calibration_error()}};
  return {mse_loss, {train::r_squared(), train::rmse()}};
}

Figures judge(const Task& task, const Tensor& answers, const Tensor& targets) {
  Figures figures;
  for (const auto& metric : task.metrics) {
    const auto fresh = metric->fresh();
    fresh->update(answers, targets);
    figures.emplace_back(metric->name(), fresh->value().value_or(NAN));
  }
  return figures;
}

data::Table read(const std::string& path, const Options& options) {
  data::TableOptions reading;
  for (const std::string& name : options.numbers) reading.types[name] = data::ColumnType::number;
  for (const std::string& name : options.categories) reading.types[name] = data::ColumnType::category;
  return data::read_table(path, reading);
}

data::TableEncoder::Options features_of(const data::Table& table, const Options& options) {
  for (const std::string& name : options.ignored) (void)table[name];  // it is there, or this says which are
  data::TableEncoder::Options features;
  for (const data::Column& column : table.columns)
    if (column.name != options.target && std::ranges::find(options.ignored, column.name) == options.ignored.end())
      features.features.push_back(column.name);
  if (features.features.empty()) throw ValueError(options.file + ": no column is left to tell the target by");
  return features;
}

/// With the same share of each class.
data::Split split(const data::Column& target, const Rows& rows, double fraction, std::uint64_t seed) {
  const auto labels = target.type == data::ColumnType::category ? data::take(target.codes, rows)
                                                                : std::vector<std::int32_t>(rows.size());
  const data::Split places = data::stratified_split(labels, fraction, seed);
  return {data::take(rows, places.kept), data::take(rows, places.held_out)};
}

struct TestPart {
  const data::Table& table;
  Rows rows;
};

/// A model, what it was trained and tested on, and the yardstick.
struct Trained {
  SavedModel<SavedTable> saved;
  train::History history = {};
  data::Batch train = {}, test = {};         ///< targets as the model takes them, and as they are
  Tensor answers = {}, linear_answers = {};  ///< to the test part
};

/// Of all rows, as one batch.
data::Batch encode(const data::TableEncoder& encoder, const data::Table& table, const Rows& rows) {
  return encoder.encode(table, rows).batch(data::all_rows(std::ssize(rows)));
}

/// A system for these rows, whose outputs are numbers of mean 0 and deviation 1 there.
SavedTable prepare(const Options& options, const data::Table& table, const Rows& rows) {
  SavedTable system{options.model};
  system.encoder.emplace(table, options.target, rows, features_of(table, options));
  system.options.features = std::ssize(system.encoder->feature_names());
  if (system.is_classifier()) {
    if (system.outputs() < 2)
      throw ValueError(fmt::format("{}: all rows are of the class {}; two are needed", options.file,
                                   printable(system.encoder->class_names()[0])));
    return system;
  }
  const Tensor targets = encode(*system.encoder, table, rows).targets;
  system.reading.mean = mean(targets).item();
  system.reading.deviation = stddev(targets, {}, false, 0).item();
  if (!(system.reading.deviation > 0))
    throw ValueError(fmt::format("{}: the target {} is {} in all rows", options.file, printable(options.target),
                                 system.reading.mean));
  return system;
}

Trained learn(const Options& options, const data::Table& table, const Rows& rows, const TestPart& test_part) {
  const data::Split parts = split(table[options.target], rows, options.validation, options.seed);
  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  Trained done{{prepare(options, table, parts.kept), rng}};
  SavedTable& system = done.saved.system;
  SavedTable::Model& model = *done.saved.model;
  const auto for_model = [&](data::Batch batch) {
    if (!system.is_classifier()) batch.targets = (batch.targets - system.reading.mean) / system.reading.deviation;
    return batch;
  };
  done.train = for_model(encode(*system.encoder, table, parts.kept));
  const data::Batch validation = for_model(encode(*system.encoder, table, parts.held_out));
  done.test = encode(*system.encoder, test_part.table, test_part.rows);
  std::cout << fmt::format("{} training, {} validation and {} test rows of {} features; {}\n", done.train.rows,
                           validation.rows, done.test.rows, system.options.features,
                           system.is_classifier() ? fmt::format("{} classes", system.outputs()) : "a number to tell");

  const Task task = task_of(system.is_classifier());
  const LinearFit start = fit_linear(done.train, validation, system.outputs(), task.loss);
  model.linear.weight = start.model.weight;
  model.linear.bias = start.model.bias;
  // The yardstick learns from the validation part too, once it has told the penalty.
  const data::Batch both{{concat({done.train.inputs[0], validation.inputs[0]}, 0)},
                         concat({done.train.targets, validation.targets}, 0),
                         done.train.rows + validation.rows};
  const LinearFit yardstick = fit_linear(both, system.outputs(), task.loss, start.penalty);

  const optim::AdamW rule{.lr = options.lr, .weight_decay = options.weight_decay};
  train::Trainer trainer(model, rule, task.loss, {task.metrics.front()});
  train::FitOptions fit = fit_options(options);
  fit.schedule = optim::schedule::cosine(static_cast<double>(options.epochs), 0.01);
  const data::TensorDataset train_rows(done.train.inputs, done.train.targets),
      validation_rows(validation.inputs, validation.targets);
  done.history = run_training(trainer, train_rows, &validation_rows, options, fit);

  const NoGrad no_grad;
  model.eval();
  if (system.is_classifier())
    system.reading.temperature = train::fit_temperature(model.forward(validation.inputs[0]), validation.targets);
  done.answers = system.answers(model.forward(done.test.inputs[0]));
  const Tensor linear_outputs = yardstick.model.forward(done.test.inputs[0]);
  done.linear_answers = system.is_classifier() ? linear_outputs : system.answers(linear_outputs);
  return done;
}

void print_header(const Figures& figures) {
  std::cout << fmt::format("{:<12}", "");
  for (const auto& [name, value] : figures) std::cout << fmt::format("  {:>17}", name);
  std::cout << '\n';
}
void print_figures(const std::string& what, const Figures& figures) {
  std::cout << fmt::format("{:<12}", what);
  for (const auto& [name, value] : figures) std::cout << fmt::format("  {:>17.4f}", value);
  std::cout << '\n';
}

/// Mean and its standard error.
std::pair<double, double> mean_of(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) squares += (value - sum / count) * (value - sum / count);
  return {sum / count, std::sqrt(squares / (count - 1) / count)};
}

/// Each fold is told by a model of the others.
int cross_validate(const Options& options, const data::Table& table) {
  std::vector<Figures> model, linear;
  std::vector<Tensor> answers, targets;
  const Task task = task_of(table[options.target].type == data::ColumnType::category);
  for (const data::Split& fold : data::k_folds(table.size(), options.folds, options.seed)) {
    const Trained done = learn(options, table, fold.kept, {table, fold.held_out});
    if (done.history.stopped == train::StopReason::requested) return end_training(done.history, options);
    model.push_back(judge(task, done.answers, done.test.targets));
    linear.push_back(judge(task, done.linear_answers, done.test.targets));
    answers.push_back(done.answers);
    targets.push_back(done.test.targets);
  }
  print_header(model.front());
  Figures mean = model.front(), better = mean, error = mean;
  for (std::size_t i = 0; i < model.size(); ++i) {
    print_figures(fmt::format("fold {}", i + 1), model[i]);
    print_figures("  linear", linear[i]);
  }
  for (std::size_t m = 0; m < mean.size(); ++m) {
    std::vector<double> of_model, difference;
    for (std::size_t i = 0; i < model.size(); ++i) {
      of_model.push_back(model[i][m].second);
      difference.push_back(model[i][m].second - linear[i][m].second);
    }
    mean[m].second = mean_of(of_model).first;
    std::tie(better[m].second, error[m].second) = mean_of(difference);
  }
  print_figures("mean", mean);
  print_figures("- linear", better);
  print_figures("  +/-", error);
  print_figures("all rows", judge(task, concat(answers, 0), concat(targets, 0)));
  print_bold(fmt::format("test {} {:.4f}", mean[0].first, mean[0].second));
  return 0;
}

std::string four_digits(double value) { return fmt::format("{:.4g}", value); }

train::ReportTable figures_table(const Figures& model, const Figures& linear) {
  train::ReportTable table{"On the test part", {"figure", "model", "ridge or logistic regression"}, {}};
  for (std::size_t i = 0; i < model.size(); ++i)
    table.rows.push_back({model[i].first, four_digits(model[i].second), four_digits(linear[i].second)});
  return table;
}

/// Which columns the answers to the test part rest on.
train::ReportTable importance_table(const Trained& done, std::uint64_t seed) {
  const SavedTable& system = done.saved.system;
  const Task task = task_of(system.is_classifier());
  const Tensor& inputs = done.test.inputs[0];
  // Of numbers, in shares of their variance.
  const double unit = system.is_classifier() ? 1 : system.reading.deviation * system.reading.deviation;
  const auto cost = [&](const Tensor& x) {
    return task.loss(system.answers(done.saved.model->forward(x)), done.test.targets).item() / unit;
  };
  const std::vector<data::FeatureGroup> groups = system.encoder->groups();
  const std::vector<double> permuted = train::permutation_importance(cost, inputs, groups, {.seed = seed});

  constexpr std::int64_t kMostRows = 500;
  const Tensor some = slice(inputs, 0, 0, std::min(kMostRows, inputs.size(0)));
  const Tensor answer = system.is_classifier() ? argmax(done.answers, 1) : zeros({inputs.size(0)}, i64);
  const auto model = [&](const Tensor& x) { return system.answers(done.saved.model->forward(x)); };
  const Tensor shares = nn::integrated_gradients(model, some, slice(answer, 0, 0, some.size(0)));
  const std::vector<double> mean_shares = mean(abs(by_column(shares, *system.encoder)), {0}).values();

  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < groups.size(); ++i) order.push_back(i);
  std::ranges::stable_sort(order, std::ranges::greater(), [&](std::size_t i) { return permuted[i]; });
  train::ReportTable table{"Columns", {"column", "loss when shuffled", "mean share of the answer"}, {}};
  for (const std::size_t i : order)
    table.rows.push_back({groups[i].name, fmt::format("{:+.4g}", permuted[i]), four_digits(mean_shares[i])});
  return table;
}

std::optional<ClassReport> class_report_of(const Trained& done) {
  if (!done.saved.system.is_classifier()) return std::nullopt;
  const Tensor best = argmax(done.answers, 1);
  std::vector<std::int32_t> labels;
  for (const double label : done.test.targets.values()) labels.push_back(static_cast<std::int32_t>(label));
  return class_report(best.data<std::int64_t>(), labels, done.saved.system.encoder->class_names());
}

int train_table(const Options& options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);
  const data::Table table = read(options.file, options);
  const data::Column& target = table[options.target];
  // Every row needs a target, whichever part it comes into.
  const data::TableEncoder all(table, options.target, data::all_rows(table.size()), features_of(table, options));
  if (options.folds > 0) return cross_validate(options, table);

  std::optional<data::Table> test_table;
  if (!options.test.empty()) {
    std::map<std::string, data::ColumnType> types = all.types();
    types[options.target] = target.type;
    test_table = data::read_table(options.test, {.types = types});
  }
  const data::Split halves = test_table ? data::Split{data::all_rows(table.size()), data::all_rows(test_table->size())}
                                        : split(target, data::all_rows(table.size()), options.held_out, options.seed);
  const Trained done = learn(options, table, halves.kept, {test_table ? *test_table : table, halves.held_out});

  const SavedTable& system = done.saved.system;
  SavedTable::Model& model = *done.saved.model;
  const Task task = task_of(system.is_classifier());
  const Figures figures = judge(task, done.answers, done.test.targets),
                linear = judge(task, done.linear_answers, done.test.targets);
  const std::optional<ClassReport> classes = class_report_of(done);
  write_output(out.get(), done.history, options, [&](const OutputFolder& to) {
    done.saved.save(to);
    save_history(to, done.history);
    const std::int64_t rows = std::min<std::int64_t>(done.train.rows, 32);
    Tensor inputs = slice(done.train.inputs[0], 0, 0, rows).detach(), targets = slice(done.train.targets, 0, 0, rows);
    inputs.set_name("rows");
    targets.set_name(system.is_classifier() ? "classes" : "numbers");
    save_graph(to, task.loss(model.forward(inputs), targets), "Table model");
    train::Report report = report_of("Table model of " + options.target, options.file, options, model, done.history,
                                     classes ? &*classes : nullptr);
    report.tables = {figures_table(figures, linear), importance_table(done, options.seed)};
    save_report(to, std::move(report));
  });
  if (classes) std::cout << to_text(*classes) << '\n';
  print_header(figures);
  print_figures("model", figures);
  print_figures("linear", linear);
  print_bold(fmt::format("test {} {:.4f}", figures[0].first, figures[0].second));
  return end_training(done.history, options);
}

void add_train_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  options->epochs = 60;
  options->patience = 10;
  options->weight_decay = 0.1;
  CLI::App* command = train.add_subcommand(
      "table", "A model of a table's rows, which tells a class or a number: a linear one, corrected by hidden layers");
  command
      ->add_option("data", options->file, "CSV with a header; columns hold numbers or categories, fields may be empty")
      ->type_name(kFile)
      ->required();
  command->add_option("--target", options->target, "The column to tell: categories are classes")->required();
  command->add_option("--test", options->test, "A table to test on; else a share is held out")->type_name(kFile);
  command->add_option("--held-out", options->held_out, "That share")->capture_default_str()->check(between(0.01, 0.9));
  command
      ->add_option("--validation-split", options->validation,
                   "Share of the other rows that stops the training, tells the temperature of the probabilities and "
                   "the yardstick's penalty")
      ->capture_default_str()
      ->check(between(0.01, 0.9));
  command->add_option("--ignore", options->ignored, "Columns to leave out, such as numbers of customers");
  command->add_option("--category", options->categories, "Columns whose numbers are names, such as codes of areas");
  command->add_option("--number", options->numbers, "Columns that must hold numbers");
  for (const char* name : {"hidden", "dropout"}) add_setting(*command, options->model, name);
  add_training_options(*command, *options);
  CLI::Option* folds =
      command
          ->add_option("--folds", options->folds,
                       "Tell each of so many parts by a model of the others, and compare with the yardstick; leaves no "
                       "model")
          ->check(between(2, 1000));
  for (const char* other : {"--test", "--out", "--checkpoints", "--resume"}) folds->excludes(other);
  command->footer(
      "Numbers are standardised, and probabilities calibrated by a temperature. The yardstick, ridge or logistic\n"
      "regression with the penalty that is best on the validation part, is always printed beside the model.\n"
      "Writes into --out: model.safetensors, columns.json, config.json, metrics.jsonl, curves.svg, the graph as\n"
      "model.mmd, .dot, .json and .svg, and report.html, which says what columns the answers rest on. Ctrl-C finishes\n"
      "the step, saves, and exits with status 130; --resume goes on from there.\n"
      "Examples, on tables that scripts/data/tables makes:\n"
      "  tapegrad train table tables/breast-cancer.csv --target diagnosis --out out/cancer\n"
      "  tapegrad train table tables/ames.csv --target Sale_Price --folds 5\n"
      "  tapegrad predict --model out/cancer new.csv");
  command->callback([options, &status] { status = train_table(*options); });
}

/// `shares`: [1, columns].
void answer_row(const SavedTable& system, const std::string& where, const Tensor& answer, const Tensor& shares,
                const PredictOptions& options) {
  std::vector<std::pair<double, std::string>> columns;
  const std::vector<double> values = shares.values();
  for (std::size_t i = 0; const data::FeatureGroup& group : system.encoder->groups())
    columns.emplace_back(values[i++], group.name);
  std::optional<Classes> classes;
  if (system.is_classifier())
    classes = classify([&](const Tensor&) { return answer; }, {}, system.encoder->class_names());
  if (options.json) {
    nlohmann::ordered_json json;
    if (classes)
      json = to_json("row", where, *classes);
    else
      json = {{"row", where}, {system.encoder->target(), answer.item()}};
    json["attribution"] = options.attribution_name();
    for (const auto& [share, name] : columns) json["columns"][name] = share;
    print_line(json);
    return;
  }
  std::cout << printable(where) << '\n';
  if (classes)
    print_classes(*classes, options.top);
  else
    std::cout << fmt::format("  {} {:.6g}\n", printable(system.encoder->target()), answer.item());
  std::ranges::stable_sort(columns, std::ranges::greater(), [](const auto& column) { return std::abs(column.first); });
  std::cout << fmt::format("  columns ({}):", options.attribution_name());
  constexpr std::size_t kShown = 6;
  for (std::size_t i = 0; i < std::min(kShown, columns.size()); ++i)
    std::cout << fmt::format("{} {} {:+.3g}", i == 0 ? "" : ",", printable(columns[i].second), columns[i].first);
  std::cout << '\n';
}

void predict_rows(const PredictOptions& options) {
  const auto saved = SavedModel<SavedTable>::load(options.model, options.load);
  const SavedTable& system = saved.system;
  if (options.inputs.empty()) throw ValueError("predict: give a table, as a CSV file with the columns of the training");
  if (!options.picture.empty()) throw ValueError("predict: --picture is for images; this is a model of tables");
  const Classifier model = [&](const Tensor& x) { return system.answers(saved.model->forward(x)); };
  for (const std::string& path : options.inputs) {
    const data::Table table = data::read_table(path, {.types = system.encoder->types()});
    for (std::int64_t row = 0; row < table.size(); ++row) {
      const Tensor input = system.encoder->inputs(table, std::vector<std::int64_t>{row});
      const Tensor shares = by_column(attribute(model, input, zeros({1}), options.attribution, 64), *system.encoder);
      answer_row(system, table.where(row), model(input).detach(), shares, options);
    }
  }
}

void export_table(const ExportOptions& options) {
  const auto saved = SavedModel<SavedTable>::load(options.model, options.load);
  const SavedTable& system = saved.system;
  std::map<std::string, std::string> about{{"features", to_json_list(system.encoder->feature_names())}};
  if (system.is_classifier()) about["classes"] = to_json_list(system.encoder->class_names());
  save_onnx(
      options, *saved.model, {{"rows"}},
      [&](const onnx::Sizes& size) {
        const Tensor features = zeros({size.at("rows"), system.options.features});
        const std::string name = system.is_classifier() ? "logits" : "numbers";
        return onnx::Recording{{{"features", features}}, {{name, system.answers(saved.model->forward(features))}}};
      },
      std::move(about));
}

}  // namespace

extern const System table_model{.kind = SavedTable::kKind,
                                .add_train_commands = add_train_command,
                                .predict = predict_rows,
                                .save_onnx = export_table};

}  // namespace tapegrad::tools
