#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/interchange/internal/onnx_writer.hpp>
#include <tapegrad/interchange/onnx_save.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "../message_of.hpp"
#include "../needs.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::onnx {
namespace {

using ::testing::HasSubstr;

class OnnxSave : public ::testing::Test {
 protected:
  /// Saves a graph with the values of its inputs and outputs, to be tried elsewhere.
  void save_case(const std::string& name, const NamedTensors& outputs, const SaveOptions& options) {
    const std::string model = name + ".onnx";
    save(folder_.path(model), outputs, options);
    nlohmann::json files{{"model", model}, {"inputs", nlohmann::json::object()}, {"outputs", nlohmann::json::object()}};
    const auto put = [&](const char* kind, const NamedTensors& tensors) {
      for (const NamedTensor& t : tensors) {
        const std::string file = name + "-" + t.name + ".npy";
        io::save_npy(folder_.path(file), t.tensor.detach());
        files[kind][t.name] = file;
      }
    };
    put("inputs", options.inputs);
    put("outputs", outputs);
    cases_.push_back(files);
  }

  /// What onnx.checker, and then ONNX Runtime, have to say of all that was saved: nothing, if all is well.
  std::string checked() const {
    folder_.write("models.json", cases_.dump());
    folder_.write("check.py",
                  "import json, onnx\n"
                  "for case in json.load(open('models.json')):\n"
                  "  try: onnx.checker.check_model(onnx.load(case['model']), full_check=True)\n"
                  "  except Exception as error: print(case['model'], str(error).splitlines()[0])\n");
    return output_of("/usr/bin/python3 check.py");
  }
  std::string run() const {
    folder_.write("models.json", cases_.dump());
    return output_of("node " TAPEGRAD_RUN_MODELS " . " TAPEGRAD_NODE_FOLDER);
  }

  std::string output_of(const std::string& command) const {
    const int status = std::system(("cd " + folder_.path() + " && " + command + " > out 2>&1").c_str());
    EXPECT_EQ(status, 0);
    return content_of(folder_.path("out"));
  }

  const TemporaryFolder folder_;
  nlohmann::json cases_ = nlohmann::json::array();
};

#define SKIP_WITHOUT_CHECKER \
  SKIP_UNLESS(std::system("/usr/bin/python3 -c 'import onnx' > /dev/null 2>&1") == 0, "needs Debian's python3-onnx")

Tensor narrow(const Tensor& t) { return t.defined() && t.dtype() == f64 ? cast(t.detach(), f32) : t; }

/// Every sample of every operation that can be written, in f32.
class EveryExporter : public OnnxSave {
 protected:
  void save_all() {
    Rng rng(11);
    for (const OpEntry* op : all_ops()) {
      if (!find_exporter(op->info().name)) continue;
      const std::vector<Sample> samples = op->samples(rng);
      std::size_t written = 0;
      for (std::size_t i = 0; i < samples.size(); ++i) written += save_sample(*op, samples[i], i);
      EXPECT_GT(written, 0U) << op->info().name;
      ++ops_;
    }
    EXPECT_GE(ops_, 110U);
  }
  std::size_t ops_ = 0;

 private:
  bool save_sample(const OpEntry& op, const Sample& sample, std::size_t i) {
    std::vector<Tensor> given;
    SaveOptions options;
    for (const Tensor& t : sample.inputs) {
      given.push_back(narrow(t));
      const bool is_new =
          std::ranges::none_of(options.inputs, [&](const NamedTensor& n) { return n.tensor.same_as(given.back()); });
      if (given.back().defined() && is_new)
        options.inputs.push_back({"in" + std::to_string(options.inputs.size()), given.back()});
    }
    const Trace trace;
    const std::vector<Tensor> results = sample.call(given);
    NamedTensors outputs;
    for (const Tensor& result : results) outputs.push_back({"out" + std::to_string(outputs.size()), result});
    try {
      save_case(std::string(op.info().name) + "-" + std::to_string(i), outputs, options);
      return true;
    } catch (const ValueError&) {
      return false;
    }
  }
};

TEST_F(EveryExporter, IsAcceptedByTheChecker) {
  SKIP_WITHOUT_CHECKER;
  save_all();
  EXPECT_EQ(checked(), "");
}

TEST_F(EveryExporter, GivesOurNumbersInOnnxRuntime) {
  SKIP_WITHOUT_NODE_PACKAGE("onnxruntime-node");
  save_all();
  EXPECT_EQ(run(), "");
}

TEST_F(OnnxSave, WritesATrainingStep) {
  SKIP_WITHOUT_NODE_PACKAGE("onnxruntime-node");
  Rng rng(3);
  const Tensor x = randn({4, 3}, f32, rng);
  const Tensor weight = parameter(randn({3, 2}, f32, rng)), bias = parameter(zeros({2}));
  const Tensor seed = scalar(1);
  const Trace trace;
  const Tensor loss = mean(square(tanh(matmul(x, weight) + bias) - 0.5));
  const std::vector<Tensor> gradients =
      grad(std::vector{loss}, std::vector{weight, bias}, std::vector{seed}, {.create_graph = true});
  save_case("step", {{"loss", loss}, {"weight'", weight - gradients[0] * 0.1}, {"bias'", bias - gradients[1] * 0.1}},
            {.inputs = {{"x", x}}, .parameters = {{"weight", weight}, {"bias", bias}}});
  EXPECT_EQ(run(), "");
}

TEST_F(OnnxSave, NamesParametersAndKeepsMetadata) {
  const Tensor x = ones({1, 2}), w = parameter(ones({2, 2}));
  save(folder_.path("a.onnx"), {{"y", matmul(x, w)}},
       {.inputs = {{"x", x}}, .parameters = {{"layer.weight", w}}, .metadata = {{"licence", "none of note"}}});
  const std::string bytes = content_of(folder_.path("a.onnx"));
  EXPECT_THAT(bytes, HasSubstr("layer.weight"));
  EXPECT_THAT(bytes, HasSubstr("none of note"));
  EXPECT_THAT(bytes, HasSubstr("MatMul"));
}

TEST_F(OnnxSave, ListsAllThatHasNoEquivalent) {
  const Tensor a = parameter(eye(2));
  const std::string message = message_of<ValueError>([&] {
    save(folder_.path("a.onnx"), {{"y", cholesky(a) + inverse(a)}});
  });
  EXPECT_THAT(message, HasSubstr("cholesky, inverse"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("a.onnx")));
}

TEST_F(OnnxSave, RefusesNamesThatAreNone) {
  const Tensor x = parameter(ones({1}));
  const Tensor y = exp(x);
  EXPECT_THROW(save(folder_.path("a.onnx"), {}), ValueError);
  EXPECT_THROW(save(folder_.path("a.onnx"), {{"", y}}), ValueError);
  EXPECT_THROW(save(folder_.path("a.onnx"), {{"a", y}, {"a", y}}), ValueError);
  EXPECT_THROW(save(folder_.path("a.onnx"), {{"a", y}}, {.inputs = {{"a", x}}}), ValueError);
}

TEST_F(OnnxSave, SaysWhichValueIsGone) {
  const Tensor w = parameter(ones({2}));
  const Tensor y = w + ones({2});
  EXPECT_THAT(message_of<GraphError>([&] { save(folder_.path("a.onnx"), {{"y", y}}); }), HasSubstr("is gone"));
}

}  // namespace
}  // namespace tapegrad::onnx
