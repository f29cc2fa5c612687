#include <gmock/gmock.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/interchange/internal/onnx_exporters.hpp>
#include <tapegrad/interchange/onnx.hpp>
#include <tapegrad/interchange/onnx_save.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/nn/recurrent.hpp>
#include <tapegrad/nn/transformer.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/convolution.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/embedding.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/linear.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/pooling.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>

#include "../message_of.hpp"
#include "../needs.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::onnx {
namespace {

using ::testing::HasSubstr;

/// What is saved, to be read by others.
class SavedModels {
 public:
  /// Saves a graph with the values of its inputs and outputs, to be tried elsewhere.
  void save_case(const std::string& name, const NamedTensors& outputs, const SaveOptions& options) {
    save(folder_.path(name + ".onnx"), outputs, options);
    add_case(name + ".onnx", name, options.inputs, outputs);
  }
  void add_case(const std::string& model, const std::string& name, const NamedTensors& inputs,
                const NamedTensors& outputs) {
    nlohmann::json files{{"model", model}, {"inputs", nlohmann::json::object()}, {"outputs", nlohmann::json::object()}};
    const auto put = [&](const char* kind, const NamedTensors& tensors) {
      for (const NamedTensor& t : tensors) {
        const std::string file = name + "-" + t.name + ".npy";
        io::save_npy(folder_.path(file), t.tensor.detach());
        files[kind][t.name] = file;
      }
    };
    put("inputs", inputs);
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

 protected:
  std::string output_of(const std::string& command) const {
    const int status = std::system(("cd " + folder_.path() + " && " + command + " > out 2>&1").c_str());
    EXPECT_EQ(status, 0);
    return content_of(folder_.path("out"));
  }

  const TemporaryFolder folder_;
  nlohmann::json cases_ = nlohmann::json::array();
};

class OnnxSave : public ::testing::Test, protected SavedModels {};

#define SKIP_WITHOUT_CHECKER \
  SKIP_UNLESS(std::system("/usr/bin/python3 -c 'import onnx' > /dev/null 2>&1") == 0, "needs Debian's python3-onnx")

Tensor narrow(const Tensor& t) { return t.defined() && t.dtype() == f64 ? cast(t.detach(), f32) : t; }

/// Every sample of every operation that can be written, in f32.
class EverySample : public SavedModels {
 public:
  EverySample() {
    Rng rng(11);
    for (const OpEntry* op : all_ops()) {
      const Exporter* exporter = find_exporter(op->info().name);
      if (!exporter || !exporter->why_not().empty()) continue;
      const std::vector<Sample> samples = op->samples(rng);
      std::size_t written = 0;
      for (std::size_t i = 0; i < samples.size(); ++i) written += save_sample(*op, samples[i], i);
      EXPECT_GT(written, 0U) << op->info().name;
    }
  }

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
    // The last results of some calls are for their gradients alone.
    for (; !outputs.empty(); outputs.pop_back()) try {
        save_case(std::string(op.info().name) + "-" + std::to_string(i), outputs, options);
        return true;
      } catch (const ValueError&) {
      }
    return false;
  }
};

TEST(Exporters, SayOfEachOperationHowOrWhyNot) {
  std::set<std::string_view> operations;
  for (const OpEntry* op : all_ops()) {
    operations.insert(op->info().name);
    EXPECT_TRUE(find_exporter(op->info().name)) << op->info().name;
  }
  std::set<std::string_view> seen;
  for (const auto family : kExporters)
    for (const Exporter& exporter : family()) {
      EXPECT_TRUE(operations.contains(exporter.op)) << exporter.op << " is no operation";
      EXPECT_TRUE(seen.insert(exporter.op).second) << exporter.op << " is there twice";
    }
}

/// They are saved once.
class EveryExporter : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { samples_ = std::make_unique<EverySample>(); }
  static void TearDownTestSuite() { samples_.reset(); }
  static std::unique_ptr<EverySample> samples_;
};
std::unique_ptr<EverySample> EveryExporter::samples_;

TEST_F(EveryExporter, IsAcceptedByTheChecker) {
  SKIP_WITHOUT_CHECKER;
  EXPECT_EQ(samples_->checked(), "");
}

TEST_F(EveryExporter, GivesOurNumbersInOnnxRuntime) {
  SKIP_WITHOUT_NODE_PACKAGE("onnxruntime-node");
  EXPECT_EQ(samples_->run(), "");
}

/// Saved with open sizes, and tried at others than it was recorded with.
class OpenSizes : public OnnxSave {
 protected:
  void save_open(const std::string& name, const std::vector<Size>& sizes, const Recorder& record,
                 const std::vector<Sizes>& others, const SaveOptions& options = {}) {
    save(folder_.path(name + ".onnx"), sizes, record, options);
    for (std::size_t i = 0; i < others.size(); ++i) {
      const Recording at = record(others[i]);
      add_case(name + ".onnx", name + "-" + std::to_string(i), at.inputs, at.outputs);
    }
  }
  Rng rng_{5};
};

TEST_F(OpenSizes, OfABatchAndALengthInOnnxRuntime) {
  SKIP_WITHOUT_NODE_PACKAGE("onnxruntime-node");
  const std::vector<Sizes> others{{{"batch", 1}, {"length", 7}}, {{"batch", 9}, {"length", 3}}};
  const auto in = [&](const Sizes& size) { return randn({size.at("batch"), size.at("length"), 4}, f32, rng_); };
  const Tensor weight = parameter(randn({6, 4}, f32, rng_)), positions = parameter(randn({40, 4}, f32, rng_));
  // Products of sizes, slices of tables, numbers that follow from sizes, constants that do.
  save_open("formula", {{"batch"}, {"length"}},
            [&](const Sizes& size) {
              const std::int64_t b = size.at("batch"), t = size.at("length");
              const Tensor x = in(size);
              const Tensor y = linear(reshape(x + slice(positions, 0, 0, t), {b * t, 4}), weight);
              const Tensor centred = y - sum(y, {0}) / static_cast<double>(b * t);
              const Tensor z = reshape(centred, {b, t, 6}) * unsqueeze(arange(t), 1) + full({b, 1, 1}, 3);
              return Recording{{{"x", x}}, {{"z", z}, {"variance", var(z, {0, 1})}, {"last", flip(z, {1})}}};
            },
            others, {.parameters = {{"weight", weight}}});
  save_open(
      "gradient", {{"batch"}, {"length"}},
      [&](const Sizes& size) {
        const Tensor x = in(size), seed = scalar(1);
        const Tensor loss = mean(square(tanh(linear(x, weight))));
        const auto g = grad(std::vector{loss}, std::vector{weight}, std::vector{seed}, {.create_graph = true});
        return Recording{{{"x", x}}, {{"loss", loss}, {"gradient", g[0]}}};
      },
      others);
  for (const nn::RecurrentKind kind : {nn::RecurrentKind::lstm, nn::RecurrentKind::gru, nn::RecurrentKind::tanh}) {
    const nn::Recurrent layers(kind, 4, 3, {.layers = 2, .bidirectional = true, .cell = {.rng = &rng_}});
    save_open("recurrent" + std::to_string(static_cast<int>(kind)), {{"batch"}, {"length"}},
              [&](const Sizes& size) {
                const Tensor x = in(size);
                const nn::RecurrentResult y = layers(x);
                return Recording{{{"x", x}}, {{"output", y.output}, {"hidden", y.state.hidden}}};
              },
              others, {.parameters = layers.state()});
  }
  nn::TransformerEncoder blocks(1, 4, 2, {.rng = &rng_});
  blocks.eval();
  save_open(
      "transformer", {{"batch"}, {"length"}},
      [&](const Sizes& size) {
        const Tensor x = in(size);
        return Recording{{{"x", x}}, {{"y", blocks(x, nn::AttentionCall{.causal = true})}}};
      },
      others);
  EXPECT_EQ(run(), "");
}

TEST_F(OpenSizes, OfRunsAndImagesInOnnxRuntime) {
  SKIP_WITHOUT_NODE_PACKAGE("onnxruntime-node");
  const Tensor table = parameter(randn({5, 3}, f32, rng_));
  save_open("bags", {{"texts"}, {"words", 4}},
            [&](const Sizes& size) {
              const std::int64_t texts = size.at("texts"), words = size.at("words");
              const Tensor ids = cast(remainder(arange(words), 5), i64);
              const Tensor offsets = cast(minimum(arange(texts + 1), static_cast<double>(words)), i64);
              const Tensor ends = where(equal(offsets, texts), full({}, static_cast<double>(words), i64), offsets);
              return Recording{
                  {{"ids", ids}, {"offsets", ends.detach()}},
                  {{"means", embedding_bag(table, ids, ends)}, {"sums", segment_sum(embedding(table, ids), ends)}}};
            },
            {{{"texts", 3}, {"words", 8}}, {{"texts", 5}, {"words", 6}}});
  const Tensor kernel = parameter(randn({2, 1, 3, 3}, f32, rng_));
  save_open("images", {{"batch"}, {"height", 8}, {"width", 8}},
            [&](const Sizes& size) {
              const Tensor x = randn({size.at("batch"), 1, size.at("height"), size.at("width")}, f32, rng_);
              const Tensor y = relu(conv2d(x, kernel, {.stride = 2, .padding = 1}));
              return Recording{{{"x", x}}, {{"y", adaptive_avg_pool2d(y, 1)}, {"mean", mean(y, {2, 3})}, {"map", y}}};
            },
            {{{"batch", 1}, {"height", 9}, {"width", 16}}, {{"batch", 4}, {"height", 30}, {"width", 11}}});
  EXPECT_EQ(run(), "");
}

TEST_F(OpenSizes, DeclareTheirNames) {
  save(folder_.path("a.onnx"), {{"n"}}, [](const Sizes& size) {
    const Tensor x = parameter(ones({size.at("n") + 1, 2}));
    return Recording{{{"x", x}}, {{"y", concat({x, x}, 0)}}};
  });
  const Model model = load(folder_.path("a.onnx"));
  EXPECT_EQ(describe(model.inputs()[0]), "x: float [n + 1, 2]");
  EXPECT_EQ(describe(model.outputs()[0]), "y: float [2*n + 2, 2]");
  EXPECT_EQ(model(ones({7, 2}))[0].shape(), Shape({14, 2}));
}

TEST_F(OpenSizes, RefuseWhatWouldKeepARecordedSize) {
  const auto message = [&](const Recorder& record) {
    return message_of<Error>([&] { save(folder_.path("a.onnx"), {{"n"}}, record); });
  };
  const auto of = [](const Tensor& x, const Tensor& y) { return Recording{{{"x", x}}, {{"y", y}}}; };
  EXPECT_THAT(message([&](const Sizes& size) {
                const Tensor x = parameter(ones({size.at("n")}));
                return of(x, x * std::sqrt(static_cast<double>(size.at("n"))));
              }),
              HasSubstr("depends on the sizes"));
  EXPECT_THAT(message([&](const Sizes& size) {
                Tensor x = parameter(ones({size.at("n")})), y = x;
                for (std::int64_t i = 0; i < size.at("n"); ++i) y = exp(y);
                return of(x, y);
              }),
              HasSubstr("what is recorded depends on the sizes: "));
  EXPECT_THAT(message([&](const Sizes& size) {
                const Tensor x = parameter(ones({size.at("n"), 1, 4 * size.at("n")}));
                return of(x, adaptive_avg_pool1d(x, 2));
              }),
              HasSubstr("'kernel_shape' of AveragePool depends on the sizes"));
  EXPECT_THAT(message([&](const Sizes&) {
                const Tensor x = parameter(ones({3}));
                return of(x, exp(x));
              }),
              HasSubstr("no input has an axis of the size 'n'"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("a.onnx")));
  EXPECT_THROW(save(folder_.path("a.onnx"), {{"n"}, {"n"}}, [&](const Sizes&) { return Recording{}; }), ValueError);
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
  EXPECT_THAT(message, HasSubstr("cholesky (ONNX has no decomposition of matrices, and no equations), inverse ("));
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
