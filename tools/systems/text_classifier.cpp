// tapegrad train text and sentiment: a text classifier.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/internal/labelled_texts.hpp>
#include <tapegrad/data/internal/vocabulary_builder.hpp>
#include <tapegrad/data/text_dataset.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/models/text_classifier.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/train/trainer.hpp>

#include "../class_report.hpp"
#include "../export.hpp"
#include "../model_options.hpp"
#include "../option_values.hpp"
#include "../prediction.hpp"
#include "../saved_model.hpp"
#include "../systems.hpp"
#include "../terminal.hpp"
#include "../training.hpp"
#include "context_classifier.hpp"
#include "text_parts.hpp"

namespace tapegrad::tools {
namespace {

namespace fs = std::filesystem;

/// What a folder holds: config.json, vocabulary.txt and model.safetensors.
struct SavedText {
  using Model = nn::models::TextClassifier;
  static constexpr std::string_view kKind = "text classifier", kVocabulary = "vocabulary.txt";
  static constexpr int kVersion = 1;

  std::vector<std::string> classes;
  nn::models::TextClassifierOptions options;
  data::EncoderOptions encoding;
  data::TokenizerOptions splitting = {};
  std::optional<data::TextEncoder> encoder = {};

  static constexpr auto fields() {
    using data::EncoderOptions, data::TokenizerOptions;
    constexpr Range kAny{0, std::numeric_limits<std::int64_t>::max()};
    return std::tuple{Setting{"classes", &SavedText::classes}, part(&SavedText::options),
                      part(&SavedText::encoding, Setting{"max_length", &EncoderOptions::max_length, "", kAny},
                           Setting{"keep_unknown", &EncoderOptions::keep_unknown}),
                      part(&SavedText::splitting, Setting{"lower_case", &TokenizerOptions::lower_case},
                           Setting{"strip_html", &TokenizerOptions::strip_html})};
  }

  std::unique_ptr<Model> make(Rng& rng) const {
    nn::models::TextClassifierOptions all = options;
    all.classes = std::ssize(classes);
    all.rng = &rng;
    return std::make_unique<Model>(all);
  }
  void read_files(const fs::path& folder) {
    data::Vocabulary vocabulary = data::Vocabulary::load(folder / kVocabulary);
    if (vocabulary.size() != options.vocabulary)
      throw IoError(fmt::format("{}: has {} entries, where {} says {}", (folder / kVocabulary).string(),
                                vocabulary.size(), kConfig, options.vocabulary));
    encoder.emplace(data::Tokenizer(splitting), std::move(vocabulary), encoding);
  }
  void write_files(const OutputFolder& to) const { encoder->vocabulary().save(to.path(kVocabulary)); }
};

struct Options : TrainingOptions, TextSource {
  ContextOptions context;
  nn::models::TextClassifierOptions model;
  bool dense = false, decay = false;
  data::VocabularyOptions vocabulary{.max_size = 200'000};
  std::int64_t length = 512;
};

/// A system for these texts.
SavedText prepare(const Options& options, const data::LabelledTexts& train) {
  SavedText system{.classes = train.class_names, .options = options.model, .encoding = {.max_length = options.length}};
  const data::Tokenizer tokenizer(system.splitting);
  data::VocabularyBuilder builder(tokenizer, options.vocabulary);
  for (const std::string& text : train.texts) builder.add(text);
  data::Vocabulary vocabulary = builder.build();
  if (vocabulary.size() <= data::Vocabulary::kUnknown + 1)
    throw ValueError(options.source + ": no word occurs " + std::to_string(options.vocabulary.min_count) +
                     " times in the training texts; lower --min-count");
  system.options.vocabulary = vocabulary.size();
  system.options.sparse = !options.dense;
  system.encoder.emplace(tokenizer, std::move(vocabulary), system.encoding);
  return system;
}

data::TextDataset encode(const data::TextEncoder& encoder, const data::LabelledTexts& part) {
  return data::TextDataset(encoder.encode(part.texts), part.labels);
}

/// The graph of one batch's loss.
void save_batch_graph(const OutputFolder& out, SavedText::Model& model, const data::TextDataset& texts) {
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

void print_sizes(const TextParts& parts, const data::TextEncoder& encoder) {
  std::cout << fmt::format("{} training, {} validation and {} test texts of {} classes; vocabulary of {}\n\n",
                           parts.train.size(), parts.validation.size(), parts.test.size(),
                           parts.train.class_names.size(), encoder.vocabulary().size());
}

int train_texts(const Options& options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);

  const TextParts parts = read_text_parts(options, options.seed);
  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  SavedModel<SavedText> saved(prepare(options, parts.train), rng);
  const data::TextEncoder& encoder = *saved.system.encoder;
  SavedText::Model& model = *saved.model;
  const data::TextDataset train = encode(encoder, parts.train), validation = encode(encoder, parts.validation),
                          test = encode(encoder, parts.test);
  print_sizes(parts, encoder);
  std::cout << model.summary() << '\n';

  const optim::AdamW rule{.lr = options.lr,
                          .weight_decay = options.weight_decay,
                          .sparse = options.dense ? optim::SparseUpdate::exact : optim::SparseUpdate::lazy};
  train::Trainer trainer(model, rule, nn::cross_entropy);
  const bool validates = validation.size() > 0;
  train::FitOptions fit = fit_options(options);
  if (options.decay) fit.schedule = optim::schedule::linear(1, 0.01, static_cast<double>(options.epochs));
  const train::History history = run_training(trainer, train, validates ? &validation : nullptr, options, fit);

  std::optional<ClassReport> report;
  if (test.size() > 0) report = test_report(trainer, test, saved.system.classes);
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    saved.save(to);
    save_history(to, history);
    save_batch_graph(to, model, train);
    save_report(to, report_of("Text classifier", options.source, options, model, history, report ? &*report : nullptr));
  });
  if (report) {
    std::cout << to_text(*report);
    print_bold(fmt::format("test accuracy {:.4f}", report->accuracy));
  } else
    std::cout << "no test accuracy: no texts were held out\n";
  return end_training(history, options);
}

/// All but where the texts are.
void add_model_options(CLI::App& command, Options& options) {
  add_text_options(command, options);
  for (const char* name : {"embedding", "hidden", "dropout", "mean_dropout"}) add_setting(command, options.model, name);
  command.add_option("--vocabulary", options.vocabulary.max_size, "Most entries of the vocabulary")
      ->capture_default_str()
      ->check(between(3, 100'000'000));
  command.add_option("--min-count", options.vocabulary.min_count, "Leave out rarer words")
      ->capture_default_str()
      ->check(positive());
  command.add_option("--ngrams", options.vocabulary.ngrams, "Runs of up to so many words count as words")
      ->capture_default_str()
      ->check(between(1, data::Vocabulary::kLongestNgram));
  command.add_option("--length", options.length, "Longest text, in words and n-grams")
      ->capture_default_str()
      ->check(positive());

  add_training_options(command, options);
  command.add_flag("--lr-decay", options.decay, "Let the learning rate fall in a line, to a hundredth at the end");
  command.add_flag("--dense", options.dense, "Step every row of the embedding, not only those of the batch");
}

/// Those that go on from a masked language model. Options of the bag of words would mean nothing there.
void add_context_options(CLI::App& command, Options& options) {
  CLI::Option* init = command.add_option(
      "--init", options.context.init,
      "The folder that tapegrad train masked --out wrote: a Transformer that goes on from what it learned");
  init->type_name(kFolder);
  for (const char* name : {"--embedding", "--hidden", "--dropout", "--mean-dropout", "--vocabulary", "--min-count",
                           "--ngrams", "--length", "--lr-decay", "--dense"})
    init->excludes(command.get_option(name));
  command.add_flag("--frozen", options.context.frozen, "Learn the last layer alone")->needs(init);
  command.add_flag("--untrained", options.context.untrained, "Draw the weights anew, to compare with")->needs(init);
  command
      .add_option("--layer-rate", options.context.layer_rate, "A layer's learning rate over that of the one above it")
      ->capture_default_str()
      ->check(between(0.01, 1.0))
      ->needs(init);
}

constexpr const char* kWritten =
    "Writes into --out: model.safetensors, vocabulary.txt, config.json, metrics.jsonl, curves.svg, report.html and "
    "the\n"
    "graph as model.mmd, model.dot, model.json and model.svg. Ctrl-C finishes the step, saves, and exits with status "
    "130;\n"
    "--resume goes on from there. tapegrad predict --model OUT classifies texts.\n"
    "Examples:\n";

void add_text_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = train.add_subcommand("text", "A text classifier: Embedding → mean → hidden layers → softmax");
  command
      ->add_option("data", options->source,
                   "wordnet: (Debian's wordnet-base), a file of label<TAB>text lines, a CSV with a header, or a folder "
                   "with one folder of .txt files a class")
      ->type_name("FILE|FOLDER")
      ->capture_default_str();
  add_model_options(*command, *options);
  add_context_options(*command, *options);
  command->footer(
      std::string(kWritten) +
      "  tapegrad train text wordnet: --out out/wordnet\n"
      "  tapegrad train text wordnet: --init out/glosses --labels 0.01   (after tapegrad train masked)\n"
      "  tapegrad train text reviews.csv --text-column review --label-column stars --ngrams 2\n"
      "  tapegrad train text wordnet: --ngrams 2 --embedding 128 --hidden 128 --mean-dropout 0.7 --dropout 0.5 "
      "--lr-decay");
  command->callback([options, &status] {
    status = options->context.init.empty() ? train_texts(*options)
                                           : train_context_classifier(options->context, *options, *options);
  });
}

void add_sentiment_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  auto folder = std::make_shared<std::string>("food-reviews");
  options->vocabulary.ngrams = 2;
  options->model.embedding = 64;
  options->validation = 0.05;
  CLI::App* command = train.add_subcommand("sentiment", "The text classifier for reviews, good or not");
  command
      ->add_option("data", *folder,
                   "Folder with train.csv and test.csv, columns text and label; scripts/data/food-reviews makes one "
                   "of Debian's r-cran-modeldata")
      ->type_name("FILE|FOLDER")
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
    status = train_texts(*options);
  });
}

/// `where` is the text's place, for messages.
void classify_text(SavedModel<SavedText>& saved, const std::string& text, const std::string& where,
                   const PredictOptions& options) {
  const auto entries = saved.system.encoder->explain(text);
  if (std::ranges::all_of(entries, [](const data::EncodedWord& entry) { return entry.words.empty(); }))
    throw ValueError(fmt::format("predict: {}: there is no word in it", where));
  std::vector<std::int32_t> ids;
  for (const data::EncodedWord& entry : entries) ids.push_back(entry.id);
  const Tensor offsets = copy_of(std::vector<std::int64_t>{0, std::ssize(ids)});
  const Tensor vectors = reshape(saved.model->embedding(copy_of(ids)).detach(), {1, std::ssize(ids), -1});
  const Classifier model = [&](const Tensor& words) { return saved.model->classify(select(words, 0, 0), offsets); };
  const Classes classes = classify(model, vectors, saved.system.classes);
  // A normalised mean of words changes most on the first hundredth of the path, which many steps are to see.
  constexpr std::int64_t kSteps = 512;
  const std::vector<double> shares =
      sum(attribute(model, vectors, zeros({1}), options.attribution, kSteps), {0, 2}).values();

  std::size_t known = 0;
  std::vector<std::pair<double, std::string>> words;  // each once, with all that it does
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].id == data::Vocabulary::kUnknown) continue;
    ++known;
    const auto same = std::ranges::find(words, entries[i].words, &std::pair<double, std::string>::second);
    if (same == words.end())
      words.emplace_back(shares[i], entries[i].words);
    else
      same->first += shares[i];
  }
  if (known == 0)
    std::cerr << fmt::format(
        "tapegrad: predict: {}: no word of it was in the training; the answer is that for unknown words\n", where);
  if (options.json) {
    nlohmann::ordered_json json = to_json("text", text, classes);
    json["attribution"] = options.attribution_name();
    json["known_words"] = known;
    json["words"] = nlohmann::ordered_json::array();
    for (const auto& [share, word] : words) json["words"].push_back({{"word", word}, {"share", share}});
    print_line(json);
    return;
  }
  std::cout << fmt::format("\"{}\"\n", printable(text));
  print_classes(classes, options.top);
  std::ranges::stable_sort(words, std::ranges::greater(), &std::pair<double, std::string>::first);
  std::cout << fmt::format("  words for {} ({}):", printable(classes.front().second), options.attribution_name());
  constexpr std::size_t kShown = 8;
  for (std::size_t i = 0; i < std::min(kShown, words.size()); ++i)
    std::cout << fmt::format("{} {} {:+.2f}", i == 0 ? "" : ",", printable(words[i].second), words[i].first);
  std::cout << (words.empty() ? " none is in the vocabulary\n" : "\n");
}

void predict_texts(const PredictOptions& options) {
  SavedModel<SavedText> saved = SavedModel<SavedText>::load(options.model, options.load);
  if (!options.picture.empty()) throw ValueError("predict: --picture is for images; this is a model of texts");
  if (options.attribution == Attribution::saliency)
    throw ValueError("predict: saliency is the same for every word of a mean; take another --attribution");
  for (const std::string& text : options.inputs)
    classify_text(saved, text, fmt::format("the text \"{}\"", printable(text, 60)), options);
  if (!options.inputs.empty()) return;
  std::string line;
  for (std::int64_t number = 1; next_line(line, number); ++number)
    classify_text(saved, line, fmt::format("standard input:{}", number), options);
}

void export_texts(const ExportOptions& options) {
  const auto saved = SavedModel<SavedText>::load(options.model, options.load);
  save_onnx(
      options, *saved.model, {{"words", 4}, {"texts"}},
      [&](const onnx::Sizes& size) {
        std::vector<std::int64_t> ends(static_cast<std::size_t>(size.at("texts")) + 1);
        ends.back() = size.at("words");
        const Tensor ids = zeros({size.at("words")}, i32), offsets = copy_of(ends);
        return onnx::Recording{{{"ids", ids}, {"offsets", offsets}}, {{"logits", saved.model->forward(ids, offsets)}}};
      },
      {{"classes", to_json_list(saved.system.classes)}});
}

}  // namespace

extern const System text_classifier{.kind = SavedText::kKind,
                                    .add_train_commands =
                                        [](CLI::App& train, int& status) {
                                          add_text_command(train, status);
                                          add_sentiment_command(train, status);
                                        },
                                    .predict = predict_texts,
                                    .save_onnx = export_texts};

}  // namespace tapegrad::tools
