// tapegrad train language: a language model over byte pairs, an LSTM or a GPT.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/data/token_stream.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/ops/view.hpp>
#include <utility>

#include "../corpus.hpp"
#include "../export.hpp"
#include "../generation.hpp"
#include "../model_options.hpp"
#include "../systems.hpp"
#include "../training.hpp"
#include "saved_language_model.hpp"

namespace tapegrad::tools {
namespace {

using nn::models::LanguageModelKind;

struct Options : TrainingOptions {
  std::string source = "fortunes:";
  nn::models::LanguageModelOptions model;
  std::int32_t tokens = 1024;
  double held_out = 0.1, validation = 0.02, clip = 1, warm_up = 0.2;
};

constexpr const char* kByModel = "by model, see below";

/// Options and what they are unless given, by model.
using Defaults = std::vector<std::pair<std::string, std::string>>;
Defaults defaults_of(LanguageModelKind kind) {
  if (kind == LanguageModelKind::lstm)
    return {{"--width", "512"}, {"--layers", "1"}, {"--context", "64"}, {"--dropout", "0.3"},
            {"--batch", "32"},  {"--epochs", "8"}, {"--lr", "0.002"},   {"--weight-decay", "0.01"}};
  return {{"--width", "256"}, {"--layers", "4"}, {"--heads", "4"},   {"--context", "128"},     {"--dropout", "0.15"},
          {"--batch", "16"},  {"--epochs", "6"}, {"--lr", "0.0015"}, {"--weight-decay", "0.1"}};
}

void set_defaults(CLI::App& command, LanguageModelKind kind) {
  for (const auto& [name, value] : defaults_of(kind)) {
    CLI::Option* option = command.get_option(name);
    if (option->count() > 0) continue;
    option->add_result(value);
    option->run_callback();
  }
}

std::string describe_defaults(LanguageModelKind kind) {
  std::string text;
  for (const auto& [name, value] : defaults_of(kind)) text += " " + name + " " + value;
  return text;
}

/// One after the other, each between ends.
std::vector<std::int32_t> encode(const data::BytePairs& tokens, const std::vector<std::string>& texts) {
  std::vector<std::int32_t> stream{data::BytePairs::kEnd};
  for (const std::string& text : texts) {
    tokens.encode(text, stream);
    stream.push_back(data::BytePairs::kEnd);
  }
  return stream;
}

std::int64_t characters_in(const std::vector<std::string>& texts) {
  std::int64_t count = 0;
  for (const std::string& text : texts) count += count_characters(text);
  return count;
}

Tensor next_token_loss(const Tensor& logits, const Tensor& targets) {
  return nn::cross_entropy(logits, reshape(targets, {-1}));
}

void print_samples(const SavedModel<SavedLanguage>& saved, std::uint64_t seed) {
  Rng rng(seed);
  for (int i = 0; i < 3; ++i) {
    std::cout << "--- a sample\n";
    write_text(saved, "", {.tokens = 120, .sampling = {.temperature = 0.8, .top_p = 0.95}}, rng,
               [](std::string_view bytes) { std::cout << bytes; });
    std::cout << '\n';
  }
}

int train_language(const Options& options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);
  if (options.model.width % options.model.heads != 0)
    throw ValueError(fmt::format("--heads {} does not divide --width {}", options.model.heads, options.model.width));

  const std::vector<std::string> texts = read_corpus(options.source);
  const data::Split parts = data::split(std::ssize(texts), options.held_out, options.seed);
  const data::Split kept = data::split(parts.kept, options.validation, options.seed);
  const std::vector<std::string> train_texts = data::take(texts, kept.kept),
                                 test_texts = data::take(texts, parts.held_out);
  SavedLanguage system{options.model, data::BytePairs::learn(train_texts, options.tokens)};
  system.options.tokens = system.tokens.size();
  const std::vector<std::int32_t> stream = encode(system.tokens, train_texts);
  const std::vector<std::int32_t> validation_stream = encode(system.tokens, data::take(texts, kept.held_out));
  if (std::ssize(stream) <= options.model.context)
    throw ValueError(options.source + ": is shorter than one context of " + std::to_string(options.model.context) +
                     " tokens; lower --context");
  const data::TokenWindows train(stream, options.model.context);
  std::optional<data::TokenWindows> validation;
  if (std::ssize(validation_stream) > options.model.context)
    validation.emplace(validation_stream, options.model.context);
  const std::int64_t characters = characters_in(train_texts);
  std::cout << fmt::format(
      "{} texts to learn from, of {} characters in {} tokens ({} different, {:.2f} characters each); "
      "{} held out\n\n",
      train_texts.size(), characters, stream.size(), system.options.tokens,
      static_cast<double>(characters) / static_cast<double>(stream.size()), test_texts.size());

  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  const SavedModel<SavedLanguage> saved(std::move(system), rng);
  nn::models::LanguageModel& model = *saved.model;
  std::cout << model.summary() << '\n';

  const optim::AdamW rule{.lr = options.lr, .beta2 = 0.99, .weight_decay = options.weight_decay};
  train::Trainer trainer(model, [&](std::span<const Tensor> in) { return model.forward(in[0]); },
                         optim::Optimizer(model, rule), next_token_loss, {});
  const auto length = static_cast<double>(options.epochs);
  train::FitOptions fit = fit_options(options, {.clip_norm = options.clip});
  fit.schedule =
      optim::schedule::warm_up(std::min(options.warm_up, length / 2), optim::schedule::cosine(length, 0.05), 0.05);
  const train::History history = run_training(trainer, train, validation ? &*validation : nullptr, options, fit);

  model.eval();
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    saved.save(to);
    save_history(to, history);
    const std::int64_t first[] = {0};
    data::Batch batch = train.batch(first);
    batch.inputs[0].set_name("tokens");
    batch.targets.set_name("next tokens");
    save_graph(to, next_token_loss(model.forward(batch.inputs[0]), batch.targets), "Language model");
    save_report(to, report_of("Language model: " + options.source, options, model, history));
  });
  print_samples(saved, options.seed);
  const double nats = nn::models::total_nats(model, encode(saved.system.tokens, test_texts));
  std::cout << fmt::format("test nats per character {:.4f}\n", nats / static_cast<double>(characters_in(test_texts)));
  return end_training(history, options);
}

void add_train_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = train.add_subcommand("language", "A language model: an LSTM or a GPT over byte pairs");
  command
      ->add_option("data", options->source,
                   "fortunes: (Debian's fortunes and fortunes-min), a file of texts parted by lines with a %, or any "
                   "text file")
      ->capture_default_str();
  add_setting(*command, options->model, "model");
  command->add_option("--held-out", options->held_out, "Share of the texts to test on")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 0.9));
  command->add_option("--validation-split", options->validation, "Share of the others that only measures")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  command->add_option("--tokens", options->tokens, "Different tokens: 257, the bytes alone, or more, with byte pairs")
      ->capture_default_str()
      ->check(CLI::Range(data::BytePairs::kEnd + 1, 65536));
  for (const char* name : {"width", "layers", "heads", "context", "dropout"})
    add_setting(*command, options->model, name)->default_str(kByModel);
  command->add_option("--clip", options->clip, "Longest gradient")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--warm-up", options->warm_up, "Epochs in which the learning rate rises")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  add_training_options(*command, *options);
  for (const char* name : {"--batch", "--epochs", "--lr", "--weight-decay"})
    command->get_option(name)->default_str(kByModel);
  command->footer(
      "Defaults of an LSTM:" + describe_defaults(LanguageModelKind::lstm) +
      "\nand of a GPT:" + describe_defaults(LanguageModelKind::gpt) +
      "\n\n"
      "Prints three samples and, last, the nats per character of the texts held out. Writes into --out:\n"
      "model.safetensors, tokens.txt, config.json, metrics.jsonl, report.html, curves.svg and the graph as model.mmd,\n"
      ".dot, .json and .svg. Ctrl-C finishes the step, saves, and exits with status 130; --resume goes on from there.\n"
      "Examples:\n"
      "  tapegrad train language --model lstm --threads 2 --out out/lstm\n"
      "  tapegrad train language --model gpt --width 384 --layers 6 --epochs 8 --threads 2 --out out/gpt\n"
      "  tapegrad train language novel.txt --tokens 257 --epochs 3\n"
      "  tapegrad generate --model out/gpt --prompt \"The trouble with\"");
  command->callback([options, command, &status] {
    set_defaults(*command, options->model.kind);
    status = train_language(*options);
  });
}

void export_language(const ExportOptions& options) {
  const auto saved = SavedModel<SavedLanguage>::load(options.model, options.load);
  // A short memory is not recorded beyond its end.
  const std::int64_t least = saved.model->memory().value_or(8) < 8 ? 1 : 2;
  save_onnx(options, *saved.model, {{"batch"}, {"length", least}}, [&](const onnx::Sizes& size) {
    const std::int64_t rows = size.at("batch"), length = size.at("length");
    const Tensor ids = zeros({rows, length}, i32);
    const Tensor logits = saved.model->forward(ids);
    return onnx::Recording{{{"ids", ids}}, {{"logits", reshape(logits, {rows, length, logits.size(-1)})}}};
  });
}

/// Text on its way to a terminal, token by token: a character that two tokens share waits for the second.
class Shown {
 public:
  std::string take(std::string_view bytes) {
    waiting_ += bytes;
    std::size_t whole = waiting_.size();
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, waiting_.size()); ++back) {
      const auto byte = static_cast<unsigned char>(waiting_[waiting_.size() - back]);
      if ((byte & 0xC0) == 0x80) continue;
      const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
      if (length > back) whole -= back;
      break;
    }
    std::string text = printable(std::string_view(waiting_).substr(0, whole), waiting_.npos, kLayout);
    waiting_.erase(0, whole);
    return text;
  }
  std::string rest() { return printable(std::exchange(waiting_, {}), std::string::npos, kLayout); }

 private:
  static constexpr std::string_view kLayout = "\n\t";
  std::string waiting_;
};

void generate_texts(const GenerateOptions& options) {
  if (!options.only_pictures.empty())
    throw ValueError(
        fmt::format("generate: {} is for pictures; {} writes texts", options.only_pictures, options.model));
  const auto saved = SavedModel<SavedLanguage>::load(options.model, options.load);
  Rng rng(options.seed);
  std::optional<Shown> shown;
  if (::isatty(STDOUT_FILENO) != 0) shown.emplace();
  for (std::int64_t i = 0; i < options.count.value_or(1); ++i) {
    if (i > 0) std::cout << "%\n";
    std::cout << options.prompt;
    write_text(saved, options.prompt, options.text, rng, [&](std::string_view bytes) {
      std::cout << (shown ? shown->take(bytes) : std::string(bytes)) << std::flush;
    });
    if (shown) std::cout << shown->rest();
    std::cout << '\n';
  }
}

}  // namespace

extern const System language_model{.kind = SavedLanguage::kKind,
                                   .add_train_commands = add_train_command,
                                   .command = "generate",
                                   .generate = generate_texts,
                                   .save_onnx = export_language};

}  // namespace tapegrad::tools
