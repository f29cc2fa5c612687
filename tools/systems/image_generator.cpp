// tapegrad train generator: new images like those of a set, by a variational autoencoder or a GAN.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/loader.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/io/picture.hpp>
#include <tapegrad/nn/models/image_generator.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "../export.hpp"
#include "../generation.hpp"
#include "../model_options.hpp"
#include "../saved_model.hpp"
#include "../systems.hpp"
#include "../training.hpp"
#include "picture_sets.hpp"
#include "sample_scores.hpp"

namespace tapegrad::tools {
namespace {

namespace fs = std::filesystem;

using nn::models::ImageGeneratorKind;

/// What a folder holds: config.json and model.safetensors.
struct SavedGenerator {
  using Model = nn::models::ImageGenerator;
  static constexpr std::string_view kKind = "image generator";
  static constexpr int kVersion = 1;

  nn::models::ImageGeneratorOptions options;

  static constexpr auto fields() { return std::tuple{part(&SavedGenerator::options)}; }

  std::unique_ptr<Model> make(Rng& rng) const {
    if (options.colours == 2) throw ValueError("\"colours\" is 2; expected 1 or 3");
    nn::models::ImageGeneratorOptions all = options;
    all.rng = &rng;
    return Model::make(all);
  }
  void read_files(const fs::path&) {}
  void write_files(const OutputFolder&) const {}
};

struct Options : TrainingOptions {
  PictureSource source;
  nn::models::ImageGeneratorOptions model;
  double validation = 0.05;
  std::int64_t limit = 0;
  std::string classifier;
};

constexpr std::int64_t kAcross = 10;    // images in a row of a grid
constexpr std::int64_t kScored = 1000;  // samples that are measured
constexpr double kVaeRate = 1e-3, kGanRate = 2e-4, kCriticRate = 4, kAverage = 0.999;

/// Images [N, C, H, W] in [0, 1], row after row, as pixels; what is missing of the last row is white.
Tensor grid(const Tensor& images) {
  const std::int64_t count = images.size(0), across = std::min(kAcross, count), down = (count + across - 1) / across,
                     channels = images.size(1), height = images.size(2), width = images.size(3);
  const Tensor white = ones({down * across - count, channels, height, width});
  const Tensor places = reshape(concat({images, white}), {down, across, channels, height, width});
  const Tensor pixels = permute(places, {0, 3, 1, 4, 2}).contiguous();
  const Shape shape =
      channels == 1 ? Shape{down * height, across * width} : Shape{down * height, across * width, channels};
  return cast(round(255 * reshape(pixels, shape)), u8);
}

void save_grid(const std::string& path, const Tensor& images) { io::save_png(path, grid(images), 2); }

/// N rows of a grid, each from the latent variables in `from` to those in `to`, both [N, latent].
Tensor interpolations(const SavedGenerator::Model& model, const Tensor& from, const Tensor& to) {
  const Tensor share = reshape(linspace(0, 1, kAcross), {1, kAcross, 1});
  return model.decode(flatten(lerp(unsqueeze(from, 1), unsqueeze(to, 1), share), 0, 1));
}

/// Nats of an image whose pixels are independent, each with its mean over the training images.
double nats_of_pixel_means(const data::ImageDataset& train, const data::ImageDataset& test) {
  const auto mean_of = [](const data::ImageDataset& set) {
    Tensor total = zeros({set.channels(), set.height(), set.width()}, f64);
    constexpr std::int64_t kChunk = 4096;
    for (std::int64_t i = 0; i < set.size(); i += kChunk)
      total = total + sum(cast(slice(set.images(), 0, i, std::min(set.size(), i + kChunk)), f64), {0});
    return total / (255.0 * static_cast<double>(set.size()));
  };
  // One black and one white image more, so that no pixel is impossible.
  const auto count = static_cast<double>(train.size());
  const Tensor known = (mean_of(train) * count + 1) / (count + 2);
  return binary_cross_entropy(known, mean_of(test), {.reduction = Reduce::sum}).item();
}

using Facts = std::vector<std::pair<std::string, std::string>>;

/// What the test images say; the last one is the figure of the system.
Facts test_facts(train::Trainer& trainer, const SavedGenerator::Model& model, const data::ImageDataset& train,
                 const data::ImageDataset& test, const SavedModel<SavedImages>* classifier, const Options& options) {
  const std::vector<double> terms = mean(cast(trainer.predict(test), f64), {0}).values();
  const auto number = [](double x) { return fmt::format("{:.4f}", x); };
  Facts facts;
  if (options.model.kind == ImageGeneratorKind::vae)
    facts = {{"reconstruction, nats", number(terms[0])},
             {"divergence from the prior, nats", number(terms[1])},
             {"pixels by their means alone, nats", number(nats_of_pixel_means(train, test))},
             {"negative ELBO, nats", number(terms[0] + terms[1])}};
  else
    facts = {{"distance by the critic", number(-terms[0])}};
  if (!classifier) return facts;
  const NoGrad no_grad;
  Rng rng(options.seed);
  const SampleScores scores = score_samples(model.sample(kScored, rng), train, test, *classifier);
  facts.insert(facts.end(), {{"distance to the nearest training image", number(scores.nearest)},
                             {"the same of test images", number(scores.nearest_held_out)},
                             {"diversity within a class, 1 as training images", number(scores.diversity)},
                             {"share in the rarest class", number(scores.rarest)},
                             {"share classified with confidence of 0.9", number(scores.confident)}});
  return facts;
}

/// The rules of both: the critic learns faster, so that what it tells the decoder is true.
optim::Optimizer optimizer_of(const SavedGenerator::Model& model, const Options& options) {
  if (options.model.kind == ImageGeneratorKind::vae)
    return {model, optim::AdamW{.lr = options.lr, .weight_decay = options.weight_decay}};
  NamedTensors critic, decoder;
  for (const NamedTensor& parameter : model.named_parameters())
    (parameter.name.starts_with("critic.") ? critic : decoder).push_back(parameter);
  optim::AdamW rule{.lr = options.lr, .beta1 = 0, .beta2 = 0.9, .weight_decay = options.weight_decay};
  optim::Optimizer optimizer(std::move(decoder), rule);
  rule.lr *= kCriticRate;
  optimizer.add(std::move(critic), rule);
  return optimizer;
}

int train_generator(const Options& options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);
  const Pictures pictures = read_pictures(options.source, options.seed);
  data::Split parts = data::split(pictures.train.size(), options.validation, options.seed);
  if (options.limit > 0 && options.limit < std::ssize(parts.kept))
    parts.kept.resize(static_cast<std::size_t>(options.limit));
  const data::ImageDataset train = take(pictures.train, parts.kept, {}),
                           validation = take(pictures.train, parts.held_out, {});
  const data::ImageDataset& test = pictures.test;

  std::optional<SavedModel<SavedImages>> classifier;
  if (!options.classifier.empty()) classifier.emplace(load_classifier(options.classifier, train));

  SavedGenerator system{options.model};
  system.options.height = train.height();
  system.options.width = train.width();
  system.options.colours = train.channels();
  seed(options.seed);  // of latent variables
  Rng rng(options.seed);
  const SavedModel<SavedGenerator> saved(std::move(system), rng);
  SavedGenerator::Model& model = *saved.model;
  std::cout << fmt::format("{} training, {} validation and {} test images of {} × {}\n\n{}\n", train.size(),
                           validation.size(), test.size(), train.height(), train.width(), model.summary());

  train::Trainer trainer(model, [&model](std::span<const Tensor> inputs) { return model.forward(inputs[0]); },
                         optimizer_of(model, options), SavedGenerator::Model::loss, {});
  train::FitOptions fit = fit_options(options);
  fit.schedule = warm_up_and_cosine(options);
  if (options.model.kind == ImageGeneratorKind::gan) fit.average = kAverage;
  const train::History history =
      run_training(trainer, train, validation.size() > 0 ? &validation : nullptr, options, fit);

  const Facts facts = test_facts(trainer, model, train, test, classifier ? &*classifier : nullptr, options);
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    const NoGrad no_grad;
    saved.save(to);
    save_history(to, history);
    Rng draws(options.seed);
    const auto latents = [&](std::int64_t count) { return randn({count, options.model.latent}, f32, draws); };
    save_grid(to.path("samples.png"), model.decode(latents(kAcross * kAcross)));
    save_grid(to.path("interpolations.png"), interpolations(model, latents(kAcross), latents(kAcross)));
    data::Batch batch = train.batch(data::all_rows(std::min<std::int64_t>(train.size(), 4)));
    batch.inputs[0].set_name("images");
    const GradMode recording(true);
    model.eval();
    save_graph(to, SavedGenerator::Model::loss(model.forward(batch.inputs[0]), batch.targets), "Image generator");
    train::Report report = report_of("Image generator: " + options.source.folder, options, model, history);
    report.facts.insert(report.facts.begin(), facts.begin(), facts.end());
    save_report(to, std::move(report));
  });
  for (const auto& [name, value] : facts) std::cout << fmt::format("test {} {}\n", name, value);
  return end_training(history, options);
}

void add_train_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  options->epochs = 12;
  options->batch_size = 64;
  CLI::App* command =
      train.add_subcommand("generator", "A generator of pictures like yours, or Debian's Fashion-MNIST");
  add_picture_options(*command, options->source);
  for (const char* name : {"model", "channels", "hidden", "latent"}) add_setting(*command, options->model, name);
  command->add_option("--classifier", options->classifier,
                      "Folder of tapegrad train images on the same set: measures the samples by it");
  command->add_option("--validation-split", options->validation, "Share of the training images that only measures")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  command->add_option("--limit", options->limit, "Train on so many images only; 0: all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  add_training_options(*command, *options);
  command->footer(
      "vae: a variational autoencoder; the loss is the negative ELBO. gan: a Wasserstein GAN with gradient penalty.\n"
      "Classes are not used.\n"
      "Writes into --out: model.safetensors, config.json, metrics.jsonl, curves.svg, report.html, the graph as "
      "model.mmd,\n"
      ".dot, .json and .svg, samples.png and interpolations.png. Ctrl-C finishes the step, saves, and exits with "
      "status\n"
      "130; --resume goes on from there.\n"
      "Examples:\n"
      "  tapegrad train generator --threads 2 --out out/vae\n"
      "  tapegrad train generator --model gan --epochs 40 --threads 2 --out out/gan\n"
      "  tapegrad train generator pictures --size 32 32 --latent 32 --out out/mine\n"
      "  tapegrad generate --model out/vae --count 50 --picture samples.png");
  command->callback([options, command, &status] {
    if (command->count("--lr") == 0) options->lr = options->model.kind == ImageGeneratorKind::vae ? kVaeRate : kGanRate;
    status = train_generator(*options);
  });
}

void generate_images(const GenerateOptions& options) {
  if (!options.only_texts.empty())
    throw ValueError(fmt::format("generate: {} is for texts; {} makes pictures", options.only_texts, options.model));
  if (options.picture.empty()) throw ValueError("generate: name the PNG file to write, with --picture");
  const auto saved = SavedModel<SavedGenerator>::load(options.model, options.load);
  const NoGrad no_grad;
  Rng rng(options.seed);
  const std::int64_t count = options.count.value_or(options.interpolate ? 10 : 100);
  const auto latents = [&] { return randn({count, saved.system.options.latent}, f32, rng); };
  const Tensor first = latents();
  save_grid(options.picture,
            options.interpolate ? interpolations(*saved.model, first, latents()) : saved.model->decode(first));
  std::cout << fmt::format("{} {}: {}\n", count, options.interpolate ? "rows from one image to another" : "images",
                           options.picture);
}

void export_generator(const ExportOptions& options) {
  const auto saved = SavedModel<SavedGenerator>::load(options.model, options.load);
  save_onnx(options, *saved.model, {{"batch"}}, [&](const onnx::Sizes& size) {
    const Tensor latents = zeros({size.at("batch"), saved.system.options.latent});
    return onnx::Recording{{{"latents", latents}}, {{"images", saved.model->decode(latents)}}};
  });
}

}  // namespace

extern const System image_generator{.kind = SavedGenerator::kKind,
                                    .add_train_commands = add_train_command,
                                    .command = "generate",
                                    .generate = generate_images,
                                    .save_onnx = export_generator};

}  // namespace tapegrad::tools
