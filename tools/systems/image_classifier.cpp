// tapegrad train fashion-mnist: small images in ten classes, by a multi-layer perceptron or a convolutional network.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/augment.hpp>
#include <tapegrad/data/idx.hpp>
#include <tapegrad/data/loader.hpp>
#include <tapegrad/data/rows.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>

#include "class_report.hpp"
#include "image_classifier.hpp"
#include "model_files.hpp"
#include "train_systems.hpp"
#include "training.hpp"

namespace tapegrad::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "/usr/share/datasets/fashion-mnist";
const std::vector<std::string> kClasses{"t-shirt", "trouser", "pullover", "dress", "coat",
                                        "sandal",  "shirt",   "sneaker",  "bag",   "ankle boot"};

struct Options : TrainingOptions {
  std::string folder = kFolder;
  ImageClassifierSizes sizes;
  double validation = 0.05, smoothing = 0;
  std::int64_t limit = 0;
  bool augment = true;
};

/// The file, packed or not.
fs::path find(const std::string& folder, const std::string& name) {
  for (const char* suffix : {".gz", ""})
    if (fs::path path = fs::path(folder) / (name + suffix); fs::exists(path)) return path;
  throw IoError((fs::path(folder) / name).string() + ".gz: is missing" +
                (folder == kFolder ? "; it comes with Debian's package dataset-fashion-mnist" : ""));
}

data::ImageDataset read(const std::string& folder, const std::string& part, data::ImageDataset::Scaling scaling) {
  return data::read_idx_images(find(folder, part + "-images-idx3-ubyte"), find(folder, part + "-labels-idx1-ubyte"),
                               std::ssize(kClasses), scaling);
}

data::ImageDataset take(const data::ImageDataset& all, std::span<const std::int64_t> rows,
                        data::ImageDataset::Scaling scaling) {
  const Tensor chosen = copy_of(rows, Shape{std::ssize(rows)});
  return data::ImageDataset(index_select(all.images(), 0, chosen), index_select(all.labels(), 0, chosen), all.classes(),
                            scaling);
}

ClassReport test_report(train::Trainer& trainer, const data::ImageDataset& test) {
  const Tensor best = argmax(trainer.predict(test), 1);
  std::vector<std::int32_t> labels;
  for (const double label : test.labels().values()) labels.push_back(static_cast<std::int32_t>(label));
  return class_report(best.data<std::int64_t>(), labels, kClasses);
}

int run(Options options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, "config.json");

  const data::ImageDataset all = read(options.folder, "train", {});
  data::Split parts = data::split(all.size(), options.validation, options.seed);
  if (options.limit > 0 && options.limit < std::ssize(parts.kept))
    parts.kept.resize(static_cast<std::size_t>(options.limit));
  const auto scaling = data::fit_scaling(all.images(), parts.kept);
  const data::ImageDataset train = take(all, parts.kept, scaling), validation = take(all, parts.held_out, scaling);
  const data::ImageDataset test = read(options.folder, "t10k", scaling);
  if (test.size() == 0) throw ValueError(options.folder + ": has no test images");

  options.sizes.height = train.height();
  options.sizes.width = train.width();
  options.sizes.classes = std::ssize(kClasses);
  seed(options.seed);  // of dropout
  Rng rng(options.seed);
  ImageClassifier model(options.sizes, rng);
  std::cout << fmt::format("{} training, {} validation and {} test images of {} × {}\n\n{}\n", train.size(),
                           validation.size(), test.size(), train.height(), train.width(), model.summary());

  const optim::AdamW rule{.lr = options.lr, .weight_decay = options.weight_decay};
  const double smoothing = options.smoothing;
  const auto loss = [smoothing](const Tensor& logits, const Tensor& targets) {
    return tapegrad::cross_entropy(logits, targets, {.label_smoothing = smoothing});
  };
  train::Trainer trainer(model, rule, loss);
  train::FitOptions fit = fit_options(options);
  const auto length = static_cast<double>(options.epochs);
  fit.schedule = optim::schedule::warm_up(std::min(0.5, length / 2), optim::schedule::cosine(length, 0.01), 0.1);
  data::LoaderOptions loading{.batch_size = options.batch_size, .seed = options.seed};
  // A cnn does not mind where things are; an mlp has to learn each place by itself, and gets worse by shifts.
  if (options.augment && options.sizes.kind == ImageClassifierKind::cnn)
    loading.transform =
        data::augment::sequence({data::augment::flip(options.seed), data::augment::shift(options.seed + 1, 2)});
  data::DataLoader train_batches(train, loading);
  data::DataLoader validation_batches(validation, {.batch_size = 256, .shuffle = false});
  const bool validates = validation.size() > 0;
  if (!validates) fit.early_stopping.reset();
  const train::History history =
      run_training(trainer, train_batches, validates ? &validation_batches : nullptr, options, fit);

  const ClassReport report = test_report(trainer, test);
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    save_weights(to, model);
    to.write("config.json", config_json(options.sizes, kClasses, scaling.mean, scaling.deviation));
    save_history(to, history);
    data::Batch batch = train.batch(data::all_rows(std::min<std::int64_t>(train.size(), 4)));
    batch.inputs[0].set_name("images");
    batch.targets.set_name("classes");
    model.eval();
    save_graph(to, nn::cross_entropy(model.forward(batch.inputs[0]), batch.targets), "Image classifier");
    train::Report page{.title = "Image classifier: " + options.folder,
                       .facts = training_facts(options),
                       .epochs = history.epochs,
                       .confusion = report.confusion,
                       .class_names = kClasses,
                       .summary = model.summary()};
    page.facts.insert(page.facts.begin(), {"test accuracy", fmt::format("{:.4f}", report.accuracy)});
    save_report(to, std::move(page));
  });
  std::cout << to_text(report) << fmt::format("test accuracy {:.4f}\n", report.accuracy);
  return end_training(history, options);
}

}  // namespace

void add_train_fashion_mnist_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  options->epochs = 12;
  options->batch_size = 64;
  options->lr = 2e-3;
  options->weight_decay = 0.02;
  CLI::App* command =
      train.add_subcommand("fashion-mnist", "An image classifier on Fashion-MNIST, or on a set in its form");
  command
      ->add_option("data", options->folder,
                   "Folder of train- and t10k-images-idx3-ubyte and -labels-idx1-ubyte, packed by gzip or not; else "
                   "those of Debian's dataset-fashion-mnist")
      ->capture_default_str();
  command->add_option("--model", options->sizes.kind, "mlp or cnn")
      ->transform(CLI::CheckedTransformer(std::map<std::string, ImageClassifierKind>{
          {"mlp", ImageClassifierKind::mlp}, {"cnn", ImageClassifierKind::cnn}}));
  command->add_option("--hidden", options->sizes.hidden, "Widths of the hidden layers of an mlp")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  command->add_option("--channels", options->sizes.channels, "Channels of the convolutions of a cnn")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  command->add_option("--dropout", options->sizes.dropout)->capture_default_str()->check(CLI::Range(0.0, 0.99));
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
      "  tapegrad train fashion-mnist --model mlp --threads 2 --out out/mlp\n"
      "  tapegrad train fashion-mnist --model cnn --threads 2 --out out/cnn\n"
      "  tapegrad train fashion-mnist path/to/mnist --model cnn --epochs 3");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace tapegrad::tools
