// tapegrad predict: the classes of texts or images, and which words or pixels spoke for the winner.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/printable.hpp>
#include <tapegrad/data/pgm.hpp>
#include <tapegrad/io/picture.hpp>
#include <tapegrad/nn/attribution.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/join.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/softmax.hpp>
#include <tapegrad/ops/view.hpp>

#include "commands.hpp"
#include "image_classifier.hpp"
#include "saved_model.hpp"
#include "text_classifier.hpp"

namespace tapegrad::tools {
namespace {

enum class Attribution { integrated_gradients, gradient_x_input, saliency };
const std::map<std::string, Attribution> kAttributions{{"integrated-gradients", Attribution::integrated_gradients},
                                                       {"gradient-x-input", Attribution::gradient_x_input},
                                                       {"saliency", Attribution::saliency}};

struct Options {
  std::string model, picture;
  std::vector<std::string> inputs;
  Attribution attribution = Attribution::integrated_gradients;
  std::int64_t row = 0;
  std::size_t top = 5;
  bool json = false;
  LoadOptions load;

  std::string attribution_name() const {
    return std::ranges::find(kAttributions, attribution, &std::pair<const std::string, Attribution>::second)->first;
  }
};

using Model = std::function<Tensor(const Tensor& input)>;

/// Probability and name, the likeliest first.
using Classes = std::vector<std::pair<double, std::string>>;

/// Of one input, [1, …].
Classes classify(const Model& model, const Tensor& input, const std::vector<std::string>& names) {
  const NoGrad no_grad;
  const std::vector<double> probabilities = softmax(model(input), 1).values();
  Classes classes;
  for (std::size_t i = 0; i < probabilities.size(); ++i) classes.emplace_back(probabilities[i], names[i]);
  std::ranges::stable_sort(classes, std::ranges::greater(), &Classes::value_type::first);
  return classes;
}

/// How much each element of the input speaks for the likeliest class. `baseline` is what stands for no input.
Tensor attribute(const Model& model, const Tensor& input, const Tensor& baseline, Attribution method,
                 std::int64_t steps) {
  const Tensor winner = [&] {
    const NoGrad no_grad;
    return argmax(model(input), 1);
  }();
  switch (method) {
    case Attribution::integrated_gradients:
      return nn::integrated_gradients(model, input, winner, {.baseline = baseline, .steps = steps});
    case Attribution::gradient_x_input:
      return nn::saliency(model, input, winner) * (input - baseline);
    case Attribution::saliency:
      break;
  }
  return abs(nn::saliency(model, input, winner));
}

void print_classes(const Classes& classes, std::size_t top) {
  for (std::size_t i = 0; i < std::min(top, classes.size()); ++i)
    std::cout << fmt::format("  {:6.2f} %  {}\n", 100 * classes[i].first, printable(classes[i].second));
}

nlohmann::ordered_json to_json(const char* what, const std::string& input, const Classes& classes) {
  nlohmann::ordered_json probabilities;
  for (const auto& [probability, name] : classes) probabilities[name] = probability;
  return {{what, input}, {"class", classes.front().second}, {"probabilities", probabilities}};
}

/// `where` is the text's place, for messages.
void classify_text(SavedClassifier& saved, const std::string& text, const std::string& where, const Options& options) {
  const auto entries = saved.encoder.explain(text);
  if (std::ranges::all_of(entries, [](const data::EncodedWord& entry) { return entry.words.empty(); }))
    throw ValueError(fmt::format("predict: {}: there is no word in it", where));
  std::vector<std::int32_t> ids;
  for (const data::EncodedWord& entry : entries) ids.push_back(entry.id);
  const Tensor offsets = copy_of(std::vector<std::int64_t>{0, std::ssize(ids)});
  const Tensor vectors = reshape(saved.model.embedding(copy_of(ids)).detach(), {1, std::ssize(ids), -1});
  const Model model = [&](const Tensor& words) { return saved.model.classify(select(words, 0, 0), offsets); };
  const Classes classes = classify(model, vectors, saved.class_names);
  // A normalised mean of words changes most on the first hundredth of the path, which many steps are to see.
  constexpr std::int64_t kSteps = 512;
  const std::vector<double> shares =
      sum(attribute(model, vectors, zeros({1}), options.attribution, kSteps), {0, 2}).values();

  std::vector<std::pair<double, std::string>> words;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].id != data::Vocabulary::kUnknown) words.emplace_back(shares[i], entries[i].words);
  if (options.json) {
    nlohmann::ordered_json json = to_json("text", text, classes);
    json["attribution"] = options.attribution_name();
    json["words"] = nlohmann::ordered_json::array();
    for (const auto& [share, word] : words) json["words"].push_back({{"word", word}, {"share", share}});
    std::cout << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
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

/// u8 [1, height, width] of a PGM file, or of one image of an IDX file.
Tensor read_image(const std::string& path, std::int64_t row) {
  if (path.ends_with(".pgm")) {
    const Tensor image = data::read_pgm(path);
    return reshape(image, {1, image.size(0), image.size(1)});
  }
  const Tensor all = data::read_idx(path);
  if (all.rank() != 3 || all.dtype() != u8)
    throw IoError(path + ": holds " + describe(all) + "; images are u8 [N, height, width]");
  if (row >= all.size(0)) throw IndexError(fmt::format("{}: has no row {}; it has {} images", path, row, all.size(0)));
  return slice(all, 0, row, row + 1);
}

/// The image in grey, and beside it with what mattered on top.
void save_picture(const std::string& path, const Tensor& image, const Tensor& attribution) {
  const std::int64_t height = image.size(-2), width = image.size(-1);
  const Tensor plain = io::heat_map(image, zeros(image.shape())), gap = full({height, 1, 3}, 255, u8);
  const Tensor both = concat({plain, gap, io::heat_map(image, attribution)}, 1);
  io::save_png(path, both, std::max<std::int64_t>(1, 320 / std::max(height, width)));
}

void classify_image(SavedImageClassifier& saved, const std::string& path, const Options& options) {
  const Tensor bytes = read_image(path, options.row);
  if (bytes.size(1) != saved.sizes.height || bytes.size(2) != saved.sizes.width)
    throw ShapeError(fmt::format("{}: an image of {} × {}; the model takes {} × {}", path, bytes.size(1), bytes.size(2),
                                 saved.sizes.height, saved.sizes.width));
  const data::ImageDataset images(bytes, zeros({1}, i64), saved.sizes.classes, saved.scaling);
  const Tensor image = images.batch(std::vector<std::int64_t>{0}).inputs[0];
  const Tensor black = full({1}, -saved.scaling.mean / saved.scaling.deviation);
  const Model model = [&](const Tensor& x) { return saved.model.forward(x); };
  const Classes classes = classify(model, image, saved.class_names);
  if (!options.picture.empty()) {
    constexpr std::int64_t kSteps = 64;
    save_picture(options.picture, bytes, attribute(model, image, black, options.attribution, kSteps)[0]);
  }
  const std::string name = path.ends_with(".pgm") ? path : fmt::format("{}[{}]", path, options.row);
  if (options.json) {
    nlohmann::ordered_json json = to_json("image", name, classes);
    if (!options.picture.empty())
      json.update({{"attribution", options.attribution_name()}, {"picture", options.picture}});
    std::cout << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return;
  }
  std::cout << printable(name) << '\n';
  print_classes(classes, options.top);
  if (!options.picture.empty())
    std::cout << fmt::format("  pixels for {} in orange, against it in blue ({}): {}\n",
                             printable(classes.front().second), options.attribution_name(), options.picture);
}

/// The next line of standard input, without LF or CR LF; false at its end.
bool next_line(std::string& line, std::int64_t number) {
  constexpr std::size_t kLongest = std::size_t{1} << 20;
  line.clear();
  int c = std::cin.get();
  if (c == EOF) return false;
  for (; c != EOF && c != '\n'; c = std::cin.get()) {
    if (line.size() == kLongest)
      throw IoError(fmt::format("standard input:{}: a line of more than {} bytes", number, kLongest));
    line += static_cast<char>(c);
  }
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

void run(const Options& options) {
  if (Config(options.model).kind() == kImageClassifier) {
    if (options.inputs.empty()) throw ValueError("predict: give an image, as a PGM or an IDX file");
    if (options.inputs.size() > 1 && !options.picture.empty())
      throw ValueError("predict: --picture is of one image; there are " + std::to_string(options.inputs.size()));
    SavedImageClassifier saved = SavedImageClassifier::load(options.model, options.load);
    for (const std::string& path : options.inputs) classify_image(saved, path, options);
    return;
  }
  SavedClassifier saved = SavedClassifier::load(options.model, options.load);
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

}  // namespace

void add_predict_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("predict", "Classify texts or images with a trained model, and say what decided");
  command->add_option("--model", options->model, "The folder that tapegrad train --out wrote")->required();
  command->add_option("input", options->inputs,
                      "Texts; without any, one a line from standard input. Or images: PGM files (P5) or IDX files, as "
                      "large, and as light on dark, as those of the training");
  command->add_option("--row", options->row, "Of an IDX file")->capture_default_str()->check(CLI::NonNegativeNumber);
  command->add_option("--picture", options->picture, "PNG to write: the image, and where the model looked");
  command
      ->add_option("--attribution", options->attribution,
                   "integrated-gradients, gradient-x-input or, of images, saliency")
      ->transform(CLI::CheckedTransformer(kAttributions));
  command->add_option("--top", options->top, "Classes to print")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_flag("--json", options->json, "One JSON object a line");
  command->add_flag("--allow-nonfinite", options->load.allow_nonfinite, "Use weights that are NaN or infinite");
  command->footer(
      "Examples:\n"
      "  tapegrad predict --model out/wordnet \"a small bird with a red breast\"\n"
      "  tapegrad predict --model out/wordnet --json < texts.txt\n"
      "  tapegrad predict --model out/cnn /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz --row 7 "
      "--picture why.png");
  command->callback([options] { run(*options); });
}

}  // namespace tapegrad::tools
