// bench/training_bench.cpp's work on libtorch, to be run beside it: scripts/compare does.

#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <cmath>
#include <vector>

namespace {

using torch::Tensor;
namespace nn = torch::nn;

constexpr double kRate = 1e-3;
// At more the larger GPT's loss rises, and then rounding decides.
constexpr double kGptRate = 1e-4;

Tensor ids_of(torch::IntArrayRef shape, std::int64_t count) {
  Tensor ids = torch::empty(shape, torch::kInt64);
  for (std::int64_t i = 0; i < ids.numel(); ++i) ids.data_ptr<std::int64_t>()[i] = i * 7919 % count;
  return ids;
}

Tensor loss_of(const Tensor& logits, const Tensor& target) { return nn::functional::cross_entropy(logits, target); }

void scatter(Tensor t, double scale) {
  const torch::NoGradGuard off;
  for (std::int64_t i = 0; i < t.numel(); ++i)
    t.data_ptr<float>()[i] = static_cast<float>((static_cast<std::uint32_t>(i) * 2654435761u >> 8) * 0x1p-23 - 1) *
                             static_cast<float>(scale);
}
Tensor input(torch::IntArrayRef shape) {
  Tensor x = torch::empty(shape);
  scatter(x, 1);
  return x;
}

std::vector<Tensor> prepared(const std::vector<Tensor>& parameters) {
  for (const Tensor& p : parameters) {
    if (p.dim() > 1)
      scatter(p, 1 / std::sqrt(static_cast<double>(p.numel() / p.size(0))));
    else if (p[0].item<float>() != 1)
      scatter(p, 0);
  }
  return parameters;
}

template <class Optimizer, class Loss>
void train(benchmark::State& state, Optimizer optimizer, const Loss& loss) {
  const auto step = [&] {
    loss().backward();
    optimizer.step();
    optimizer.zero_grad();
  };
  for (int i = 0; i < 10; ++i) step();
  state.counters["loss"] = loss().template item<double>();
  for (auto& group : optimizer.param_groups()) group.options().set_lr(1e-3 * kRate);
  for (auto _ : state) step();
}

void of_steps(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();
}

void Mlp(benchmark::State& state) {
  const std::int64_t batch = state.range(0);
  nn::Sequential model(nn::Linear(784, 512), nn::ReLU(), nn::Linear(512, 512), nn::ReLU(), nn::Linear(512, 10));
  const Tensor x = input({batch, 784}), target = ids_of({batch}, 10);
  train(state, torch::optim::Adam(prepared(model->parameters()), torch::optim::AdamOptions(kRate)),
        [&] { return loss_of(model->forward(x), target); });
}
BENCHMARK(Mlp)->Arg(32)->Arg(128)->Arg(512)->Apply(of_steps);

struct TextModel : nn::Module {
  nn::Embedding embedding = register_module("embedding", nn::Embedding(20'000, 16));
  nn::Linear out = register_module("out", nn::Linear(16, 2));
};

void Text(benchmark::State& state) {
  TextModel model;
  const Tensor ids = ids_of({32, 256}, 20'000), target = ids_of({32}, 2);
  train(state, torch::optim::Adam(prepared(model.parameters()), torch::optim::AdamOptions(kRate)),
        [&] { return loss_of(model.out(model.embedding(ids).mean(1)), target); });
}
BENCHMARK(Text)->ArgName("exact")->Arg(1)->Apply(of_steps);

void Cnn(benchmark::State& state) {
  nn::Sequential model(nn::Conv2d(nn::Conv2dOptions(1, 32, 3)), nn::ReLU(), nn::MaxPool2d(2),
                       nn::Conv2d(nn::Conv2dOptions(32, 64, 3)), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(),
                       nn::Linear(64 * 25, 128), nn::ReLU(), nn::Linear(128, 10));
  const Tensor x = input({64, 1, 28, 28}), target = ids_of({64}, 10);
  train(state, torch::optim::Adam(prepared(model->parameters()), torch::optim::AdamOptions(kRate)),
        [&] { return loss_of(model->forward(x), target); });
}
BENCHMARK(Cnn)->Apply(of_steps);

struct BlockImpl : nn::Module {
  BlockImpl(std::int64_t width, std::int64_t heads_)
      : heads(heads_),
        norm1(register_module("norm1", nn::LayerNorm(nn::LayerNormOptions({width})))),
        norm2(register_module("norm2", nn::LayerNorm(nn::LayerNormOptions({width})))),
        in(register_module("in", nn::Linear(width, 3 * width))),
        out(register_module("out", nn::Linear(width, width))),
        expand(register_module("expand", nn::Linear(width, 4 * width))),
        contract(register_module("contract", nn::Linear(4 * width, width))) {}

  Tensor forward(Tensor x, const Tensor& hidden) {
    const std::int64_t batch = x.size(0), length = x.size(1), width = x.size(2);
    const auto parts = in(norm1(x)).view({batch, length, 3, heads, width / heads}).permute({2, 0, 3, 1, 4}).unbind(0);
    const double scale = 1 / std::sqrt(static_cast<double>(width / heads));
    const Tensor scores = torch::matmul(parts[0], parts[1].transpose(-2, -1)) * scale;
    const Tensor mixed = torch::matmul(torch::softmax(scores.masked_fill(hidden, -INFINITY), -1), parts[2]);
    x = x + out(mixed.transpose(1, 2).reshape({batch, length, width}));
    return x + contract(torch::gelu(expand(norm2(x)), "tanh"));
  }

  std::int64_t heads;
  nn::LayerNorm norm1, norm2;
  nn::Linear in, out, expand, contract;
};
TORCH_MODULE(Block);

struct GptModel : nn::Module {
  GptModel(std::int64_t width, std::int64_t layers, std::int64_t heads, std::int64_t context)
      : embedding(register_module("embedding", nn::Embedding(65, width))),
        positions(register_parameter("positions", torch::randn({context, width}) * 0.02)),
        bias(register_parameter("bias", torch::zeros({65}))),
        norm(register_module("norm", nn::LayerNorm(nn::LayerNormOptions({width})))),
        hidden(torch::ones({context, context}, torch::kBool).triu(1)) {
    for (std::int64_t i = 0; i < layers; ++i)
      blocks.push_back(register_module("block" + std::to_string(i), Block(width, heads)));
  }
  Tensor forward(const Tensor& ids) {
    Tensor x = embedding(ids) + positions;
    for (Block& block : blocks) x = block(x, hidden);
    return torch::linear(norm(x), embedding->weight, bias).flatten(0, 1);
  }
  nn::Embedding embedding;
  Tensor positions, bias;
  nn::LayerNorm norm;
  Tensor hidden;
  std::vector<Block> blocks;
};

void Gpt(benchmark::State& state) {
  const std::int64_t width = state.range(0), layers = state.range(1), batch = state.range(2), context = state.range(3);
  GptModel model(width, layers, width / 32 > 6 ? 6 : width / 32, context);
  const Tensor ids = ids_of({batch, context}, 65), target = ids_of({batch * context}, 65);
  const std::vector<Tensor> parameters = prepared(model.parameters());
  // Ours has a layer each for queries, keys and values.
  for (Block& block : model.blocks)
    for (const Tensor& part : block->in->weight.chunk(3)) scatter(part, 1 / std::sqrt(static_cast<double>(width)));
  train(state, torch::optim::AdamW(parameters, torch::optim::AdamWOptions(kGptRate).weight_decay(0.01)),
        [&] { return loss_of(model.forward(ids), target); });
}
BENCHMARK(Gpt)->Args({128, 4, 8, 128})->Args({384, 6, 4, 256})->Apply(of_steps);

constexpr std::int64_t kSteps = 64;

struct SequenceModel : nn::Module {
  nn::LSTM lstm = register_module("lstm", nn::LSTM(nn::LSTMOptions(64, 128).batch_first(true)));
  nn::Linear out = register_module("out", nn::Linear(128, 10));
};

void Lstm(benchmark::State& state) {
  SequenceModel model;
  // Ours has one bias.
  model.lstm->named_parameters()["bias_hh_l0"].set_requires_grad(false);
  const Tensor x = input({32, kSteps, 64}), target = ids_of({32}, 10);
  train(state, torch::optim::Adam(prepared(model.parameters()), torch::optim::AdamOptions(kRate)),
        [&] { return loss_of(model.out(std::get<0>(model.lstm(x)).select(1, -1)), target); });
}
BENCHMARK(Lstm)->Apply(of_steps);

struct UnrolledModel : nn::Module {
  nn::Linear in = register_module("in", nn::Linear(64, 512));
  nn::Linear recurrent = register_module("recurrent", nn::Linear(nn::LinearOptions(128, 512).bias(false)));
  nn::Linear out = register_module("out", nn::Linear(128, 10));
  Tensor forward(const Tensor& x) {
    Tensor h = torch::zeros({32, 128}), c = h;
    for (std::int64_t t = 0; t < kSteps; ++t) {
      const auto gates = (in(x[t]) + recurrent(h)).split(128, 1);
      c = torch::sigmoid(gates[1]) * c + torch::sigmoid(gates[0]) * torch::tanh(gates[2]);
      h = torch::sigmoid(gates[3]) * torch::tanh(c);
    }
    return out(h);
  }
};

void LstmUnrolled(benchmark::State& state) {
  UnrolledModel model;
  const Tensor x = input({kSteps, 32, 64}), target = ids_of({32}, 10);
  train(state, torch::optim::Adam(prepared(model.parameters()), torch::optim::AdamOptions(kRate)),
        [&] { return loss_of(model.forward(x), target); });
}
BENCHMARK(LstmUnrolled)->Apply(of_steps);

void PolicyTick(benchmark::State& state) {
  nn::Linear first(32, 64), second(64, 64), third(64, 8);
  const Tensor x = input({1, 32});
  const torch::NoGradGuard off;
  for (auto _ : state) benchmark::DoNotOptimize(third(torch::relu(second(torch::relu(first(x))))));
}
BENCHMARK(PolicyTick);

}  // namespace

int main(int argc, char** argv) {
  if (const char* threads = std::getenv("OMP_NUM_THREADS")) torch::set_num_threads(std::atoi(threads));
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
