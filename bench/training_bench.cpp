// A step of training of whole models, of the sizes that bench/peers/libtorch_training.cpp has too, and one tick of a
// policy. Weights and inputs are the same there, and so is the loss after ten steps, which each row reports; from then
// on the learning rate is tiny, so that every step does the same work. Time is that of the process' threads together;
// TAPEGRAD_NUM_THREADS sets how many there are.

#include <benchmark/benchmark.h>

#include <cmath>
#include <memory>
#include <tapegrad/tapegrad.hpp>

namespace {

using namespace tapegrad;
using nn::kNoOwner;

constexpr double kRate = 1e-3;
// At more the larger GPT's loss rises, and then rounding decides.
constexpr double kGptRate = 1e-4;

/// ids [shape], spread over [0, count).
Tensor ids_of(const Shape& shape, std::int64_t count) {
  Tensor ids = empty(shape, i64);
  std::int64_t i = 0;
  for (std::int64_t& id : ids.mutable_data<std::int64_t>()) id = i++ * 7919 % count;
  return ids;
}

/// Numbers in [-scale, scale), as if they were random.
void scatter(Tensor t, double scale) {
  const NoGrad off;
  std::uint32_t i = 0;
  for (float& v : t.mutable_data<float>())
    v = static_cast<float>((i++ * 2654435761u >> 8) * 0x1p-23 - 1) * static_cast<float>(scale);
}
Tensor input(const Shape& shape) {
  Tensor x = empty(shape, f32);
  scatter(x, 1);
  return x;
}

/// Weights in [-1, 1) / √n of n inputs, biases of 0; factors of norms stay 1.
template <class M>
M& prepared(M& model) {
  for (const Tensor& p : model.parameters()) {
    if (p.rank() > 1)
      scatter(p, 1 / std::sqrt(static_cast<double>(p.numel() / p.shape()[0])));
    else if (p.values()[0] != 1)
      scatter(p, 0);
  }
  return model;
}

/// Runs the step, whose loss `loss()` computes, until its time is known.
template <class Loss>
void train(benchmark::State& state, optim::Optimizer optimizer, const Loss& loss) {
  const auto step = [&] {
    loss().backward();
    optimizer.step();
    optimizer.zero_grad();
  };
  for (int i = 0; i < 10; ++i) step();
  state.counters["loss"] = loss().item();
  optimizer.set_rate_factor(1e-3);
  for (auto _ : state) step();
}

/// Marks a benchmark of whole steps: milliseconds, of all threads and on the clock.
void of_steps(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();
}

void Mlp(benchmark::State& state) {
  const std::int64_t batch = state.range(0);
  nn::Sequential model{nn::Linear(784, 512), relu, nn::Linear(512, 512), relu, nn::Linear(512, 10)};
  const Tensor x = input({batch, 784}), target = ids_of({batch}, 10);
  train(state, optim::Optimizer(prepared(model), optim::Adam{.lr = kRate}),
        [&] { return cross_entropy(model(x), target); });
}
BENCHMARK(Mlp)->Arg(32)->Arg(128)->Arg(512)->Apply(of_steps);

struct TextModel : nn::Module {
  nn::Embedding embedding{*this, "embedding", 20'000, 16};
  nn::Linear out{*this, "out", 16, 2};
  Tensor forward(const Tensor& ids) const { return out(mean(embedding(ids), {1})); }
};

/// All rows of the table are updated if the argument is not 0, else those that occur.
void Text(benchmark::State& state) {
  TextModel model;
  const Tensor ids = ids_of({32, 256}, 20'000), target = ids_of({32}, 2);
  const auto sparse = state.range(0) == 1 ? optim::SparseUpdate::exact : optim::SparseUpdate::lazy;
  train(state, optim::Optimizer(prepared(model), optim::Adam{.lr = kRate, .sparse = sparse}),
        [&] { return cross_entropy(model.forward(ids), target); });
}
BENCHMARK(Text)->ArgName("exact")->Arg(1)->Arg(0)->Apply(of_steps);

void Cnn(benchmark::State& state) {
  nn::Sequential model{
      nn::Conv2d(1, 32, 3),     relu, nn::MaxPool2d(2),   nn::Conv2d(32, 64, 3), relu, nn::MaxPool2d(2), nn::Flatten(),
      nn::Linear(64 * 25, 128), relu, nn::Linear(128, 10)};
  const Tensor x = input({64, 1, 28, 28}), target = ids_of({64}, 10);
  train(state, optim::Optimizer(prepared(model), optim::Adam{.lr = kRate}),
        [&] { return cross_entropy(model(x), target); });
}
BENCHMARK(Cnn)->Apply(of_steps);

/// width, layers, batch, context
void Gpt(benchmark::State& state) {
  const std::int64_t width = state.range(0), layers = state.range(1), batch = state.range(2), context = state.range(3);
  const auto model = nn::models::LanguageModel::make({.kind = nn::models::LanguageModelKind::gpt,
                                                      .tokens = 65,
                                                      .width = width,
                                                      .layers = layers,
                                                      .heads = width / 32 > 6 ? 6 : width / 32,
                                                      .context = context,
                                                      .dropout = 0});
  const Tensor ids = ids_of({batch, context}, 65), target = ids_of({batch * context}, 65);
  train(state, optim::Optimizer(prepared(*model), optim::AdamW{.lr = kGptRate, .weight_decay = 0.01}),
        [&] { return cross_entropy(model->forward(ids), target); });
}
BENCHMARK(Gpt)->Args({128, 4, 8, 128})->Args({384, 6, 4, 256})->Apply(of_steps);

constexpr std::int64_t kSteps = 64;

struct SequenceModel : nn::Module {
  nn::Lstm lstm{*this, "lstm", 64, 128};
  nn::Linear out{*this, "out", 128, 10};
  Tensor forward(const Tensor& x) const { return out(select(lstm(x).output, 1, -1)); }
};

void Lstm(benchmark::State& state) {
  SequenceModel model;
  const Tensor x = input({32, kSteps, 64}), target = ids_of({32}, 10);
  train(state, optim::Optimizer(prepared(model), optim::Adam{.lr = kRate}),
        [&] { return cross_entropy(model.forward(x), target); });
}
BENCHMARK(Lstm)->Apply(of_steps);

struct UnrolledModel : nn::Module {
  nn::Linear in{*this, "in", 64, 512};
  nn::Linear recurrent{*this, "recurrent", 128, 512, {.bias = false}};
  nn::Linear out{*this, "out", 128, 10};
  Tensor forward(const Tensor& x) const {
    Tensor h = zeros({32, 128}), c = h;
    for (std::int64_t t = 0; t < kSteps; ++t) {
      const auto gates = split(in(select(x, 0, t)) + recurrent(h), 128, 1);
      c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
      h = sigmoid(gates[3]) * tanh(c);
    }
    return out(h);
  }
};

/// The same cell from single operations.
void LstmUnrolled(benchmark::State& state) {
  UnrolledModel model;
  const Tensor x = input({kSteps, 32, 64}), target = ids_of({32}, 10);
  train(state, optim::Optimizer(prepared(model), optim::Adam{.lr = kRate}),
        [&] { return cross_entropy(model.forward(x), target); });
}
BENCHMARK(LstmUnrolled)->Apply(of_steps);

/// One observation through a policy of 32-64-64-8, nothing recorded.
void PolicyTick(benchmark::State& state) {
  const nn::Linear first(32, 64), second(64, 64), third(64, 8);
  const Tensor x = input({1, 32});
  const NoGrad off;
  for (auto _ : state) benchmark::DoNotOptimize(third(relu(second(relu(first(x))))));
}
BENCHMARK(PolicyTick);

}  // namespace
