// Steps of training have the same bits on any number of threads.

#include <gtest/gtest.h>

#include <memory>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/activations.hpp>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/models/language_model.hpp>
#include <tapegrad/nn/pooling.hpp>
#include <tapegrad/nn/recurrent.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/optimizer.hpp>

namespace tapegrad::nn {
namespace {

/// All parameters after three steps of a model that `make` makes, and that `forward` computes logits with.
template <class Make, class Forward>
std::vector<std::vector<double>> trained(int threads, const Make& make, const Forward& forward, const Tensor& target,
                                         optim::SparseUpdate sparse) {
  const int before = num_threads();
  set_num_threads(threads);
  default_rng() = Rng(7);
  auto model = make();
  optim::Optimizer optimizer(*model, optim::Adam{.sparse = sparse});
  for (int i = 0; i < 3; ++i) {
    cross_entropy(forward(*model), target).backward();
    optimizer.step();
    optimizer.zero_grad();
  }
  std::vector<std::vector<double>> all;
  for (const auto& [name, parameter] : model->named_parameters()) all.push_back(parameter.values());
  set_num_threads(before);
  return all;
}

template <class Make, class Forward>
void expect_same_bits(const Make& make, const Forward& forward, const Tensor& target,
                      optim::SparseUpdate sparse = optim::SparseUpdate::lazy) {
  const auto one = trained(1, make, forward, target, sparse);
  for (const int threads : {2, 3}) EXPECT_EQ(trained(threads, make, forward, target, sparse), one) << threads;
}

Tensor ids_of(const Shape& shape, std::int64_t count) {
  Tensor ids = empty(shape, i64);
  std::int64_t i = 0;
  for (std::int64_t& id : ids.mutable_data<std::int64_t>()) id = i++ * 7919 % count;
  return ids;
}

TEST(StepThreads, OfAnMlp) {
  const Tensor x = rand({128, 300});
  expect_same_bits(
      [] {
        return std::make_unique<Sequential>(Sequential{Linear(300, 512), relu, Linear(512, 10)});
      },
      [&](Sequential& model) { return model(x); }, ids_of({128}, 10));
}

struct TextModel : Module {
  Embedding embedding{*this, "embedding", 5'000, 32};
  Linear out{*this, "out", 32, 2};
};

TEST(StepThreads, OfATextModel) {
  const Tensor ids = ids_of({32, 200}, 5'000);
  for (const auto sparse : {optim::SparseUpdate::lazy, optim::SparseUpdate::exact})
    expect_same_bits([] { return std::make_unique<TextModel>(); },
                     [&](TextModel& model) { return model.out(mean(model.embedding(ids), {1})); }, ids_of({32}, 2),
                     sparse);
}

TEST(StepThreads, OfAConvolutionalModel) {
  const Tensor x = rand({16, 1, 28, 28});
  expect_same_bits(
      [] {
        return std::make_unique<Sequential>(Sequential{Conv2d(1, 8, 3), relu, MaxPool2d(2), Conv2d(8, 16, 3), relu,
                                                       MaxPool2d(2), Flatten(), Linear(400, 10)});
      },
      [&](Sequential& model) { return model(x); }, ids_of({16}, 10));
}

struct SequenceModel : Module {
  Lstm lstm{*this, "lstm", 16, 128};
  Linear out{*this, "out", 128, 10};
};

TEST(StepThreads, OfAnLstm) {
  const Tensor x = rand({200, 12, 16});
  expect_same_bits([] { return std::make_unique<SequenceModel>(); },
                   [&](SequenceModel& model) { return model.out(select(model.lstm(x).output, 1, -1)); },
                   ids_of({200}, 10));
}

TEST(StepThreads, OfAGpt) {
  const Tensor ids = ids_of({4, 128}, 65);
  expect_same_bits(
      [] {
        return models::LanguageModel::make({.kind = models::LanguageModelKind::gpt,
                                            .tokens = 65,
                                            .width = 64,
                                            .layers = 2,
                                            .heads = 4,
                                            .context = 128,
                                            .dropout = 0.1});
      },
      [&](models::LanguageModel& model) { return model.forward(ids); }, ids_of({512}, 65));
}

}  // namespace
}  // namespace tapegrad::nn
