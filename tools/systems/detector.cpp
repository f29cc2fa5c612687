// tapegrad train detect: where the objects of a picture are, and of which classes.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/data/detection.hpp>
#include <tapegrad/data/loader.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/io/picture.hpp>
#include <tapegrad/nn/models/detector.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/train/detection.hpp>

#include "../export.hpp"
#include "../model_options.hpp"
#include "../option_values.hpp"
#include "../prediction.hpp"
#include "../saved_model.hpp"
#include "../systems.hpp"
#include "../terminal.hpp"
#include "../training.hpp"
#include "box_picture.hpp"
#include "idx_sets.hpp"
#include "scenes.hpp"

namespace tapegrad::tools {
namespace {

namespace fs = std::filesystem;
using Rows = std::vector<std::int64_t>;
using Scaling = data::ImageDataset::Scaling;

/// What a folder holds: config.json and model.safetensors.
struct SavedDetector {
  using Model = nn::models::Detector;
  static constexpr std::string_view kKind = "detector";
  static constexpr int kVersion = 1;

  std::vector<std::string> classes;
  nn::models::DetectorOptions options;
  Scaling scaling;
  bool resizes = false;  ///< whether pictures are brought to the training's size

  static constexpr auto fields() {
    return std::tuple{
        part(&SavedDetector::options), Setting{"classes", &SavedDetector::classes},
        part(&SavedDetector::scaling, Setting{"mean", &Scaling::mean}, Setting{"deviation", &Scaling::deviation}),
        Setting{"resizes", &SavedDetector::resizes}};
  }

  std::unique_ptr<Model> make(Rng& rng) const {
    if (!(scaling.deviation > 0)) throw ValueError("\"deviation\" is not above 0");
    if (options.colours == 2) throw ValueError("\"colours\" is 2; expected 1 or 3");
    nn::models::DetectorOptions all = options;
    all.classes = std::ssize(classes);
    all.rng = &rng;
    return std::make_unique<Model>(all);
  }
  void read_files(const fs::path&) {}
  void write_files(const OutputFolder&) const {}
};

struct Options : TrainingOptions {
  std::string annotations, test, pictures;
  std::vector<std::int64_t> size;
  nn::models::DetectorOptions model;
  double validation = 0.05, held_out = 0.2;
  std::int64_t scenes = 12000;
};

/// What is learnt from, what only measures, and what is told at the end.
struct Parts {
  data::ObjectPictures train, validation, test;
};

data::ObjectPictures take(const data::ObjectPictures& all, const Rows& rows) {
  return {index_select(all.images, 0, copy_of(rows, Shape{std::ssize(rows)})), data::take(all.objects, rows),
          all.classes};
}

/// Scenes of Fashion-MNIST, whose test part has garments of its own, and so has the validation part.
Parts compose(const Options& options) {
  const auto count = static_cast<std::int64_t>(fashion_classes().size());
  const data::ImageDataset garments = read_idx_part(kFashion, "train", count),
                           others = read_idx_part(kFashion, "t10k", count);
  const data::Split rows = data::split(garments.size(), options.validation, options.seed);
  const auto scenes = [&](const data::ImageDataset& from, const Rows& chosen, std::int64_t number, std::uint64_t part) {
    return compose_scenes(from, chosen, fashion_classes(), {.count = number, .seed = 4 * options.seed + part});
  };
  constexpr std::int64_t kFew = 1000;  // scenes to measure on
  const auto measured = std::min(kFew, std::max<std::int64_t>(1, options.scenes / 4));
  return {scenes(garments, rows.kept, options.scenes, 0),
          scenes(garments, rows.held_out, rows.held_out.empty() ? 0 : measured, 1),
          scenes(others, data::all_rows(others.size()), measured, 2)};
}

Parts read(const Options& options) {
  if (options.annotations.empty()) {
    if (!options.test.empty() || !options.pictures.empty() || !options.size.empty())
      throw ValueError("--test, --pictures and --size are for pictures of your own: name a file of annotations too");
    return compose(options);
  }
  data::ImageFolderOptions reading;
  if (!options.size.empty()) reading.size = {options.size[0], options.size[1]};
  const auto from = [&](const std::string& file) {
    const fs::path folder = options.pictures.empty() ? fs::path(file).parent_path() : fs::path(options.pictures);
    return data::read_coco(file, folder, reading);
  };
  const data::ObjectPictures all = from(options.annotations);
  data::Split halves{data::all_rows(all.images.size(0)), {}};
  if (options.test.empty()) halves = data::split(all.images.size(0), options.held_out, options.seed);
  const data::Split parts = data::split(halves.kept, options.validation, options.seed);
  if (!options.test.empty()) {
    if (!reading.size) reading.size = {all.images.size(2), all.images.size(3)};
    reading.channels = all.images.size(1);
    reading.classes = all.classes;
  }
  Parts read{take(all, parts.kept), take(all, parts.held_out),
             options.test.empty() ? take(all, halves.held_out) : from(options.test)};
  if (read.test.images.size(0) == 0) throw ValueError(options.annotations + ": no picture is left to test on");
  return read;
}

/// u8 [H, W, C].
Tensor picture_of(const data::ObjectPictures& pictures, std::int64_t row) {
  return permute(select(pictures.images, 0, row), {1, 2, 0}).contiguous();
}

Detections above(const Detections& found, double least) {
  Rows rows;
  for (const double score : found.scores.values())
    if (score >= least) rows.push_back(std::ssize(rows));  // they fall
  const auto pick = [&](const Tensor& t) { return slice(t, 0, 0, std::ssize(rows)); };
  return {pick(found.boxes), pick(found.scores), pick(found.classes)};
}

/// The first pictures of the test part with what is found there, four in a row.
Tensor found_picture(const data::ObjectPictures& test, const std::vector<Detections>& found) {
  constexpr std::int64_t kAcross = 4, kDown = 3;
  constexpr double kLeast = 0.3;
  std::vector<Tensor> lines;
  for (std::int64_t y = 0; y < std::min(kDown, test.images.size(0) / kAcross); ++y) {
    std::vector<Tensor> line;
    for (std::int64_t x = 0; x < kAcross; ++x) {
      const std::int64_t row = y * kAcross + x;
      line.push_back(with_boxes(picture_of(test, row), above(found[static_cast<std::size_t>(row)], kLeast)));
    }
    lines.push_back(concat(line, 1));
  }
  return lines.empty() ? with_boxes(picture_of(test, 0), above(found[0], kLeast)) : concat(lines, 0);
}

train::ReportTable class_table(const train::AveragePrecision& precision, const std::vector<std::string>& classes) {
  train::ReportTable table{
      "Average precision on the test part", {"class", "objects", "at 0.5", "at 0.75", "at 0.5 to 0.95"}, {}};
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto label = static_cast<std::int64_t>(c);
    const auto averages = precision.of_class(label);
    double mean = 0;
    for (const double average : averages) mean += average / static_cast<double>(averages.size());
    table.rows.push_back({classes[c], std::to_string(precision.objects(label)), fmt::format("{:.4f}", averages[0]),
                          fmt::format("{:.4f}", averages[5]), fmt::format("{:.4f}", mean)});
  }
  return table;
}

void print(const train::ReportTable& table) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::cout << fmt::format("{:<16} {:>8}  {:>8}  {:>8}  {:>14}\n", printable(cells[0], 16), cells[1], cells[2],
                             cells[3], cells[4]);
  };
  line(table.header);
  for (const auto& row : table.rows) line(row);
}

int train_detector(const Options& options) {
  set_num_threads(options.threads);
  const std::unique_ptr<OutputFolder> out = open_output(options, kConfig);
  Parts parts = read(options);
  SavedDetector system{parts.train.classes, options.model,
                       data::fit_scaling(parts.train.images, data::all_rows(parts.train.images.size(0))),
                       !options.size.empty()};
  system.options.colours = parts.train.images.size(1);
  system.options.height = parts.train.images.size(2);
  system.options.width = parts.train.images.size(3);
  const data::DetectionDataset train(parts.train, system.scaling), validation(parts.validation, system.scaling),
      test(parts.test, system.scaling);
  const std::vector<std::string> classes = system.classes;
  Rng rng(options.seed);
  const SavedModel<SavedDetector> saved(std::move(system), rng);
  SavedDetector::Model& model = *saved.model;
  std::cout << fmt::format("{} training, {} validation and {} test pictures of {} × {}, {} classes\n\n{}\n",
                           train.size(), validation.size(), test.size(), parts.train.images.size(2),
                           parts.train.images.size(3), classes.size(), model.summary());

  train::Trainer trainer(model, optim::AdamW{.lr = options.lr, .weight_decay = options.weight_decay},
                         SavedDetector::Model::loss, {});
  train::FitOptions fit = fit_options(options, {.clip_norm = 10});
  fit.schedule = warm_up_and_cosine(options);
  data::DataLoader train_batches(
      train,
      {.batch_size = options.batch_size, .seed = options.seed, .transform = data::augment::flip_objects(options.seed)});
  data::DataLoader validation_batches(validation, {.batch_size = options.batch_size, .shuffle = false});
  const bool validates = validation.size() > 0;
  const train::History history =
      run_training(trainer, train_batches, validates ? &validation_batches : nullptr, options, fit);

  const std::vector<Detections> found = SavedDetector::Model::detections(trainer.predict(test, options.batch_size));
  train::AveragePrecision precision(std::ssize(classes));
  for (std::size_t i = 0; i < found.size(); ++i) precision.add(found[i], parts.test.objects[i]);
  const train::ReportTable table = class_table(precision, classes);
  write_output(out.get(), history, options, [&](const OutputFolder& to) {
    saved.save(to);
    save_history(to, history);
    io::save_png(to.path("found.png"), found_picture(parts.test, found));
    data::Batch batch = train.batch(data::all_rows(std::min<std::int64_t>(train.size(), 2)));
    batch.inputs[0].set_name("pictures");
    batch.targets.set_name("objects");
    model.eval();
    save_graph(to, SavedDetector::Model::loss(model.forward(batch.inputs[0]), batch.targets), "Detector");
    train::Report report =
        report_of("Detector", options.annotations.empty() ? std::string_view(kFashion) : options.annotations, options,
                  model, history);
    report.facts.insert(report.facts.begin(), {{"mAP@0.5", fmt::format("{:.4f}", precision.at_half())},
                                               {"mAP@0.5:0.95", fmt::format("{:.4f}", precision.mean())}});
    report.tables = {table};
    save_report(to, std::move(report));
  });
  print(table);
  std::cout << fmt::format("test mAP@0.5:0.95 {:.4f}\n", precision.mean());
  print_bold(fmt::format("test mAP@0.5 {:.4f}", precision.at_half()));
  return end_training(history, options);
}

void add_train_command(CLI::App& train, int& status) {
  auto options = std::make_shared<Options>();
  options->epochs = 8;
  options->batch_size = 16;
  options->lr = 2e-3;
  options->weight_decay = 0.02;
  CLI::App* command =
      train.add_subcommand("detect", "A detector of objects in pictures: yours, or scenes of Debian's Fashion-MNIST");
  command
      ->add_option("data", options->annotations,
                   "JSON in the form of COCO: images, annotations with a bbox, categories; without it, scenes")
      ->type_name(kFile);
  command->add_option("--pictures", options->pictures, "Folder of the pictures; else that of the JSON")
      ->type_name(kFolder);
  command->add_option("--test", options->test, "JSON of the pictures to test on; else a share is held out")
      ->type_name(kFile);
  command->add_option("--test-split", options->held_out, "That share")
      ->capture_default_str()
      ->check(between(0.01, 0.9));
  command->add_option("--size", options->size, "HEIGHT WIDTH that all pictures are brought to, in training and use")
      ->expected(2)
      ->check(between(1, 1 << 14));
  command->add_option("--scenes", options->scenes, "To compose, where no pictures are given")
      ->capture_default_str()
      ->check(between(1, 1 << 20));
  for (const char* name : {"channels", "features"}) add_setting(*command, options->model, name);
  command->add_option("--validation-split", options->validation, "Share of the training pictures that only measures")
      ->capture_default_str()
      ->check(between(0.0, 0.9));
  add_training_options(*command, *options);
  command->footer(
      "The scenes are of 160 × 160 pixels, with 2 to 8 garments of 20 to 90, which overlap by up to 40 %, before "
      "patches\n"
      "of others. Those of the test part are of garments that the training has not seen.\n"
      "Writes into --out: model.safetensors, config.json, metrics.jsonl, curves.svg, report.html, the graph as "
      "model.mmd,\n"
      ".dot, .json and .svg, and found.png: the first pictures of the test part, with boxes. Ctrl-C finishes the "
      "step,\n"
      "saves, and exits with status 130; --resume goes on from there.\n"
      "Examples:\n"
      "  tapegrad train detect --threads 2 --out out/detector\n"
      "  tapegrad train detect train.json --test test.json --pictures photos --size 320 320 --out out/mine\n"
      "  tapegrad predict --model out/mine photo.jpg --picture boxes.png");
  command->callback([options, &status] { status = train_detector(*options); });
}

/// In the pixels of the picture as it is.
Detections detect(const SavedModel<SavedDetector>& saved, const Tensor& picture) {
  const SavedDetector& system = saved.system;
  const nn::models::DetectorOptions& sizes = system.options;
  const Tensor sized = system.resizes ? data::resize_picture(picture, sizes.height, sizes.width) : picture;
  const Tensor planes = unsqueeze(permute(data::with_channels(sized, sizes.colours), {2, 0, 1}), 0).contiguous();
  const data::ImageDataset one(planes, zeros({1}, i64), 1, system.scaling);
  const NoGrad no_grad;
  Detections found = SavedDetector::Model::detections(saved.model->forward(one.batch(Rows{0}).inputs[0]))[0];
  const auto scale = [&](int axis) {
    return static_cast<double>(picture.size(axis)) / static_cast<double>(sized.size(axis));
  };
  found.boxes = found.boxes * tensor({scale(1), scale(0), scale(1), scale(0)});
  return found;
}

void detect_in(const SavedModel<SavedDetector>& saved, const std::string& path, const PredictOptions& options) {
  const Tensor picture = data::read_picture(path);
  Detections found;
  try {
    found = above(detect(saved, picture), options.least_score);
  } catch (const ValueError& error) {
    throw ValueError(fmt::format("{}: {}", path, error.what()));
  }
  if (!options.picture.empty()) io::save_png(options.picture, with_boxes(picture, found));
  const std::vector<double> edges = found.boxes.values(), scores = found.scores.values(),
                            labels = found.classes.values();
  nlohmann::ordered_json json{{"image", path}, {"objects", nlohmann::ordered_json::array()}};
  if (!options.json) std::cout << printable(path) << '\n';
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::string& name = saved.system.classes[static_cast<std::size_t>(labels[i])];
    const double* box = &edges[4 * i];
    if (options.json)
      json["objects"].push_back(
          {{"class", name}, {"score", scores[i]}, {"bbox", {box[0], box[1], box[2] - box[0], box[3] - box[1]}}});
    else
      std::cout << fmt::format("  {:>2}  {:6.2f} %  {}, from {:.0f}, {:.0f} to {:.0f}, {:.0f}\n", i + 1,
                               100 * scores[i], printable(name), box[0], box[1], box[2], box[3]);
  }
  if (options.json) return print_line(json);
  if (scores.empty()) std::cout << fmt::format("  nothing with a score of {} or more\n", options.least_score);
}

void predict_objects(const PredictOptions& options) {
  if (options.inputs.empty()) throw ValueError("predict: give a picture: a PNG, JPEG or PGM file");
  if (options.inputs.size() > 1 && !options.picture.empty())
    throw ValueError("predict: --picture is of one image; there are " + std::to_string(options.inputs.size()));
  const auto saved = SavedModel<SavedDetector>::load(options.model, options.load);
  for (const std::string& path : options.inputs) detect_in(saved, path, options);
}

void export_detector(const ExportOptions& options) {
  const auto saved = SavedModel<SavedDetector>::load(options.model, options.load);
  const nn::models::DetectorOptions& sizes = saved.system.options;
  const Scaling& scaling = saved.system.scaling;
  save_onnx(options, *saved.model, {{"batch"}},
            [&](const onnx::Sizes& size) {
              const Tensor pixels = zeros({size.at("batch"), sizes.colours, sizes.height, sizes.width}, u8);
              const Tensor scaled = (cast(pixels, f32) / 255 - scaling.mean) / scaling.deviation;
              const auto cells = SavedDetector::Model::cells(saved.model->forward(scaled));
              return onnx::Recording{{{"pixels", pixels}}, {{"boxes", cells.boxes}, {"scores", sigmoid(cells.logits)}}};
            },
            {{"classes", to_json_list(saved.system.classes)}});
}

}  // namespace

extern const System detector{.kind = SavedDetector::kKind,
                             .add_train_commands = add_train_command,
                             .predict = predict_objects,
                             .save_onnx = export_detector};

}  // namespace tapegrad::tools
