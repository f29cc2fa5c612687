// tapegrad train masked: a masked language model, which learns from texts without labels.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/data/token_stream.hpp>
#include <tapegrad/nn/loss.hpp>

#include "../corpus.hpp"
#include "../model_options.hpp"
#include "../systems.hpp"
#include "../training.hpp"
#include "saved_masked_language_model.hpp"

namespace tapegrad::tools {
namespace {

struct Options : TrainingOptions {
  std::string source = "wordnet:";
  nn::models::ContextEncoderOptions model;
  TextTokens tokens;
  std::int32_t pairs = 4000;
  double held_out = 0.02, validation = 0.02, share = 0.15;
};

/// Share of hidden tokens that are the one that is most frequent.
double most_frequent(data::BatchSource& train, data::BatchSource& test) {
  const auto count = [](data::BatchSource& source) {
    std::map<double, double> counts;
    source.start(0);
    for (data::Batch batch; source.next(batch);)
      for (const double token : batch.targets.values()) ++counts[token];
    return counts;
  };
  std::map<double, double> asked = count(test);
  const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  const std::map<double, double> known = count(train);
  double all = 0;
  for (const auto& [token, times] : asked) all += times;
  return asked[std::ranges::max_element(known, less)->first] / all;
}

int train_masked(const Options& options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);
  const std::vector<std::string> texts = read_short_texts(options.source);
  const data::Split parts = data::split(std::ssize(texts), options.held_out, options.seed);
  const data::Split kept = data::split(parts.kept, options.validation, options.seed);
  const std::vector<std::string> train_texts = data::take(texts, kept.kept);
  SavedMasked system{options.model, options.tokens};
  system.tokens.pairs = data::BytePairs::learn(train_texts, options.pairs);
  system.options.tokens = system.tokens.count();
  const data::SampleDataset train = dataset_of(system.tokens, train_texts),
                            validation = dataset_of(system.tokens, data::take(texts, kept.held_out)),
                            test = dataset_of(system.tokens, data::take(texts, parts.held_out));
  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  const SavedModel<SavedMasked> saved(std::move(system), rng);
  SavedMasked::Model& model = *saved.model;
  std::cout << fmt::format("{} training, {} validation and {} test texts; {} different tokens\n\n{}\n", train.size(),
                           validation.size(), test.size(), saved.system.options.tokens, model.summary());

  train::Trainer trainer(model, optim::AdamW{.lr = options.lr, .beta2 = 0.98, .weight_decay = options.weight_decay},
                         nn::cross_entropy, {train::accuracy()});
  train::FitOptions fit = fit_options(options, {.clip_norm = 1});
  fit.schedule = warm_up_and_cosine(options);
  const auto batches = [&](const data::SampleDataset& set) {
    const auto rows = data::all_rows(set.size());
    return data::DataLoader(
        set, {.batch_size = options.batch_size,
              .sampler = data::sampler::by_length(rows, lengths_of(set), options.batch_size, options.seed),
              .transform = data::augment::mask_tokens(options.seed, {.share = options.share,
                                                                     .mask = saved.system.tokens.mask(),
                                                                     .tokens = saved.system.tokens.pairs.size()})});
  };
  data::DataLoader train_batches = batches(train), validation_batches = batches(validation),
                   test_batches = batches(test);
  const train::History history =
      run_training(trainer, train_batches, validation.size() == 0 ? nullptr : &validation_batches, options, fit);

  const train::Scores scores = trainer.evaluate(test_batches);
  const double guessed = most_frequent(train_batches, test_batches);
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    saved.save(to);
    save_history(to, history);
    data::Batch batch;
    test_batches.start(0);
    test_batches.next(batch);
    for (std::size_t i = 0; const char* name : {"tokens", "lengths", "places"}) batch.inputs[i++].set_name(name);
    batch.targets.set_name("hidden tokens");
    save_graph(to, nn::cross_entropy(model.forward(batch.inputs[0], batch.inputs[1], batch.inputs[2]), batch.targets),
               "Masked language model");
    train::Report report = report_of("Masked language model: " + options.source, options, model, history);
    report.facts.insert(report.facts.begin(), {{"hidden tokens told", fmt::format("{:.4f}", scores["accuracy"])},
                                               {"... by the most frequent one", fmt::format("{:.4f}", guessed)}});
    save_report(to, std::move(report));
  });
  std::cout << fmt::format("the most frequent token {:.4f}, nats a hidden token {:.4f}\ntest accuracy {:.4f}\n",
                           guessed, scores.loss, scores["accuracy"]);
  return end_training(history, options);
}

void add_train_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  options->epochs = 10;
  options->batch_size = 64;
  options->lr = 2e-3;
  options->weight_decay = 0.01;
  CLI::App* command =
      train.add_subcommand("masked", "A masked language model of texts without labels, for train text --init");
  command
      ->add_option("data", options->source,
                   "wordnet: (all definitions of Debian's wordnet-base), or a text file, a text a line")
      ->capture_default_str();
  command->add_option("--held-out", options->held_out, "Share of the texts to test on")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 0.9));
  command->add_option("--validation-split", options->validation, "Share of the others that only measures")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  command->add_option("--masked", options->share, "Share of a text's tokens that are to be told")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 0.9));
  command->add_option("--tokens", options->pairs, "Different tokens: 257, the bytes alone, or more, with byte pairs")
      ->capture_default_str()
      ->check(CLI::Range(data::BytePairs::kEnd + 1, 65536));
  command->add_option("--longest", options->tokens.longest, "Tokens of a text that count")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  for (const char* name : {"width", "layers", "heads", "dropout"}) add_setting(*command, options->model, name);
  add_training_options(*command, *options);
  command->footer(
      "Of the tokens to be told, eight in ten are hidden, one becomes another, and one stays.\n"
      "Writes into --out: model.safetensors, tokens.txt, config.json, metrics.jsonl, report.html, curves.svg and the "
      "graph\nas model.mmd, .dot, .json and .svg. Ctrl-C finishes the step, saves, and exits with status 130; --resume "
      "goes on\nfrom there.\n"
      "Examples:\n"
      "  tapegrad train masked wordnet: --threads 2 --out out/glosses\n"
      "  tapegrad train text wordnet: --init out/glosses --labels 0.01 --out out/classifier");
  command->callback([options, &status] { status = train_masked(*options); });
}

}  // namespace

extern const System masked_language_model{
    .kind = SavedMasked::kKind, .add_train_commands = add_train_command, .command = "train text --init"};

}  // namespace tapegrad::tools
