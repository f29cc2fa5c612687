// The examples of docs/pretrained.md, on small models.

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <tapegrad/interchange/onnx_save.hpp>
#include <tapegrad/interchange/pretrained.hpp>
#include <tapegrad/interchange/pytorch.hpp>
#include <tapegrad/interchange/tensor_file.hpp>
#include <tapegrad/tapegrad.hpp>

#include "../gpt2_vocabulary.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::tests {
namespace {

// As it is on the page.
// clang-format off

nn::models::ResNet load_resnet() {
  const NamedTensors file = io::load_tensors("resnet50.pth");
  const nn::init::Skip skip;  // the file fills it
  nn::models::ResNet model(nn::models::resnet(50));
  std::cout << to_string(io::fill_state(model.state(), file, io::resnet_names())) << '\n';
  model.eval();
  return model;
}

Tensor prepared(const std::filesystem::path& picture) {
  const Tensor pixels = data::resize_picture(data::with_channels(data::read_picture(picture), 3), 224, 224);
  const Tensor mean = tensor({0.485, 0.456, 0.406}), deviation = tensor({0.229, 0.224, 0.225});
  return permute((cast(pixels, f32) / 255 - mean) / deviation, {2, 0, 1});
}

void classify(nn::models::ResNet& model) {
const Tensor scores = model(stack({prepared("cat.jpg")}));  // [1, 1000]
std::cout << argmax(scores, 1) << '\n';
}

void fine_tune(nn::models::ResNet& model, const Tensor& images, const Tensor& labels) {
model.output = nn::Linear(model.output.in(), 5);
model.freeze("*");
model.unfreeze("output.*");
train::Trainer trainer(model, optim::AdamW{.lr = 1e-3}, nn::cross_entropy);
trainer.fit(data::TensorDataset(images, labels), {.epochs = 5, .validation_split = 0.1});
}

nn::models::GptLanguageModel load_gpt2() {
  const NamedTensors file = io::load_tensors("gpt2/model.safetensors");
  const nn::init::Skip skip;
  nn::models::GptLanguageModel model({.kind = nn::models::LanguageModelKind::gpt,
                                      .tokens = 50257, .width = 768, .layers = 12, .heads = 12, .context = 1024});
  io::fill_state(model.state(), file, io::gpt2_names());
  model.eval();
  return model;
}

void generate(nn::models::GptLanguageModel& model) {
const data::Gpt2Tokens tokens = data::Gpt2Tokens::load("gpt2/vocab.json", "gpt2/merges.txt");
Rng rng(1);
nn::models::generate(model, tokens.encode("The meaning of life is"),
                     {.tokens = 100, .end = tokens.named("<|endoftext|>"), .sampling = {.temperature = 0.8, .top_k = 40}},
                     rng, [&](std::int32_t token) { std::cout << tokens.bytes(token) << std::flush; });
}

void fine_tune(nn::models::GptLanguageModel& model, const data::Gpt2Tokens& tokens, const std::string& text) {
const auto loss = [](const Tensor& logits, const Tensor& targets) {
  return nn::cross_entropy(logits, reshape(targets, {-1}));
};
train::Trainer trainer(model, optim::AdamW{.lr = 1e-5}, loss, {});
trainer.fit(data::TokenWindows(tokens.encode(text), 128), {.epochs = 1, .batch_size = 8, .clip_norm = 1});
}

nn::models::Bert load_bert() {
  const NamedTensors file = io::load_tensors("bert/pytorch_model.bin");
  const nn::init::Skip skip;
  nn::models::Bert model({.tokens = 30522});
  io::fill_state(model.state(), file, io::bert_names());
  model.eval();
  return model;
}

Tensor embed(const nn::models::Bert& model, const std::vector<std::string>& texts) {
const data::WordPieces pieces = data::WordPieces::load("bert/vocab.txt");
const data::PieceBatch batch = pieces.batch(texts, 512);
const Tensor vectors = model(batch.ids, Tensor(), batch.mask);  // [B, L, 768]
const Tensor text = model.pool(vectors);                        // [B, 768]
return text;
}

struct Classifier : nn::Module {
  Classifier(const nn::models::BertOptions& options, std::int64_t classes)
      : bert(*this, "bert", options), dropout(*this, "dropout", 0.1), output(*this, "output", options.width, classes) {}
  Tensor forward(const Tensor& ids, const Tensor& types, const Tensor& mask) {
    return output(dropout(bert.pool(bert(ids, types, mask))));
  }

  nn::models::Bert bert;
  nn::Dropout dropout;
  nn::Linear output;
};

void give_back(nn::models::ResNet& model) {
onnx::save("resnet.onnx", {{"batch"}}, [&](const onnx::Sizes& size) {
  Tensor images = zeros({size.at("batch"), 3, 224, 224});
  return onnx::Recording{.inputs = {{"images", images}}, .outputs = {{"scores", model(images)}}};
}, {.parameters = model.state()});
io::save_pytorch("resnet.pt", model.state());
graph::save(model(zeros({1, 3, 224, 224})), "resnet.svg");
}

void give_back(nn::models::GptLanguageModel& model) {
onnx::save("gpt2.onnx", {{"batch"}, {"length"}}, [&](const onnx::Sizes& size) {
  Tensor ids = zeros({size.at("batch"), size.at("length")}, i64);
  return onnx::Recording{.inputs = {{"ids", ids}}, .outputs = {{"logits", model.forward(ids)}}};
}, {.parameters = model.state()});
}

const std::vector<io::NameRule> rules{{"encoder.{i}.fc.{p}", "blocks.{i}.expand.{p}"},
                                      {"encoder.{i}.attn.in_proj_{p}", "blocks.{i}.attention.{query,key,value}.{p}"},
                                      {"encoder.{i}.conv1d.weight", "blocks.{i}.contract.weight", true},
                                      {"encoder.{i}.position_ids", ""}};
// clang-format on

class PretrainedPage : public ::testing::Test {
 protected:
  PretrainedPage() { std::filesystem::current_path(folder_.path()); }
  ~PretrainedPage() override { std::filesystem::current_path(before_); }

  const TemporaryFolder folder_;

 private:
  const std::filesystem::path before_ = std::filesystem::current_path();
};

TEST_F(PretrainedPage, Loads) {
  EXPECT_THROW(load_resnet(), IoError);  // there is no such file here
  EXPECT_THROW(load_gpt2(), IoError);
  EXPECT_THROW(load_bert(), IoError);
}

TEST_F(PretrainedPage, ClassifiesAndGivesBack) {
  nn::models::ResNet model({.blocks = {1, 1}, .channels = 2, .classes = 3});
  EXPECT_THROW(classify(model), IoError);
  Rng rng(1);
  fine_tune(model, randn({20, 3, 16, 16}, f32, rng), randint(0, 5, {20}, rng));
  model.eval();
  give_back(model);
  EXPECT_TRUE(std::filesystem::exists("resnet.onnx"));
}

TEST_F(PretrainedPage, GeneratesAndFineTunes) {
  nn::models::GptLanguageModel model(
      {.kind = nn::models::LanguageModelKind::gpt, .tokens = 257, .width = 4, .heads = 1, .context = 128});
  nlohmann::json vocabulary = gpt2_vocabulary();
  vocabulary["he"] = 256;
  folder_.write("gpt2/vocab.json", vocabulary.dump());
  folder_.write("gpt2/merges.txt", "#version: 0.2\nh e\n");
  generate(model);
  fine_tune(model, data::Gpt2Tokens::load("gpt2/vocab.json", "gpt2/merges.txt"), std::string(300, 'x'));
  model.eval();
  give_back(model);
  EXPECT_TRUE(std::filesystem::exists("gpt2.onnx"));
}

TEST_F(PretrainedPage, Embeds) {
  const nn::models::BertOptions options{.tokens = 9, .width = 4, .layers = 1, .heads = 1, .hidden = 4};
  Classifier model(options, 3);
  const Tensor ids = tensor({{1, 2, 3}}, i64), types = zeros({1, 3}, i64), mask = ones({1, 3}, boolean);
  folder_.write("bert/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n");
  EXPECT_EQ(embed(model.bert, {"a", "a b"}).shape(), (Shape{2, 4}));
  EXPECT_EQ(model.forward(ids, types, mask).shape(), (Shape{1, 3}));
}

TEST_F(PretrainedPage, ShowsATable) {
  const NamedTensors target{{"blocks.0.attention.query.bias", zeros({1})},
                            {"blocks.0.attention.key.bias", zeros({1})},
                            {"blocks.0.attention.value.bias", zeros({1})}};
  EXPECT_EQ(io::fill_state(target, {{"encoder.0.attn.in_proj_bias", ones({3})}}, rules).matched.size(), 3u);
}

}  // namespace
}  // namespace tapegrad::tests
