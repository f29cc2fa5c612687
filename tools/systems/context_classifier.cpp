#include "context_classifier.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/ops/reduce.hpp>

#include "../prediction.hpp"
#include "../systems.hpp"
#include "../terminal.hpp"
#include "saved_masked_language_model.hpp"

namespace tapegrad::tools {
namespace {

/// What a folder holds: config.json, tokens.txt and model.safetensors.
struct SavedContext {
  using Model = nn::models::ContextClassifier;
  static constexpr std::string_view kKind = "context classifier";
  static constexpr int kVersion = 1;

  std::vector<std::string> classes;
  nn::models::ContextEncoderOptions options;
  TextTokens tokens;

  static constexpr auto fields() {
    return std::tuple{Setting{"classes", &SavedContext::classes}, part(&SavedContext::options),
                      part(&SavedContext::tokens, Setting{"longest", &TextTokens::longest})};
  }

  std::unique_ptr<Model> make(Rng& rng) const {
    nn::models::ContextEncoderOptions all = options;
    all.rng = &rng;
    return std::make_unique<Model>(all, std::ssize(classes));
  }
  void read_files(const std::filesystem::path& folder) { tokens.pairs = read_token_file(folder, options.tokens - 1); }
  void write_files(const OutputFolder& to) const { write_token_file(to, tokens.pairs); }
};

/// Layers below the output that a parameter is.
int depth_of(const std::string& name, std::int64_t layers) {
  constexpr std::string_view kLayers = "encoder.blocks.layers.", kVectors = "encoder.embedding.";
  if (name.starts_with(kVectors)) return static_cast<int>(layers) + 1;
  return name.starts_with(kLayers) ? static_cast<int>(layers) - std::stoi(name.substr(kLayers.size())) : 0;
}

/// Each layer with a rate of its own (Howard and Ruder 2018).
optim::Optimizer optimizer_of(SavedContext::Model& model, const ContextOptions& context,
                              const TrainingOptions& options) {
  const auto layers = std::ssize(model.encoder.blocks.layers);
  std::map<int, NamedTensors> groups;
  for (const NamedTensor& parameter : model.named_parameters()) {
    if (context.frozen && parameter.name.starts_with("encoder.")) continue;
    groups[depth_of(parameter.name, layers)].push_back(parameter);
  }
  optim::Optimizer optimizer;
  for (auto& [depth, parameters] : groups)
    optimizer.add(std::move(parameters), optim::AdamW{.lr = options.lr * std::pow(context.layer_rate, depth),
                                                      .weight_decay = options.weight_decay});
  return optimizer;
}

}  // namespace

int train_context_classifier(const ContextOptions& context, const TrainingOptions& options, const TextSource& source) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);
  const auto learned = SavedModel<SavedMasked>::load(context.init, {});
  const TextParts parts = read_text_parts(source, options.seed);
  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  const SavedModel<SavedContext> saved({parts.train.class_names, learned.system.options, learned.system.tokens}, rng);
  SavedContext::Model& model = *saved.model;
  if (!context.untrained) model.encoder.load_state(learned.model->encoder.state());
  if (context.frozen) model.freeze("encoder.*");
  const auto dataset = [&](const data::LabelledTexts& part) {
    return dataset_of(saved.system.tokens, part.texts, part.labels);
  };
  const data::SampleDataset train = dataset(parts.train), validation = dataset(parts.validation),
                            test = dataset(parts.test);
  std::cout << fmt::format("{} training, {} validation and {} test texts of {} classes\n\n{}\n", train.size(),
                           validation.size(), test.size(), saved.system.classes.size(), model.summary());

  train::Trainer trainer(model, [&](std::span<const Tensor> in) { return model.forward(in[0], in[1]); },
                         optimizer_of(model, context, options), nn::cross_entropy, {train::accuracy()});
  train::FitOptions fit = fit_options(options, {.clip_norm = 1});
  fit.schedule = warm_up_and_cosine(options);
  const auto batches = [&](const data::SampleDataset& set) {
    return data::DataLoader(set, {.batch_size = options.batch_size,
                                  .sampler = data::sampler::by_length(data::all_rows(set.size()), lengths_of(set),
                                                                      options.batch_size, options.seed)});
  };
  data::DataLoader train_batches = batches(train), validation_batches = batches(validation);
  const train::History history =
      run_training(trainer, train_batches, validation.size() == 0 ? nullptr : &validation_batches, options, fit);

  std::optional<ClassReport> report;
  if (test.size() > 0)
    report =
        class_report(argmax(trainer.predict(test), 1).data<std::int64_t>(), parts.test.labels, saved.system.classes);
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    saved.save(to);
    save_history(to, history);
    data::Batch batch = train.batch(data::all_rows(std::min<std::int64_t>(train.size(), 2)));
    batch.inputs[0].set_name("tokens");
    batch.inputs[1].set_name("lengths");
    batch.targets.set_name("classes");
    save_graph(to, nn::cross_entropy(model.forward(batch.inputs[0], batch.inputs[1]), batch.targets),
               "Context classifier");
    train::Report page =
        report_of("Context classifier", source.source, options, model, history, report ? &*report : nullptr);
    page.facts.emplace_back("goes on from", context.untrained ? "nothing" : context.init);
    page.facts.emplace_back("learned", context.frozen ? "the last layer" : "all layers");
    page.facts.emplace_back("rate of a layer over that above", fmt::format("{:g}", context.layer_rate));
    save_report(to, std::move(page));
  });
  if (report) {
    std::cout << to_text(*report);
    print_bold(fmt::format("test accuracy {:.4f}", report->accuracy));
  } else
    std::cout << "no test accuracy: no texts were held out\n";
  return end_training(history, options);
}

namespace {

void classify_text(const SavedModel<SavedContext>& saved, const std::string& text, const PredictOptions& options) {
  const data::Batch batch = dataset_of(saved.system.tokens, {text}).batch(data::all_rows(1));
  const Classes found = classify([&](const Tensor& ids) { return saved.model->forward(ids, batch.inputs[1]); },
                                 batch.inputs[0], saved.system.classes);
  if (options.json) return print_line(to_json("text", text, found));
  std::cout << fmt::format("\"{}\"\n", printable(text));
  print_classes(found, options.top);
}

void predict_texts(const PredictOptions& options) {
  if (!options.picture.empty()) throw ValueError("predict: --picture is for images; this is a model of texts");
  const auto saved = SavedModel<SavedContext>::load(options.model, options.load);
  for (const std::string& text : options.inputs) classify_text(saved, text, options);
  if (!options.inputs.empty()) return;
  std::string line;
  for (std::int64_t number = 1; next_line(line, number); ++number) classify_text(saved, line, options);
}

}  // namespace

extern const System context_classifier{
    .kind = SavedContext::kKind, .add_train_commands = nullptr, .predict = predict_texts};

}  // namespace tapegrad::tools
