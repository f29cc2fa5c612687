// tapegrad train generate: new images like those of a set, by a variational autoencoder.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/loader.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/io/picture.hpp>
#include <tapegrad/nn/models/image_vae.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "../generation.hpp"
#include "../model_options.hpp"
#include "../saved_model.hpp"
#include "../systems.hpp"
#include "../training.hpp"
#include "picture_sets.hpp"

namespace tapegrad::tools {
namespace {

namespace fs = std::filesystem;

/// What a folder holds: config.json and model.safetensors.
struct SavedGenerator {
  using Model = nn::models::ImageVae;
  static constexpr std::string_view kKind = "image generator";
  static constexpr int kVersion = 1;

  nn::models::ImageVaeOptions options;

  static constexpr auto fields() { return std::tuple{part(&SavedGenerator::options)}; }

  std::unique_ptr<Model> make(Rng& rng) const {
    if (options.colours == 2) throw ValueError("\"colours\" is 2; expected 1 or 3");
    nn::models::ImageVaeOptions all = options;
    all.rng = &rng;
    return std::make_unique<Model>(all);
  }
  void read_files(const fs::path&) {}
  void write_files(const OutputFolder&) const {}
};

struct Options : TrainingOptions {
  PictureSource source;
  nn::models::ImageVaeOptions model;
  double validation = 0.05;
  std::int64_t limit = 0;
};

constexpr std::int64_t kAcross = 10;  // images in a row of a grid

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

/// Steps from each code to the code of the same row in `to`, both [N, latent]: images of N rows of a grid.
Tensor between(const SavedGenerator::Model& model, const Tensor& from, const Tensor& to) {
  const Tensor share = reshape(linspace(0, 1, kAcross), {1, kAcross, 1});
  return model.decode(flatten(lerp(unsqueeze(from, 1), unsqueeze(to, 1), share), 0, 1));
}

/// The mean costs, in nats an image: of pixels and codes.
struct Bound {
  double pixels = 0, codes = 0;
  double total() const { return pixels + codes; }
};
Bound bound_of(const Tensor& costs) {
  const std::vector<double> parts = mean(cast(costs, f64), {0}).values();
  return {parts[0], parts[1]};
}

/// What the images cost where each pixel has a mean of its own, that of the training, and nothing else is known.
double cost_of_separate_pixels(const data::ImageDataset& train, const data::ImageDataset& test) {
  const auto mean_of = [](const data::ImageDataset& set) {
    Tensor total = zeros({set.channels(), set.height(), set.width()}, f64);
    constexpr std::int64_t kChunk = 4096;
    for (std::int64_t i = 0; i < set.size(); i += kChunk)
      total = total + sum(cast(slice(set.images(), 0, i, std::min(set.size(), i + kChunk)), f64), {0});
    return total / (255.0 * static_cast<double>(set.size()));
  };
  // One image of each brightness more, so that no pixel is impossible.
  const auto count = static_cast<double>(train.size());
  const Tensor known = (mean_of(train) * count + 1) / (count + 2);
  return binary_cross_entropy(known, mean_of(test), {.reduction = Reduce::sum}).item();
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

  SavedGenerator system{options.model};
  system.options.height = train.height();
  system.options.width = train.width();
  system.options.colours = train.channels();
  seed(options.seed);  // of the codes
  Rng rng(options.seed);
  const SavedModel<SavedGenerator> saved(std::move(system), rng);
  SavedGenerator::Model& model = *saved.model;
  std::cout << fmt::format("{} training, {} validation and {} test images of {} × {}\n\n{}\n", train.size(),
                           validation.size(), test.size(), train.height(), train.width(), model.summary());

  train::Trainer trainer(model, optim::AdamW{.lr = options.lr, .weight_decay = options.weight_decay},
                         SavedGenerator::Model::loss, {});
  train::FitOptions fit = fit_options(options);
  const auto length = static_cast<double>(options.epochs);
  fit.schedule = optim::schedule::warm_up(std::min(0.5, length / 2), optim::schedule::cosine(length, 0.01), 0.1);
  const bool validates = validation.size() > 0;
  if (!validates) fit.early_stopping.reset();
  const train::History history = run_training(trainer, train, validates ? &validation : nullptr, options, fit);

  const Bound bound = bound_of(trainer.predict(test));
  const double separate = cost_of_separate_pixels(train, test);
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    const NoGrad no_grad;
    saved.save(to);
    save_history(to, history);
    Rng draws(options.seed);
    io::save_png(to.path("samples.png"), grid(model.decode(randn({100, options.model.latent}, f32, draws))), 2);
    const std::int64_t rows = std::min<std::int64_t>(10, test.size() / 2);
    if (rows > 0) {
      const Tensor codes = model.encode(test.batch(data::all_rows(2 * rows)).inputs[0]).mean;
      io::save_png(to.path("interpolations.png"),
                   grid(between(model, slice(codes, 0, 0, rows), slice(codes, 0, rows, 2 * rows))), 2);
    }
    data::Batch batch = train.batch(data::all_rows(std::min<std::int64_t>(train.size(), 4)));
    batch.inputs[0].set_name("images");
    const GradMode recording(true);
    save_graph(to, SavedGenerator::Model::loss(model.forward(batch.inputs[0]), batch.targets), "Image generator");
    train::Report report = report_of("Image generator: " + options.source.folder, options, model, history);
    report.facts.insert(report.facts.begin(), {{"test bound, nats", fmt::format("{:.2f}", bound.total())},
                                               {"… of pixels", fmt::format("{:.2f}", bound.pixels)},
                                               {"… of codes", fmt::format("{:.2f}", bound.codes)},
                                               {"separate pixels, nats", fmt::format("{:.2f}", separate)}});
    save_report(to, std::move(report));
  });
  std::cout << fmt::format("nats an image: pixels {:.2f}, codes {:.2f}; separate pixels would cost {:.2f}\n",
                           bound.pixels, bound.codes, separate)
            << fmt::format("test bound in nats {:.2f}\n", bound.total());
  return end_training(history, options);
}

void add_train_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  options->epochs = 12;
  options->batch_size = 64;
  options->lr = 1e-3;
  CLI::App* command = train.add_subcommand("generate", "A generator of pictures like yours, or Debian's Fashion-MNIST");
  add_picture_options(*command, options->source);
  for (const char* name : {"channels", "hidden", "latent"}) add_setting(*command, options->model, name);
  command->add_option("--validation-split", options->validation, "Share of the training images that only measures")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  command->add_option("--limit", options->limit, "Train on so many images only; 0: all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  add_training_options(*command, *options);
  command->footer(
      "A variational autoencoder; the classes are not looked at. The loss is the bound on -ln p of an image whose "
      "pixels\nare drawn bright or dark, by how bright they are.\n"
      "Writes into --out: model.safetensors, config.json, metrics.jsonl, curves.svg, report.html, the graph as "
      "model.mmd,\n"
      ".dot, .json and .svg, samples.png, and interpolations.png: rows from one test image to another. Ctrl-C finishes "
      "the\nstep, saves, and exits with status 130; --resume goes on from there.\n"
      "Examples:\n"
      "  tapegrad train generate --threads 2 --out out/vae\n"
      "  tapegrad train generate pictures --size 32 32 --latent 32 --out out/mine\n"
      "  tapegrad generate --model out/vae --count 50 --picture samples.png");
  command->callback([options, &status] { status = train_generator(*options); });
}

void generate_images(const GenerateOptions& options) {
  if (!options.only_texts.empty())
    throw ValueError(fmt::format("generate: {} is for texts; {} makes pictures", options.only_texts, options.model));
  if (options.picture.empty()) throw ValueError("generate: name the PNG file to write, with --picture");
  const auto saved = SavedModel<SavedGenerator>::load(options.model, options.load);
  const NoGrad no_grad;
  Rng rng(options.seed);
  const std::int64_t count = options.count.value_or(options.interpolate ? 10 : 100);
  const auto codes = [&] { return randn({count, saved.system.options.latent}, f32, rng); };
  const Tensor first = codes();
  io::save_png(options.picture,
               grid(options.interpolate ? between(*saved.model, first, codes()) : saved.model->decode(first)), 2);
  std::cout << fmt::format("{} {}: {}\n", count, options.interpolate ? "rows from one image to another" : "images",
                           options.picture);
}

}  // namespace

extern const System image_generator{
    .kind = SavedGenerator::kKind, .add_train_commands = add_train_command, .generate = generate_images};

}  // namespace tapegrad::tools
