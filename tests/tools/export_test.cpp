// `tapegrad export` of every system: its accuracy in ONNX Runtime, on the whole test part, is the one that was printed.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/data/table.hpp>
#include <tapegrad/data/text_dataset.hpp>
#include <tapegrad/interchange/onnx.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/io/safetensors.hpp>
#include <tapegrad/nn/models/language_model.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "../needs.hpp"
#include "program.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::HasSubstr;

class Export : public Program {
 protected:
  /// What the training printed.
  static double printed(const std::string& out, const std::string& what) {
    std::smatch found;
    EXPECT_TRUE(std::regex_search(out, found, std::regex("\n" + what + " ([0-9.]+)\n"))) << out;
    return found.empty() ? -1 : std::stod(found[1]);
  }
  std::string trained(const std::string& arguments) const {
    const Outcome o = run("train " + arguments + " --out model");
    EXPECT_EQ(o.status, 0) << o.err;
    const Outcome exported = run("export model -o model.onnx");
    EXPECT_EQ(exported.status, 0) << exported.err;
    return o.out;
  }
  /// How many of the labels ONNX Runtime finds.
  std::int64_t right(const NamedTensors& inputs, const Tensor& labels) const {
    nlohmann::json files{{"model", "model.onnx"}, {"outputs", nlohmann::json::object()}, {"labels", "labels.npy"}};
    for (const NamedTensor& t : inputs) {
      files["inputs"][t.name] = t.name + ".npy";
      io::save_npy(folder_ / (t.name + ".npy"), t.tensor);
    }
    io::save_npy(folder_ / "labels.npy", labels);
    write("models.json", nlohmann::json::array({files}).dump());
    const std::string command = "node " TAPEGRAD_RUN_MODELS " '" + folder_.string() + "' " TAPEGRAD_NODE_FOLDER " > '" +
                                folder_.string() + "/count' 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0);
    const std::string said = content_of(folder_ / "count");
    std::smatch found;
    EXPECT_TRUE(std::regex_match(said, found, std::regex("model.onnx: ([0-9]+) right\n"))) << said;
    return found.empty() ? -1 : std::stoll(found[1]);
  }
  /// Of `size` samples, as a share with four digits.
  static void expect_share(std::int64_t count, std::int64_t size, double share) {
    EXPECT_EQ(count, std::llround(share * static_cast<double>(size)));
    EXPECT_LT(count, size) << "a test part that is told in full shows little";
    EXPECT_GT(count, size / 4);
  }
};

TEST_F(Export, OfImages) {
  SKIP_WITHOUT_NODE_PACKAGE("onnxruntime-node");
  const auto number = [](int n) { return std::string{'\0', '\0', static_cast<char>(n >> 8), static_cast<char>(n)}; };
  Rng rng(2);
  Tensor pixels, labels;
  for (const auto& [part, count] : {std::pair{"train", 320}, std::pair{"t10k", 150}}) {
    // Rows that are lighter by class, in much noise.
    labels = remainder(arange(count), 8);
    const Tensor light = cast(equal(reshape(labels, {-1, 1, 1, 1}), reshape(arange(8), {8, 1})), f32) * 60;
    pixels = cast(clamp(randn({count, 1, 8, 8}, f32, rng) * 30 + 90 + light, 0, 255), u8).contiguous();
    std::string images = std::string("\0\0\x08\x03", 4) + number(count) + number(8) + number(8),
                classes = std::string("\0\0\x08\x01", 4) + number(count);
    for (const std::uint8_t byte : pixels.data<std::uint8_t>()) images.push_back(static_cast<char>(byte));
    for (int i = 0; i < count; ++i) classes.push_back(static_cast<char>(i % 8));
    write(fmt::format("set/{}-images-idx3-ubyte", part), images);
    write(fmt::format("set/{}-labels-idx1-ubyte", part), classes);
  }
  for (const std::string model : {"mlp --hidden 16", "cnn --channels 4 8"}) {
    const std::string out = trained("images set --no-augment --epochs 8 --lr 0.01 --model " + model);
    expect_share(right({{"pixels", pixels}}, labels), 150, printed(out, "test accuracy"));
  }
  const onnx::Model model = onnx::load(folder_ / "model.onnx");
  EXPECT_EQ(describe(model.inputs()[0]), "pixels: uint8 [batch, 1, 8, 8]");
  EXPECT_THAT(model.metadata().at("classes"), HasSubstr("\"7\""));
}

TEST_F(Export, OfTexts) {
  SKIP_WITHOUT_NODE_PACKAGE("onnxruntime-node");
  std::vector<std::string> texts;
  std::vector<std::int32_t> labels;
  std::string train = "label\ttext\n", test;
  for (int i = 0; i < 400; ++i) {
    const int label = i % 3;
    std::string text;
    for (int word = 0; word < 2 + i * 7 % 5; ++word)
      text += fmt::format(" word{}", (i * 31 + word * 17) % 9 / (1 + (i + word) % 4 / 2 * label));
    (i < 250 ? train : test) += fmt::format("class{}\t{}\n", label, text);
    if (i < 250) continue;
    texts.push_back(text);
    labels.push_back(label);
  }
  train.erase(0, train.find('\n') + 1);
  write("train.tsv", train);
  write("test.tsv", test);
  for (const std::string model : {"--embedding 8 --hidden 8", "--embedding 4 --ngrams 2"}) {
    const std::string out = trained("text train.tsv --test test.tsv --min-count 1 --epochs 3 --lr 0.02 " + model);
    const data::TextEncoder encoder(data::Tokenizer(), data::Vocabulary::load(folder_ / "model/vocabulary.txt"),
                                    {.max_length = 512});
    const data::TextDataset part(encoder.encode(texts), labels);
    const data::Batch batch = part.batch(data::all_rows(part.size()));
    expect_share(right({{"ids", batch.inputs[0]}, {"offsets", batch.inputs[1]}}, batch.targets), part.size(),
                 printed(out, "test accuracy"));
  }
}

TEST_F(Export, OfTables) {
  SKIP_WITHOUT_NODE_PACKAGE("onnxruntime-node");
  const auto flowers = [](int from, int rows) {
    std::string text = "a,b,colour,weight\n";
    for (int i = from; i < from + rows; ++i) {
      const double a = (i * 37 % 101 - 50) / 10.0, b = (i * 53 % 97 - 48) / 10.0;
      text += fmt::format("{},{},{},{}\n", a, b, a * b + i % 7 < 3 ? "red" : "blue", 3 * a + b);
    }
    return text;
  };
  write("train.csv", flowers(0, 400));
  write("test.csv", flowers(400, 150));
  const std::string out =
      trained("table train.csv --target colour --ignore weight --test test.csv --epochs 20 --lr 0.005");
  const data::TableEncoder encoder = data::TableEncoder::load(folder_ / "model/columns.json");
  const data::Table table = data::read_table((folder_ / "test.csv").string(), {.types = encoder.types()});
  const auto rows = data::all_rows(table.size());
  const data::Batch batch = encoder.encode(table, rows).batch(rows);
  std::smatch found;
  ASSERT_TRUE(std::regex_search(out, found, std::regex("\nmodel +[0-9.]+ +([0-9.]+)"))) << out;
  expect_share(right({{"features", batch.inputs[0]}}, batch.targets), 150, std::stod(found[1]));

  trained("table train.csv --target weight --ignore colour --test test.csv --epochs 2");
  EXPECT_EQ(describe(onnx::load(folder_ / "model.onnx").outputs()[0]), "numbers: float [rows, 1]");
}

TEST_F(Export, OfLanguage) {
  SKIP_WITHOUT_NODE_PACKAGE("onnxruntime-node");
  std::string texts;
  for (int i = 0; i < 120; ++i) texts += fmt::format("the {} sat on mat {}\n%\n", i % 2 ? "cat" : "dog", i % 10);
  write("texts", texts);
  for (const std::string kind : {"lstm", "gpt"}) {
    trained("language texts --tokens 270 --width 16 --heads 2 --layers 2 --context 16 --epochs 1 --batch 4 --model " +
            kind);
    nn::models::LanguageModelOptions options{.tokens = 270, .width = 16, .layers = 2, .heads = 2, .context = 16};
    options.kind = kind == "lstm" ? nn::models::LanguageModelKind::lstm : nn::models::LanguageModelKind::gpt;
    const auto model = nn::models::LanguageModel::make(options);
    overwrite(model->state(), io::load_safetensors(folder_ / "model/model.safetensors"), "model");
    model->eval();
    const Tensor ids = cast(remainder(arange(7 * 13) * 31, 270), i32);
    const NoGrad no_grad;
    const Tensor best = argmax(model->forward(reshape(ids, {7, 13})), 1);
    EXPECT_EQ(right({{"ids", reshape(ids, {7, 13})}}, best), 7 * 13) << kind;
  }
}

TEST_F(Export, SaysWhatIsWrong) {
  expect_refused("export nowhere -o a.onnx", {"nowhere/config.json: cannot read the file"});
  write("odd/config.json", R"({"kind": "oracle", "version": 1})");
  expect_refused("export odd -o a.onnx", {"odd/config.json: is of a oracle, which this program does not know"});
}

}  // namespace
}  // namespace tapegrad::tools
