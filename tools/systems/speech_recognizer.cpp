// tapegrad train speech: what is said in a recording, as one of several words or letter by letter.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <set>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/edit_distance.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/audio.hpp>
#include <tapegrad/data/loader.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/nn/models/speech_recognizer.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "../class_report.hpp"
#include "../model_options.hpp"
#include "../option_values.hpp"
#include "../prediction.hpp"
#include "../saved_model.hpp"
#include "../systems.hpp"
#include "../terminal.hpp"
#include "../training.hpp"
#include "recordings.hpp"

namespace tapegrad::tools {
namespace {

namespace fs = std::filesystem;
using nn::models::SpeechKind;
using Recordings = std::vector<Recording>;

/// What a folder holds: config.json and model.safetensors.
struct SavedSpeech {
  using Model = nn::models::SpeechRecognizer;
  static constexpr std::string_view kKind = "speech recogniser";
  static constexpr int kVersion = 1;

  nn::models::SpeechRecognizerOptions options;
  std::vector<std::string> symbols;  ///< words, or letters

  static constexpr auto fields() {
    return std::tuple{part(&SavedSpeech::options), Setting{"symbols", &SavedSpeech::symbols}};
  }

  bool spells() const { return options.kind == SpeechKind::letters; }
  std::unique_ptr<Model> make(Rng& rng) const {
    nn::models::SpeechRecognizerOptions all = options;
    all.outputs = std::ssize(symbols) + (spells() ? 1 : 0);  // the blank
    all.rng = &rng;
    return std::make_unique<Model>(all);
  }
  void read_files(const fs::path&) {}
  void write_files(const OutputFolder&) const {}

  /// The number of a word, or letter; -1 if the training had none like it.
  std::int64_t number_of(const std::string& symbol) const {
    const auto found = std::ranges::lower_bound(symbols, symbol);
    return found == symbols.end() || *found != symbol ? -1 : found - symbols.begin();
  }
  /// As the model takes it: a word's number, or those of the letters, from 1.
  std::vector<std::int64_t> target_of(const Recording& recording) const {
    if (!spells()) return {checked(recording.text, recording)};
    std::vector<std::int64_t> letters;
    for (const char32_t letter : letters_of(recording.text))
      letters.push_back(1 + checked(text_of({&letter, 1}), recording));
    if (const std::int64_t steps = Model::steps_for(letters), there = (recording.features.size(0) + 1) / 2;
        steps > there)
      throw IoError(fmt::format("{}: is too short for its text, which takes {} steps of 20 ms; there are {}",
                                recording.where, steps, there));
    return letters;
  }
  std::string spelled(const Tensor& path) const {
    std::string text;
    for (const std::int64_t letter : Model::best_path(path)) text += symbols[static_cast<std::size_t>(letter - 1)];
    return text;
  }

 private:
  std::int64_t checked(const std::string& symbol, const Recording& recording) const {
    const std::int64_t number = number_of(symbol);
    if (number < 0)
      throw IoError(
          fmt::format("{}: \"{}\" does not occur in the training part", recording.where, printable(symbol, 40)));
    return number;
  }
};

struct Options : TrainingOptions {
  std::string list, test;
  nn::models::SpeechRecognizerOptions model;
  double validation = 0.05, held_out = 0.1;
  bool augment = true;
};

std::vector<std::string> symbols_of(const Recordings& recordings, SpeechKind kind) {
  std::set<std::string> all;
  for (const Recording& one : recordings) {
    if (kind == SpeechKind::words) all.insert(one.text);
    if (kind == SpeechKind::letters)
      for (const char32_t letter : letters_of(one.text)) all.insert(text_of({&letter, 1}));
  }
  return {all.begin(), all.end()};
}

/// Features with their lengths, and words, or letters filled up with -1.
data::SampleDataset dataset_of(const Recordings& recordings, const SavedSpeech& system) {
  std::vector<std::vector<std::int64_t>> targets;
  for (const Recording& one : recordings) targets.push_back(system.target_of(one));
  const auto read = [recordings, targets = std::move(targets), spells = system.spells()](std::int64_t row) {
    const auto i = static_cast<std::size_t>(row);
    const Tensor target = copy_of(targets[i]);
    return data::Sample{{recordings[i].features}, spells ? target : select(target, 0, 0)};
  };
  return {std::ssize(recordings), read, data::pad_and_stack};
}

/// What was heard in each, one after the other, as it is in use.
std::vector<std::string> heard_in(const SavedModel<SavedSpeech>& saved, const Recordings& recordings) {
  const NoGrad no_grad;
  std::vector<std::string> texts;
  for (const Recording& one : recordings) {
    const Tensor output =
        saved.model->forward(unsqueeze(one.features, 0), tensor({static_cast<double>(one.features.size(0))}, i64))[0];
    texts.push_back(saved.system.spells() ? saved.system.spelled(output)
                                          : saved.system.symbols[static_cast<std::size_t>(argmax(output).item())]);
  }
  return texts;
}

/// How much of the test part was heard wrongly.
struct Errors {
  double letters = 0, words = 0, texts = 0;  ///< shares
};
Errors errors_in(const Recordings& recordings, const std::vector<std::string>& heard) {
  const auto words_of = [](const std::string& text) {
    std::vector<std::string> words(1);
    for (const char c : text) c == ' ' ? words.emplace_back() : words.back() += c;
    return words;
  };
  double letters = 0, words = 0, wrong_letters = 0, wrong_words = 0, wrong = 0;
  for (std::size_t i = 0; i < heard.size(); ++i) {
    const std::u32string said = letters_of(recordings[i].text), got = letters_of(heard[i]);
    const std::vector<std::string> said_words = words_of(recordings[i].text), got_words = words_of(heard[i]);
    wrong_letters += static_cast<double>(edit_distance(said, got));
    wrong_words += static_cast<double>(edit_distance(said_words, got_words));
    letters += static_cast<double>(said.size());
    words += static_cast<double>(said_words.size());
    wrong += heard[i] == recordings[i].text ? 0 : 1;
  }
  return {wrong_letters / letters, wrong_words / words, wrong / static_cast<double>(heard.size())};
}

train::ReportTable mistakes_table(const Recordings& recordings, const std::vector<std::string>& heard) {
  train::ReportTable table{"Heard wrongly", {"recording", "said", "heard"}, {}};
  constexpr std::size_t kMost = 20;
  for (std::size_t i = 0; i < heard.size() && table.rows.size() < kMost; ++i)
    if (heard[i] != recordings[i].text) table.rows.push_back({recordings[i].where, recordings[i].text, heard[i]});
  return table;
}

Recordings take(const Recordings& all, const std::vector<std::int64_t>& rows) { return data::take(all, rows); }

int train_speech(const Options& options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);
  const Recordings all = read_recordings(options.list, options.model.bands);
  data::Split halves{data::all_rows(std::ssize(all)), {}};
  if (options.test.empty()) halves = data::split(std::ssize(all), options.held_out, options.seed);
  const data::Split parts = data::split(halves.kept, options.validation, options.seed);
  const Recordings train = take(all, parts.kept), validation = take(all, parts.held_out),
                   test = options.test.empty() ? take(all, halves.held_out)
                                               : read_recordings(options.test, options.model.bands);
  SavedSpeech system{options.model, symbols_of(train, options.model.kind)};
  if (system.symbols.size() < 2) throw ValueError(options.list + ": two different texts at least are needed");
  const data::SampleDataset train_set = dataset_of(train, system), validation_set = dataset_of(validation, system);
  for (const Recording& one : test) (void)system.target_of(one);
  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  const SavedModel<SavedSpeech> saved(std::move(system), rng);
  SavedSpeech::Model& model = *saved.model;
  const bool spells = saved.system.spells();
  std::cout << fmt::format("{} training, {} validation and {} test recordings of {} {}\n\n{}\n", train.size(),
                           validation.size(), test.size(), saved.system.symbols.size(), spells ? "letters" : "words",
                           model.summary());

  train::Trainer trainer(model, optim::AdamW{.lr = options.lr, .weight_decay = options.weight_decay},
                         SavedSpeech::Model::loss, spells ? train::Metrics{} : train::Metrics{train::accuracy()});
  train::FitOptions fit = fit_options(options, {.clip_norm = 5});
  fit.schedule = warm_up_and_cosine(options);
  data::LoaderOptions loading{.batch_size = options.batch_size, .seed = options.seed};
  if (options.augment) loading.transform = data::augment::vary_features(options.seed);
  data::DataLoader train_batches(train_set, loading);
  data::DataLoader validation_batches(validation_set, {.batch_size = options.batch_size, .shuffle = false});
  const train::History history =
      run_training(trainer, train_batches, validation.empty() ? nullptr : &validation_batches, options, fit);

  model.eval();
  const std::vector<std::string> heard = heard_in(saved, test);
  const Errors errors = errors_in(test, heard);
  std::optional<ClassReport> words;
  if (!spells) {
    std::vector<std::int64_t> answers;
    std::vector<std::int32_t> labels;
    for (std::size_t i = 0; i < test.size(); ++i) {
      answers.push_back(saved.system.number_of(heard[i]));
      labels.push_back(static_cast<std::int32_t>(saved.system.number_of(test[i].text)));
    }
    words = class_report(answers, labels, saved.system.symbols);
  }
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    saved.save(to);
    save_history(to, history);
    data::Batch batch = train_set.batch(data::all_rows(std::min<std::int64_t>(train_set.size(), 2)));
    batch.inputs[0].set_name("features");
    batch.inputs[1].set_name("lengths");
    batch.targets.set_name(spells ? "letters" : "words");
    save_graph(to, SavedSpeech::Model::loss(model.forward(batch.inputs[0], batch.inputs[1]), batch.targets),
               "Speech recogniser");
    train::Report report =
        report_of("Speech recogniser", options.list, options, model, history, words ? &*words : nullptr);
    report.facts.insert(report.facts.begin(), {{"letters wrong", fmt::format("{:.4f}", errors.letters)},
                                               {"words wrong", fmt::format("{:.4f}", errors.words)}});
    report.tables = {mistakes_table(test, heard)};
    save_report(to, std::move(report));
  });
  if (words) {
    std::cout << to_text(*words);
    print_bold(fmt::format("test accuracy {:.4f}", words->accuracy));
  }
  if (spells) {
    std::cout << fmt::format("texts wrong {:.4f}, words wrong {:.4f}\n", errors.texts, errors.words);
    print_bold(fmt::format("test letters wrong {:.4f}", errors.letters));
  }
  return end_training(history, options);
}

void add_train_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  options->epochs = 20;
  options->batch_size = 16;
  options->lr = 2e-3;
  options->weight_decay = 0.01;
  CLI::App* command =
      train.add_subcommand("speech", "A recogniser of speech: one of several words, or text letter by letter");
  command->add_option("data", options->list, "CSV with the columns file, of WAV files beside it, and text")
      ->type_name(kFile)
      ->required();
  command->add_option("--test", options->test, "Another one, to test on; else a share is held out")->type_name(kFile);
  command->add_option("--test-split", options->held_out, "That share")
      ->capture_default_str()
      ->check(between(0.01, 0.9));
  command->add_option("--validation-split", options->validation, "Share of the other recordings that only measures")
      ->capture_default_str()
      ->check(between(0.0, 0.9));
  for (const char* name : {"model", "bands", "channels", "width", "layers", "dropout"})
    add_setting(*command, options->model, name);
  command->add_flag("!--no-augment", options->augment,
                    "Leave recordings as they are: no other voices, no hidden stripes");
  add_training_options(*command, *options);
  command->footer(
      "WAV files may have any rate from 8,000 samples a second on, and differ in it: what lies above 4,000 Hz is not\n"
      "heard. Texts become lower case.\n"
      "Writes into --out: model.safetensors, config.json, metrics.jsonl, curves.svg, report.html with what was heard\n"
      "wrongly, and the graph as model.mmd, .dot, .json and .svg. Ctrl-C finishes the step, saves, and exits with "
      "status\n"
      "130; --resume goes on from there.\n"
      "Examples, on speech that scripts/data/speech makes:\n"
      "  tapegrad train speech speech/digits-train.csv --test speech/digits-test.csv --model words --out out/digits\n"
      "  tapegrad train speech speech/sentences-train.csv --test speech/sentences-test.csv --threads 2 --out "
      "out/orders\n"
      "  tapegrad predict --model out/orders order.wav");
  command->callback([options, &status] { status = train_speech(*options); });
}

void hear(const SavedModel<SavedSpeech>& saved, const std::string& path, const PredictOptions& options) {
  const Recording recording{path, "", speech_features(path, saved.system.options.bands)};
  if (saved.system.spells()) {
    const std::string text = heard_in(saved, {recording})[0];
    if (options.json) return print_line({{"recording", path}, {"text", text}});
    std::cout << fmt::format("{}\n  {}\n", printable(path), text.empty() ? "nothing is heard" : printable(text));
    return;
  }
  const Tensor lengths = tensor({static_cast<double>(recording.features.size(0))}, i64);
  const Classes found = classify([&](const Tensor& x) { return saved.model->forward(x, lengths); },
                                 unsqueeze(recording.features, 0), saved.system.symbols);
  if (options.json) return print_line(to_json("recording", path, found));
  std::cout << printable(path) << '\n';
  print_classes(found, options.top);
}

void predict_speech(const PredictOptions& options) {
  if (options.inputs.empty()) throw ValueError("predict: give a recording, as a WAV file");
  if (!options.picture.empty()) throw ValueError("predict: --picture is for images; this is a model of speech");
  const auto saved = SavedModel<SavedSpeech>::load(options.model, options.load);
  for (const std::string& path : options.inputs) hear(saved, path, options);
}

}  // namespace

extern const System speech_recognizer{
    .kind = SavedSpeech::kKind, .add_train_commands = add_train_command, .predict = predict_speech};

}  // namespace tapegrad::tools
