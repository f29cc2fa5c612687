// tapegrad train translate: a Transformer from one language to another.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/loader.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/train/translation_scores.hpp>

#include "../model_options.hpp"
#include "../systems.hpp"
#include "../training.hpp"
#include "../translation_memory.hpp"
#include "saved_translator.hpp"
#include "text_pairs.hpp"

namespace tapegrad::tools {
namespace {

using Texts = std::vector<std::string>;

struct Options : TrainingOptions {
  std::string pairs, test;
  nn::models::TranslatorOptions model;
  TranslateOptions translate;
  std::int32_t tokens = 4000;
  std::int64_t longest = 80;
  double held_out = 0.02, validation = 0.02, smoothing = 0.1;
};

/// Pairs of a part.
struct Part {
  Texts sources, targets;
};
Part part_of(const TextPairs& all, std::span<const std::int64_t> rows) {
  Part part;
  for (const std::int64_t row : rows) {
    part.sources.push_back(all.pairs[static_cast<std::size_t>(row)].source);
    part.targets.push_back(all.pairs[static_cast<std::size_t>(row)].target);
  }
  return part;
}

/// Pairs in tokens, each text with its end.
struct Tokens {
  std::vector<std::vector<std::int32_t>> sources, targets;
  std::vector<std::int64_t> lengths;  ///< of each pair together
};
/// Without those of which a text is longer than `longest`.
Tokens encode(const SavedTranslator& system, const Part& part, std::int64_t longest) {
  Tokens all;
  for (std::size_t i = 0; i < part.sources.size(); ++i) {
    std::vector<std::int32_t> source = system.encode(part.sources[i]), target = system.encode(part.targets[i]);
    if (std::max(std::ssize(source), std::ssize(target)) > longest) continue;
    all.lengths.push_back(std::ssize(source) + std::ssize(target));
    all.sources.push_back(std::move(source));
    all.targets.push_back(std::move(target));
  }
  return all;
}

/// Sources, targets from the start on, and lengths of the sources; to targets up to their end.
data::SampleDataset dataset_of(const Tokens& tokens) {
  const auto read = [tokens](std::int64_t row) {
    const auto i = static_cast<std::size_t>(row);
    const std::vector<std::int32_t>& target = tokens.targets[i];
    std::vector<std::int32_t> before{data::BytePairs::kEnd};
    before.insert(before.end(), target.begin(), target.end() - 1);
    return data::Sample{{copy_of(tokens.sources[i]), copy_of(before)}, cast(copy_of(target), i64)};
  };
  return {std::ssize(tokens.sources), read, data::pad_and_stack};
}

train::Loss loss_of(double smoothing) {
  return {[smoothing](const Tensor& logits, const Tensor& next) {
            return SavedTranslator::Model::loss(logits, next, smoothing);
          },
          [](const Tensor&, const Tensor& next) { return count_nonzero(next >= 0).item(); }};
}

/// What the test part became, and what the nearest text of the training part had become.
struct Tested {
  Part part;
  Texts translated, remembered;
};
Tested test(const SavedModel<SavedTranslator>& saved, const Options& options, const Part& train, Part part) {
  Tested tested;
  const TranslationMemory memory(train.sources);
  for (const std::string& text : part.sources) {
    tested.remembered.push_back(train.targets[memory.nearest(text)]);
    tested.translated.push_back(translations_of(saved, text, options.translate)[0].text);
  }
  tested.part = std::move(part);
  return tested;
}

train::ReportTable scores_table(const Tested& tested) {
  train::ReportTable table{"Test part", {"", "BLEU", "chrF"}, {}};
  const auto add = [&](const char* name, const Texts& texts) {
    table.rows.push_back({name, fmt::format("{:.2f}", train::bleu(texts, tested.part.targets)),
                          fmt::format("{:.2f}", train::chrf(texts, tested.part.targets))});
  };
  add("nearest in the training part", tested.remembered);
  add("the model", tested.translated);
  return table;
}

void print(const train::ReportTable& scores) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::cout << fmt::format("{:<30} {:>6} {:>6}\n", cells[0], cells[1], cells[2]);
  };
  line(scores.header);
  for (const std::vector<std::string>& row : scores.rows) line(row);
  std::cout << fmt::format("test BLEU {}\n", scores.rows.back()[1]);
}

train::ReportTable examples_table(const Tested& tested, const Texts& languages) {
  train::ReportTable table{
      "Translations", {languages[0], languages[1], "the model", "nearest in the training part"}, {}};
  constexpr std::size_t kMost = 20;
  for (std::size_t i = 0; i < std::min(kMost, tested.translated.size()); ++i)
    table.rows.push_back({tested.part.sources[i], tested.part.targets[i], tested.translated[i], tested.remembered[i]});
  return table;
}

TextPairs read_test(const Options& options, const Texts& languages) {
  TextPairs test = read_text_pairs(options.test);
  if (test.languages != languages)
    throw IoError(fmt::format("{}:1: is of {} and {}; {} is of {} and {}", options.test, test.languages[0],
                              test.languages[1], options.pairs, languages[0], languages[1]));
  return test;
}

int train_translator(const Options& options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);
  const TextPairs all = read_text_pairs(options.pairs);
  data::Split halves{data::all_rows(std::ssize(all.pairs)), {}};
  if (options.test.empty()) halves = data::group_split(halves.kept, all.groups, options.held_out, options.seed);
  const data::Split parts = data::group_split(halves.kept, all.groups, options.validation, options.seed);
  const Part train = part_of(all, parts.kept);
  Part test_part = part_of(all, halves.held_out);
  if (!options.test.empty()) {
    const TextPairs others = read_test(options, all.languages);
    test_part = part_of(others, data::all_rows(std::ssize(others.pairs)));
  }
  Texts texts = train.sources;
  texts.insert(texts.end(), train.targets.begin(), train.targets.end());
  SavedTranslator system{options.model, all.languages, data::BytePairs::learn(texts, options.tokens)};
  system.options.tokens = system.tokens.size();
  const Tokens train_tokens = encode(system, train, options.longest),
               validation_tokens = encode(system, part_of(all, parts.held_out), options.longest);
  if (train_tokens.sources.empty())
    throw ValueError(
        fmt::format("{}: all pairs are longer than {} tokens; raise --longest", options.pairs, options.longest));
  const data::SampleDataset train_set = dataset_of(train_tokens), validation_set = dataset_of(validation_tokens);
  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  const SavedModel<SavedTranslator> saved(std::move(system), rng);
  SavedTranslator::Model& model = *saved.model;
  std::cout << fmt::format(
      "{} training, {} validation and {} test pairs, {} to {}; {} different tokens; {} pairs longer than {} of them "
      "are left out of the first two\n\n{}\n",
      train_set.size(), validation_set.size(), test_part.sources.size(), all.languages[0], all.languages[1],
      saved.system.options.tokens,
      std::ssize(parts.kept) + std::ssize(parts.held_out) - train_set.size() - validation_set.size(), options.longest,
      model.summary());

  train::Trainer trainer(model, optim::AdamW{.lr = options.lr, .beta2 = 0.98, .weight_decay = options.weight_decay},
                         loss_of(options.smoothing), {});
  train::FitOptions fit = fit_options(options, {.clip_norm = 1});
  fit.schedule = warm_up_and_cosine(options);
  const auto batches = [&](const data::SampleDataset& set, const Tokens& tokens) {
    return data::DataLoader(set, {.batch_size = options.batch_size,
                                  .sampler = data::sampler::by_length(data::all_rows(set.size()), tokens.lengths,
                                                                      options.batch_size, options.seed)});
  };
  data::DataLoader train_batches = batches(train_set, train_tokens),
                   validation_batches = batches(validation_set, validation_tokens);
  const train::History history =
      run_training(trainer, train_batches, validation_set.size() == 0 ? nullptr : &validation_batches, options, fit);

  model.eval();
  std::optional<Tested> tested;  // which takes minutes: not of a training that was stopped
  if (history.stopped != train::StopReason::requested) tested = test(saved, options, train, std::move(test_part));
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    saved.save(to);
    save_history(to, history);
    data::Batch batch = train_set.batch(data::all_rows(std::min<std::int64_t>(train_set.size(), 2)));
    for (std::size_t i = 0; const char* name : {"source", "target", "lengths"}) batch.inputs[i++].set_name(name);
    batch.targets.set_name("next tokens");
    save_graph(to,
               SavedTranslator::Model::loss(model.forward(batch.inputs[0], batch.inputs[1], batch.inputs[2]),
                                            batch.targets, options.smoothing),
               "Translator");
    const std::string& text = train.sources[0];
    to.write("attention.svg", attention_picture(saved, text, translations_of(saved, text, options.translate)[0]));
    train::Report report = report_of("Translator: " + options.pairs, options, model, history);
    report.facts.emplace_back("label smoothing", fmt::format("{:g}", options.smoothing));
    if (tested) report.tables = {scores_table(*tested), examples_table(*tested, all.languages)};
    save_report(to, std::move(report));
  });
  if (tested) print(scores_table(*tested));
  return end_training(history, options);
}

void add_train_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  options->epochs = 8;
  options->batch_size = 64;
  options->lr = 2e-3;
  options->weight_decay = 0.01;
  CLI::App* command = train.add_subcommand("translate", "A translator: a Transformer from one language to another");
  command
      ->add_option("data", options->pairs,
                   "Table with a header, by tabs or as CSV: the first two columns hold texts that mean the same, and "
                   "a column \"group\" may say which pairs belong on one side of a split")
      ->required();
  command->add_option("--test", options->test, "Another one, to test on; else a share is held out");
  command->add_option("--test-split", options->held_out, "That share")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 0.9));
  command->add_option("--validation-split", options->validation, "Share of the other pairs that only measures")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  command
      ->add_option("--tokens", options->tokens,
                   "Different tokens of both languages: 257, the bytes alone, or more, with byte pairs")
      ->capture_default_str()
      ->check(CLI::Range(data::BytePairs::kEnd + 1, 65536));
  command->add_option("--longest", options->longest, "Tokens of a text; longer ones are not learned from")
      ->capture_default_str()
      ->check(CLI::Range(2, 100'000));
  for (const char* name : {"width", "layers", "heads", "dropout"}) add_setting(*command, options->model, name);
  command
      ->add_option("--label-smoothing", options->smoothing, "Share of each token's probability that goes to all alike")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.99));
  command->add_option("--beams", options->translate.beams, "Translations that are followed at a time, when it tests")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  add_training_options(*command, *options);
  command->footer(
      "Prints BLEU (13a) and chrF of the test part, as sacreBLEU computes them, beside those of the nearest text of "
      "the\ntraining part.\n"
      "Writes into --out: model.safetensors, tokens.txt, config.json, metrics.jsonl, curves.svg, report.html with "
      "some\n"
      "translations, attention.svg, and the graph as model.mmd, .dot, .json and .svg. Ctrl-C finishes the step, "
      "saves,\n"
      "and exits with status 130; --resume goes on from there.\n"
      "Examples, on the pairs that scripts/data/translation makes:\n"
      "  tapegrad train translate debian/pairs.tsv --threads 2 --out out/french\n"
      "  tapegrad translate --model out/french \"library for reading and writing images\"");
  command->callback([options, &status] { status = train_translator(*options); });
}

}  // namespace

extern const System translator{
    .kind = SavedTranslator::kKind, .add_train_commands = add_train_command, .command = "translate"};

}  // namespace tapegrad::tools
