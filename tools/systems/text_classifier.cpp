#include "train_systems.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/labelled_texts.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/data/text_dataset.hpp>
#include <tapegrad/data/vocabulary_builder.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/train/trainer.hpp>

#include "class_report.hpp"
#include "model_files.hpp"
#include "output_folder.hpp"
#include "text_classifier.hpp"
#include "training.hpp"

namespace tapegrad::tools {
namespace {

struct Options : TrainingOptions {
  std::string source = "wordnet:", test;
  data::ReadOptions columns;
  std::string text_column, label_column;
  TextClassifierSizes sizes;
  bool dense = false, decay = false;
  data::VocabularyOptions vocabulary{.max_size = 200'000};
  std::int64_t length = 512;
  double validation = 0.1, held_out = 0.1;
};

/// The texts of each part, with labels of one list of classes.
struct Parts {
  data::LabelledTexts train, validation, test;
};

data::LabelledTexts take(const data::LabelledTexts& all, std::span<const std::int64_t> rows) {
  data::LabelledTexts part;
  part.class_names = all.class_names;
  part.sources = all.sources;
  for (const std::int64_t row : rows) {
    const auto i = static_cast<std::size_t>(row);
    part.texts.push_back(all.texts[i]);
    part.labels.push_back(all.labels[i]);
    part.origins.push_back(all.origins[i]);
  }
  return part;
}

Parts read_parts(const Options& options) {
  data::TrainAndTest read = data::read_labelled_texts(options.source, options.columns);
  for (const std::string& note : read.train.notes) std::cout << "note: " << note << '\n';
  if (!options.test.empty()) read.test = data::read_test_texts(options.test, read.train.class_names, options.columns);
  Parts parts;
  data::Split kept;
  if (read.test) {
    kept = data::split(read.train.size(), options.validation, options.seed);
    parts.test = std::move(*read.test);
  } else {
    const data::Split halves = data::split(read.train.size(), options.held_out, options.seed);
    parts.test = take(read.train, halves.held_out);
    kept = data::split(halves.kept, options.validation, options.seed);
  }
  parts.train = take(read.train, kept.kept);
  parts.validation = take(read.train, kept.held_out);
  return parts;
}

data::TextEncoder make_encoder(const Options& options, const data::LabelledTexts& train) {
  const data::Tokenizer tokenizer;
  data::VocabularyBuilder builder(tokenizer, options.vocabulary);
  for (const std::string& text : train.texts) builder.add(text);
  data::Vocabulary vocabulary = builder.build();
  if (vocabulary.size() <= data::Vocabulary::kUnknown + 1)
    throw ValueError(options.source + ": no word occurs " + std::to_string(options.vocabulary.min_count) +
                     " times in the training texts; lower --min-count");
  return data::TextEncoder(tokenizer, std::move(vocabulary), {.max_length = options.length});
}

data::TextDataset encode(const data::TextEncoder& encoder, const data::LabelledTexts& part) {
  return data::TextDataset(encoder.encode(part.texts), part.labels);
}

/// The graph of one batch's loss.
void save_batch_graph(const OutputFolder& out, TextClassifier& model, const data::TextDataset& texts) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min<std::int64_t>(texts.size(), 32)));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
  data::Batch batch = texts.batch(rows);
  batch.inputs[0].set_name("word ids");
  batch.inputs[1].set_name("offsets");
  batch.targets.set_name("classes");
  save_graph(out, nn::cross_entropy(model.forward(batch.inputs[0], batch.inputs[1]), batch.targets), "Text classifier");
}

ClassReport test_report(train::Trainer& trainer, const data::TextDataset& test,
                        const std::vector<std::string>& classes) {
  const Tensor logits = trainer.predict(test);
  const Tensor best = argmax(logits, 1);
  return class_report(best.data<std::int64_t>(), test.labels(), classes);
}

train::Report report_of(const Options& options, const TextClassifier& model, const train::History& history,
                        const std::optional<ClassReport>& test) {
  train::Report report{.title = "Text classifier: " + options.source,
                       .facts = training_facts(options),
                       .epochs = history.epochs,
                       .summary = model.summary()};
  if (!test) return report;
  report.confusion = test->confusion;
  report.facts.insert(report.facts.begin(), {"test accuracy", fmt::format("{:.4f}", test->accuracy)});
  for (const ClassScore& score : test->classes) report.class_names.push_back(score.name);
  return report;
}

void print_sizes(const Parts& parts, const data::TextEncoder& encoder) {
  std::cout << fmt::format("{} training, {} validation and {} test texts of {} classes; vocabulary of {}\n\n",
                           parts.train.size(), parts.validation.size(), parts.test.size(),
                           parts.train.class_names.size(), encoder.vocabulary().size());
}

int run(Options options) {
  if (!options.text_column.empty()) options.columns.text_column = options.text_column;
  if (!options.label_column.empty()) options.columns.label_column = options.label_column;
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, SavedClassifier::kConfig);

  const Parts parts = read_parts(options);
  const data::TextEncoder encoder = make_encoder(options, parts.train);
  const data::TextDataset train = encode(encoder, parts.train), validation = encode(encoder, parts.validation),
                          test = encode(encoder, parts.test);
  const std::vector<std::string>& classes = parts.train.class_names;

  options.sizes.vocabulary = encoder.vocabulary().size();
  options.sizes.classes = std::ssize(classes);
  options.sizes.sparse = !options.dense;
  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  TextClassifier model(options.sizes, rng);
  print_sizes(parts, encoder);
  std::cout << model.summary() << '\n';

  const optim::AdamW rule{.lr = options.lr,
                          .weight_decay = options.weight_decay,
                          .sparse = options.dense ? optim::SparseUpdate::exact : optim::SparseUpdate::lazy};
  train::Trainer trainer(model, rule, nn::cross_entropy);
  const bool validates = validation.size() > 0;
  train::FitOptions fit = fit_options(options);
  if (options.decay) fit.schedule = optim::schedule::linear(1, 0.01, static_cast<double>(options.epochs));
  if (!validates) fit.early_stopping.reset();
  const train::History history = run_training(trainer, train, validates ? &validation : nullptr, options, fit);

  std::optional<ClassReport> report;
  if (test.size() > 0) report = test_report(trainer, test, classes);
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    save_weights(to, model);
    encoder.vocabulary().save(to.path(SavedClassifier::kVocabulary));
    to.write(SavedClassifier::kConfig, config_json(options.sizes, classes, encoder));
    save_history(to, history);
    save_batch_graph(to, model, train);
    save_report(to, report_of(options, model, history, report));
  });
  if (report)
    std::cout << to_text(*report) << fmt::format("test accuracy {:.4f}\n", report->accuracy);
  else
    std::cout << "no test accuracy: no texts were held out\n";
  return end_training(history, options);
}

/// All but where the texts are.
void add_model_options(CLI::App& command, Options& options) {
  command.add_option("--test", options.test, "Test texts, in one of the same forms; else a share is held out");
  command.add_option("--held-out", options.held_out, "That share")->capture_default_str()->check(CLI::Range(0.0, 0.9));
  command.add_option("--validation-split", options.validation, "Share of the training texts that only measures")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  command.add_option("--text-column", options.text_column, "Of a CSV; text if not given");
  command.add_option("--label-column", options.label_column, "Of a CSV; label if not given");
  const std::map<std::string, data::Quoting> quotings{{"csv", data::Quoting::csv}, {"none", data::Quoting::none}};
  command
      .add_option("--quotes", options.columns.quoting,
                  "Of a CSV: csv, quotes hold separators and line breaks; none, they stand for themselves")
      ->transform(CLI::CheckedTransformer(quotings));

  command.add_option("--embedding", options.sizes.embedding, "Width of the word vectors")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  command.add_option("--hidden", options.sizes.hidden, "Widths of hidden layers, as in --hidden 64 64")
      ->check(CLI::Range(1, 65536));
  command.add_option("--dropout", options.sizes.dropout, "After each hidden layer")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.99));
  command.add_option("--mean-dropout", options.sizes.mean_dropout, "Before the hidden layers")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.99));
  command.add_option("--vocabulary", options.vocabulary.max_size, "Most entries of the vocabulary")
      ->capture_default_str()
      ->check(CLI::Range(3, 100'000'000));
  command.add_option("--min-count", options.vocabulary.min_count, "Leave out rarer words")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command.add_option("--ngrams", options.vocabulary.ngrams, "Runs of up to so many words count as words")
      ->capture_default_str()
      ->check(CLI::Range(1, data::Vocabulary::kLongestNgram));
  command.add_option("--length", options.length, "Longest text, in words and n-grams")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);

  add_training_options(command, options);
  command.add_flag("--lr-decay", options.decay, "Let the learning rate fall in a line, to a hundredth at the end");
  command.add_flag("--dense", options.dense, "Step every row of the embedding, not only those of the batch");
}

constexpr const char* kWritten =
    "Writes into --out: model.safetensors, vocabulary.txt, config.json, metrics.jsonl, curves.svg, report.html and "
    "the\n"
    "graph as model.mmd, model.dot, model.json and model.svg. Ctrl-C finishes the step, saves, and exits with status "
    "130;\n"
    "--resume goes on from there. tapegrad predict --model OUT classifies texts.\n"
    "Examples:\n";

}  // namespace

void add_train_text_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = train.add_subcommand("text", "A text classifier: Embedding → mean → hidden layers → softmax");
  command
      ->add_option("data", options->source,
                   "wordnet: (Debian's wordnet-base), a file of label<TAB>text lines, a CSV with a header, or a folder "
                   "with one folder of .txt files a class")
      ->capture_default_str();
  add_model_options(*command, *options);
  command->footer(
      std::string(kWritten) +
      "  tapegrad train text wordnet: --out out/wordnet\n"
      "  tapegrad train text reviews.csv --text-column review --label-column stars --ngrams 2\n"
      "  tapegrad train text wordnet: --ngrams 2 --embedding 128 --hidden 128 --mean-dropout 0.7 --dropout 0.5 "
      "--lr-decay");
  command->callback([options, &status] { status = run(*options); });
}

void add_train_sentiment_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  auto folder = std::make_shared<std::string>("food-reviews");
  options->vocabulary.ngrams = 2;
  options->sizes.embedding = 64;
  options->validation = 0.05;
  CLI::App* command = train.add_subcommand("sentiment", "The text classifier for reviews, good or not");
  command
      ->add_option("data", *folder,
                   "Folder with train.csv and test.csv, columns text and label; scripts/data/food-reviews makes one "
                   "of Debian's r-cran-modeldata")
      ->capture_default_str();
  add_model_options(*command, *options);
  command->footer(
      std::string(kWritten) +
      "  scripts/data/food-reviews food-reviews && tapegrad train sentiment food-reviews --out out/sentiment\n"
      "  tapegrad predict --model out/sentiment \"my dog would not eat it\"");
  command->callback([options, folder, &status] {
    const std::filesystem::path path = *folder;
    if (!std::filesystem::exists(path / "train.csv"))
      throw IoError((path / "train.csv").string() + ": is missing; scripts/data/food-reviews " + *folder +
                    " makes it of Debian's package r-cran-modeldata");
    options->source = path / "train.csv";
    if (options->test.empty()) options->test = path / "test.csv";
    status = run(*options);
  });
}

}  // namespace tapegrad::tools
