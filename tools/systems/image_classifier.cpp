// tapegrad train images: the class of a picture, by a multi-layer perceptron or a convolutional network.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/images.hpp>
#include <tapegrad/data/loader.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/io/picture.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/models/image_classifier.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "../class_report.hpp"
#include "../export.hpp"
#include "../model_options.hpp"
#include "../prediction.hpp"
#include "../systems.hpp"
#include "../training.hpp"
#include "picture_sets.hpp"
#include "saved_image_classifier.hpp"

namespace tapegrad::tools {
namespace {

namespace fs = std::filesystem;

using nn::models::ImageClassifierKind;

struct Options : TrainingOptions {
  PictureSource source;
  nn::models::ImageClassifierOptions model;
  double validation = 0.05, smoothing = 0;
  std::int64_t limit = 0;
  bool augment = true;
};

ClassReport test_report(train::Trainer& trainer, const data::ImageDataset& test,
                        const std::vector<std::string>& classes) {
  const Tensor best = argmax(trainer.predict(test), 1);
  std::vector<std::int32_t> labels;
  for (const double label : test.labels().values()) labels.push_back(static_cast<std::int32_t>(label));
  return class_report(best.data<std::int64_t>(), labels, classes);
}

int train_images(const Options& options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);

  const Pictures pictures = read_pictures(options.source, options.seed);
  if (pictures.classes.size() < 2)
    throw ValueError(fmt::format("{}: all pictures are of one class; two are needed", options.source.folder));
  const data::ImageDataset& all = pictures.train;
  data::Split parts = data::split(all.size(), options.validation, options.seed);
  if (options.limit > 0 && options.limit < std::ssize(parts.kept))
    parts.kept.resize(static_cast<std::size_t>(options.limit));
  SavedImages system{pictures.classes, options.model, data::fit_scaling(all.images(), parts.kept),
                     !options.source.size.empty()};
  const data::ImageDataset train = take(all, parts.kept, system.scaling),
                           validation = take(all, parts.held_out, system.scaling),
                           test = take(pictures.test, data::all_rows(pictures.test.size()), system.scaling);

  system.options.height = train.height();
  system.options.width = train.width();
  system.options.colours = train.channels();
  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  const SavedModel<SavedImages> saved(std::move(system), rng);
  SavedImages::Model& model = *saved.model;
  std::cout << fmt::format("{} training, {} validation and {} test images of {} × {}\n\n{}\n", train.size(),
                           validation.size(), test.size(), train.height(), train.width(), model.summary());

  const optim::AdamW rule{.lr = options.lr, .weight_decay = options.weight_decay};
  const double smoothing = options.smoothing;
  const auto loss = [smoothing](const Tensor& logits, const Tensor& targets) {
    return tapegrad::cross_entropy(logits, targets, {.label_smoothing = smoothing});
  };
  train::Trainer trainer(model, rule, loss);
  train::FitOptions fit = fit_options(options);
  fit.schedule = warm_up_and_cosine(options);
  data::LoaderOptions loading{.batch_size = options.batch_size, .seed = options.seed};
  // A cnn does not mind where things are; an mlp has to learn each place by itself, and gets worse by shifts.
  if (options.augment && options.model.kind == ImageClassifierKind::cnn)
    loading.transform =
        data::augment::sequence({data::augment::flip(options.seed), data::augment::shift(options.seed + 1, 2)});
  data::DataLoader train_batches(train, loading);
  data::DataLoader validation_batches(validation, {.batch_size = 256, .shuffle = false});
  const bool validates = validation.size() > 0;
  const train::History history =
      run_training(trainer, train_batches, validates ? &validation_batches : nullptr, options, fit);

  const ClassReport report = test_report(trainer, test, pictures.classes);
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    saved.save(to);
    save_history(to, history);
    data::Batch batch = train.batch(data::all_rows(std::min<std::int64_t>(train.size(), 4)));
    batch.inputs[0].set_name("images");
    batch.targets.set_name("classes");
    model.eval();
    save_graph(to, nn::cross_entropy(model.forward(batch.inputs[0]), batch.targets), "Image classifier");
    save_report(to, report_of("Image classifier: " + options.source.folder, options, model, history, &report));
  });
  std::cout << to_text(report) << fmt::format("test accuracy {:.4f}\n", report.accuracy);
  return end_training(history, options);
}

void add_train_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  options->epochs = 12;
  options->batch_size = 64;
  options->lr = 2e-3;
  options->weight_decay = 0.02;
  CLI::App* command = train.add_subcommand("images", "A classifier of pictures: yours, or Debian's Fashion-MNIST");
  add_picture_options(*command, options->source);
  for (const char* name : {"model", "hidden", "channels", "dropout"}) add_setting(*command, options->model, name);
  command->add_option("--label-smoothing", options->smoothing)->capture_default_str()->check(CLI::Range(0.0, 0.99));
  command->add_option("--validation-split", options->validation, "Share of the training images that only measures")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  command->add_option("--limit", options->limit, "Train on so many images only; 0: all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_flag("!--no-augment", options->augment,
                    "Leave images as they are: no flips, no shifts. An mlp never gets any");
  add_training_options(*command, *options);
  command->footer(
      "Writes into --out: model.safetensors, config.json, metrics.jsonl, curves.svg, report.html and the graph as\n"
      "model.mmd, .dot, .json and .svg. Ctrl-C finishes the step, saves, and exits with status 130; --resume goes on "
      "from there.\n"
      "Examples:\n"
      "  tapegrad train images --model cnn --threads 2 --out out/cnn\n"
      "  tapegrad train images pictures --size 32 32 --model cnn --epochs 30 --out out/mine\n"
      "  tapegrad train images path/to/mnist --model cnn --no-augment --epochs 3");
  command->callback([options, &status] { status = train_images(*options); });
  // What it was called.
  train.add_subcommand("fashion-mnist")->group("")->prefix_command()->callback([] {
    throw ValueError(
        "train fashion-mnist is train images now, with the same options: tapegrad train images --model cnn");
  });
}

/// By its first byte, or that of gzip.
bool is_idx(const std::string& path) {
  const InputFile file(path);
  const std::string first = file.size() > 0 ? file.read(1, 0) : "";
  return first == std::string(1, '\0') || first == "\x1f";
}

/// u8 [1, C, height, width], as the model takes it, of a picture or of one image of an IDX file.
Tensor read_image(const std::string& path, std::int64_t row, const SavedImages& system) {
  const nn::models::ImageClassifierOptions& wanted = system.options;
  Tensor picture;
  if (is_idx(path)) {
    const Tensor all = data::read_idx(path);
    if (all.rank() != 3 || all.dtype() != u8)
      throw IoError(path + ": holds " + describe(all) + "; images are u8 [N, height, width]");
    if (row >= all.size(0))
      throw IndexError(fmt::format("{}: has no row {}; it has {} images", path, row, all.size(0)));
    picture = unsqueeze(squeeze(slice(all, 0, row, row + 1), 0), 2);
  } else {
    picture = data::read_picture(path);
  }
  if (system.resizes) picture = data::resize_picture(picture, wanted.height, wanted.width);
  if (picture.size(0) != wanted.height || picture.size(1) != wanted.width)
    throw ShapeError(fmt::format("{}: an image of {} × {}; the model takes {} × {}", path, picture.size(0),
                                 picture.size(1), wanted.height, wanted.width));
  try {
    picture = data::with_channels(picture, wanted.colours);
  } catch (const ValueError& error) {
    throw ValueError(fmt::format("{}: {}", path, error.what()));
  }
  return unsqueeze(permute(picture, {2, 0, 1}), 0).contiguous();
}

/// The image in grey, and beside it with what mattered on top.
void save_picture(const std::string& path, const Tensor& image, const Tensor& attribution) {
  const std::int64_t height = image.size(-2), width = image.size(-1);
  const Tensor plain = io::heat_map(image, zeros(image.shape())), gap = full({height, 1, 3}, 255, u8);
  const Tensor both = concat({plain, gap, io::heat_map(image, attribution)}, 1);
  io::save_png(path, both, std::max<std::int64_t>(1, 320 / std::max(height, width)));
}

void classify_image(const SavedModel<SavedImages>& saved, const std::string& path, const PredictOptions& options) {
  const auto& [classes, sizes, scaling, resizes] = saved.system;
  const Tensor bytes = read_image(path, options.row, saved.system);
  const data::ImageDataset images(bytes, zeros({1}, i64), std::ssize(classes), scaling);
  const Tensor image = images.batch(std::vector<std::int64_t>{0}).inputs[0];
  const Tensor black = full({1}, -scaling.mean / scaling.deviation);
  const Classifier model = [&](const Tensor& x) { return saved.model->forward(x); };
  const Classes found = classify(model, image, classes);
  if (!options.picture.empty()) {
    constexpr std::int64_t kSteps = 64;
    save_picture(options.picture, bytes[0], attribute(model, image, black, options.attribution, kSteps)[0]);
  }
  const std::string name = is_idx(path) ? fmt::format("{}[{}]", path, options.row) : path;
  if (options.json) {
    nlohmann::ordered_json json = to_json("image", name, found);
    if (!options.picture.empty())
      json.update({{"attribution", options.attribution_name()}, {"picture", options.picture}});
    print_line(json);
    return;
  }
  std::cout << printable(name) << '\n';
  print_classes(found, options.top);
  if (!options.picture.empty())
    std::cout << fmt::format("  pixels for {} in orange, against it in blue ({}): {}\n",
                             printable(found.front().second), options.attribution_name(), options.picture);
}

void predict_images(const PredictOptions& options) {
  if (options.inputs.empty()) throw ValueError("predict: give an image: a PNG, JPEG, PGM or IDX file");
  if (options.inputs.size() > 1 && !options.picture.empty())
    throw ValueError("predict: --picture is of one image; there are " + std::to_string(options.inputs.size()));
  const auto saved = SavedModel<SavedImages>::load(options.model, options.load);
  for (const std::string& path : options.inputs) classify_image(saved, path, options);
}

void export_images(const ExportOptions& options) {
  const auto saved = SavedModel<SavedImages>::load(options.model, options.load);
  const nn::models::ImageClassifierOptions& sizes = saved.system.options;
  // What each byte is to the model.
  const Tensor bytes = cast(arange(256), u8), label = zeros({1}, i64);
  const data::ImageDataset one(reshape(bytes, {1, 1, 16, 16}), label, 1, saved.system.scaling);
  const Tensor scaled = reshape(one.batch(std::vector<std::int64_t>{0}).inputs[0], {256});
  save_onnx(options, *saved.model, {{"batch"}},
            [&](const onnx::Sizes& size) {
              const Tensor pixels = zeros({size.at("batch"), sizes.colours, sizes.height, sizes.width}, u8);
              const Tensor images = take(scaled, cast(pixels, i64), 0);
              return onnx::Recording{{{"pixels", pixels}}, {{"logits", saved.model->forward(images)}}};
            },
            {{"classes", to_json_list(saved.system.classes)}});
}

}  // namespace

extern const System image_classifier{.kind = SavedImages::kKind,
                                     .add_train_commands = add_train_command,
                                     .predict = predict_images,
                                     .save_onnx = export_images};

}  // namespace tapegrad::tools
