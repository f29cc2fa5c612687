// Published checkpoints in models of ours: what PyTorch computed with the formulas of pretrained/make.py.

#include <gmock/gmock.h>

#include <filesystem>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/interchange/onnx.hpp>
#include <tapegrad/interchange/onnx_save.hpp>
#include <tapegrad/interchange/pretrained.hpp>
#include <tapegrad/interchange/tensor_file.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/models/bert.hpp>
#include <tapegrad/nn/models/language_model.hpp>
#include <tapegrad/nn/models/mobilenet.hpp>
#include <tapegrad/nn/models/resnet.hpp>
#include <tapegrad/nn/models/vgg.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/optimizer.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::io {
namespace {

using ::testing::HasSubstr;
using namespace nn::models;

/// A file of pretrained/: the tensors of one group by their own names.
class Golden {
 public:
  explicit Golden(const std::string& file)
      : all_(load_tensors(std::filesystem::path(TAPEGRAD_PRETRAINED_FOLDER) / file)) {}

  NamedTensors group(const std::string& prefix) const {
    NamedTensors found;
    for (const NamedTensor& t : all_)
      if (t.name.starts_with(prefix + ".")) found.push_back({t.name.substr(prefix.size() + 1), t.tensor});
    return found;
  }
  Tensor operator[](const std::string& name) const {
    const Tensor* found = find(all_, name);
    if (!found) throw ValueError("no " + name);
    return *found;
  }

 private:
  NamedTensors all_;
};

void expect_near(const Tensor& ours, const Tensor& theirs, const std::string& what) {
  ASSERT_EQ(ours.shape(), theirs.shape()) << what;
  const Tensor expected = cast(theirs, f64);
  const double scale = 1 + max(abs(expected)).item();
  EXPECT_LT(max(abs(cast(ours.detach(), f64) - expected)).item(), 1e-5 * scale) << what;
}

/// Backward, and the gradients of the file at the places that the table gives their tensors: it moves gradients as it
/// does values.
void expect_gradients(const nn::Module& model, const Tensor& output, const Golden& golden,
                      const std::vector<NameRule>& rules) {
  sum(square(output)).backward();
  NamedTensors expected;
  for (const NamedTensor& p : model.named_parameters()) expected.push_back({p.name, full(p.tensor.shape(), 0.0, f64)});
  const StateReport report = fill_state(expected, golden.group("gradient"), rules);
  EXPECT_TRUE(!report.matched.empty() && report.unused.empty()) << to_string(report);
  const NamedTensors parameters = model.named_parameters();
  for (const auto& [from, to] : report.matched)
    expect_near(find(parameters, to)->grad(), *find(expected, to), "gradient of " + to);
}

/// The same numbers once more, from a file of ONNX that has the model's function of an open number of inputs.
void expect_exports(const nn::Module& model, const NamedTensors& given, const Tensor& expected,
                    const std::function<Tensor(const std::vector<Tensor>&)>& function) {
  const TemporaryFolder folder;
  onnx::save(folder.path("model.onnx"), {{"batch"}},
             [&](const onnx::Sizes& sizes) {
               onnx::Recording recording;
               std::vector<Tensor> inputs;
               for (const NamedTensor& input : given) {
                 const std::vector<Tensor> copies(static_cast<std::size_t>(sizes.at("batch")),
                                                  slice(input.tensor, 0, 0, 1));
                 inputs.push_back(concat(copies, 0));
                 recording.inputs.push_back({input.name, inputs.back()});
               }
               recording.outputs = {{"output", function(inputs)}};
               return recording;
             },
             {.parameters = model.state()});
  std::vector<onnx::Value> values;
  for (const NamedTensor& input : given) values.emplace_back(input.tensor);
  const std::vector<onnx::Value> outputs = onnx::load(folder.path("model.onnx")).run(values);
  expect_near(*outputs.at(0).tensor(), expected, "the exported model");
}

/// All that is above of a model of images.
template <class Model>
void expect_classifier(Model model, const Golden& golden, const std::vector<NameRule>& rules,
                       const std::string& report) {
  model.eval();
  EXPECT_EQ(to_string(fill_state(model.state(), golden.group("state"), rules)), report);
  const Tensor output = model(golden["given.images"]);
  expect_near(output, golden["expected.output"], "output");
  expect_gradients(model, output, golden, rules);
  expect_exports(model, golden.group("given"), golden["expected.output"],
                 [&](const std::vector<Tensor>& inputs) { return model(inputs[0]); });
}

TEST(Pretrained, ResNetOfBasicBlocks) {
  ResNet model({.blocks = {1, 2, 1, 1}, .channels = 2, .classes = 3});
  const Golden golden("resnet_basic.pt");
  expect_classifier(model, golden, resnet_names(),
                    "72 tensors matched, 0 of them transposed; left out: bn1.num_batches_tracked");
  model.eval();
  fill_state(model.state(), golden.group("state"), resnet_names());
  expect_near(model.features(golden["given.images"]), golden["expected.features"], "features");
}

TEST(Pretrained, ResNetOfBottlenecks) {
  expect_classifier(ResNet({.kind = ResNetBlockKind::bottleneck, .blocks = {1, 1, 1, 1}, .channels = 2, .classes = 3}),
                    Golden("resnet_bottleneck.safetensors"), resnet_names(),
                    "87 tensors matched, 0 of them transposed");
}

TEST(Pretrained, Vggs) {
  VggOptions options{.convolutions = {1, 2}, .channels = {2, 4}, .hidden = 5, .classes = 3};
  expect_classifier(Vgg(options), Golden("vgg.safetensors"), vgg_names(), "12 tensors matched, 0 of them transposed");
  options.batch_norm = true;
  expect_classifier(Vgg(options), Golden("vgg_norm.safetensors"), vgg_names(),
                    "24 tensors matched, 0 of them transposed");
}

TEST(Pretrained, MobileNets) {
  const MobileNetOptions options{.stages = {{1, 2, 1, 1}, {3, 4, 2, 2}}, .first = 2, .last = 6, .classes = 3};
  expect_classifier(MobileNet(options), Golden("mobilenet.safetensors"), mobilenet_names(),
                    "52 tensors matched, 0 of them transposed");
}

TEST(Pretrained, ModelsAreAsLargeAsTorchvisions) {
  const nn::init::Skip skip;
  // Parameters by torchvision's documentation.
  EXPECT_EQ(ResNet(resnet(18)).parameter_count(), 11'689'512);
  EXPECT_EQ(ResNet(resnet(34)).parameter_count(), 21'797'672);
  EXPECT_EQ(ResNet(resnet(50)).parameter_count(), 25'557'032);
  EXPECT_EQ(MobileNet().parameter_count(), 3'504'872);
  EXPECT_THAT(message_of([] { resnet(17); }), HasSubstr("18, 34, 50, 101 or 152"));
  EXPECT_THAT(message_of([] { ResNet({.blocks = {}}); }), HasSubstr("0 stages"));
  EXPECT_THAT(message_of([] { vgg(15); }), HasSubstr("11, 13, 16 or 19"));
  EXPECT_THAT(message_of([] { Vgg({.channels = {1}}); }), HasSubstr("5 stages of convolutions, 1 of channels"));
}

TEST(Pretrained, Gpt2) {
  const Golden golden("gpt2.pt");
  GptLanguageModel model(
      {.kind = LanguageModelKind::gpt, .tokens = 11, .width = 8, .layers = 2, .heads = 2, .context = 8});
  model.eval();
  EXPECT_EQ(
      to_string(fill_state(model.state(), golden.group("state"), gpt2_names())),
      "36 tensors matched, 8 of them transposed; left out: transformer.h.0.attn.bias, lm_head.weight; missing: bias");
  const Tensor ids = golden["given.ids"];
  const Tensor expected = reshape(golden["expected.output"], {12, 11});
  const Tensor output = model.forward(ids);
  expect_near(output, expected, "output");
  expect_gradients(model, output, golden, gpt2_names());
  expect_exports(model, golden.group("given"), expected,
                 [&](const std::vector<Tensor>& inputs) { return model.forward(inputs[0]); });
}

TEST(Pretrained, Bert) {
  const Golden golden("bert.safetensors");
  Bert model({.tokens = 11, .width = 8, .layers = 2, .heads = 2, .hidden = 12, .context = 8});
  model.eval();
  EXPECT_EQ(to_string(fill_state(model.state(), golden.group("state"), bert_names())),
            "39 tensors matched, 0 of them transposed; unused: cls.predictions.bias");
  const Tensor ids = golden["given.ids"], types = golden["given.types"], mask = golden["given.mask"];
  const Tensor vectors = model(ids, types, mask);
  expect_near(at(vectors, mask), golden["expected.vectors"], "vectors");
  expect_near(model.pool(vectors), golden["expected.output"], "output");
  expect_gradients(model, model.pool(vectors), golden, bert_names());
  expect_exports(model, golden.group("given"), golden["expected.output"],
                 [&](const std::vector<Tensor>& inputs) { return model.pool(model(inputs[0], inputs[1], inputs[2])); });
}

TEST(Pretrained, BertTakesTypesAndMaskOrNot) {
  Bert model({.tokens = 5, .width = 4, .layers = 1, .heads = 1, .hidden = 4, .context = 4});
  model.eval();
  const Tensor ids = tensor({{1, 2, 3}}, i64);
  EXPECT_EQ(model(ids).values(), model(ids, zeros({1, 3}, i64), ones({1, 3}, boolean)).values());
  EXPECT_THAT(message_of([&] { model(ids, zeros({3}, i64)); }), HasSubstr("types [3] for tokens [1, 3]"));
}

TEST(Pretrained, ModelsTrain) {
  ResNet model({.blocks = {1, 1}, .channels = 4, .classes = 2});
  optim::Optimizer optimizer(model, optim::AdamW{.lr = 0.01});
  Rng rng(1);
  const Tensor images = randn({4, 3, 16, 16}, f32, rng), classes = tensor({0, 1, 0, 1}, i64);
  std::vector<double> losses;
  for (int i = 0; i < 20; ++i) {
    optimizer.zero_grad();
    const Tensor loss = nn::cross_entropy(model(images), classes);
    loss.backward();
    optimizer.step();
    losses.push_back(loss.item());
  }
  EXPECT_LT(losses.back(), 0.5 * losses.front());
}

}  // namespace
}  // namespace tapegrad::io
