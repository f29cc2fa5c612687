#include "language_model.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/positions.hpp>
#include <tapegrad/nn/transformer.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/matmul.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::tools {
namespace {

using nlohmann::ordered_json;

/// Logits by comparison with each token's vector (Press and Wolf 2017).
Tensor compare(const Tensor& states, const nn::Embedding& embedding, const nn::Parameter& bias) {
  return matmul(reshape(states, {-1, states.size(-1)}), transpose(embedding.weight)) + bias;
}

/// Vectors of length 1 or so, whatever the width: they are both what goes in and what states are compared with.
nn::EmbeddingOptions embedding_options(std::int64_t width, Rng& rng) {
  return {.sparse = false, .init = nn::init::normal(0, 1 / std::sqrt(static_cast<double>(width))), .rng = &rng};
}

class LstmLanguageModel final : public LanguageModel {
 public:
  LstmLanguageModel(const LanguageModelSizes& sizes, Rng& rng)
      : embedding(*this, "embedding", sizes.tokens, sizes.width, embedding_options(sizes.width, rng)),
        dropout(*this, "dropout", sizes.dropout),
        lstm(*this, "lstm", sizes.width, sizes.width,
             {.layers = sizes.layers, .dropout = sizes.dropout, .cell = {.rng = &rng}}),
        bias(*this, "bias", zeros({sizes.tokens})) {}

  Tensor forward(const Tensor& ids, LanguageState* state) override {
    const nn::RecurrentResult result = lstm(dropout(embedding(ids)), state ? state->recurrent : nn::RecurrentState{});
    if (state) {
      state->recurrent = result.state;
      state->length += ids.size(1);
    }
    return compare(dropout(result.output), embedding, bias);
  }

  nn::Embedding embedding;
  nn::Dropout dropout;
  nn::Lstm lstm;
  nn::Parameter bias;
};

class GptLanguageModel final : public LanguageModel {
 public:
  GptLanguageModel(const LanguageModelSizes& sizes, Rng& rng)
      : embedding(*this, "embedding", sizes.tokens, sizes.width, embedding_options(sizes.width, rng)),
        positions(*this, "positions", sizes.context, sizes.width, {.rng = &rng}),
        dropout(*this, "dropout", sizes.dropout),
        blocks(*this, "blocks", sizes.layers, sizes.width, sizes.heads,
               {.dropout = sizes.dropout, .activation = [](const Tensor& x) { return gelu_tanh(x); }, .rng = &rng}),
        bias(*this, "bias", zeros({sizes.tokens})) {}

  Tensor forward(const Tensor& ids, LanguageState* state) override {
    const std::int64_t first = state ? state->length : 0;
    if (first + ids.size(1) > positions.weight.size(0))
      throw ValueError("language model: " + std::to_string(first + ids.size(1)) + " tokens; its context is " +
                       std::to_string(positions.weight.size(0)));
    if (state) {
      state->caches.resize(blocks.layers.size());
      state->length += ids.size(1);
    }
    const Tensor x = dropout(positions(embedding(ids), first));
    const std::span<nn::KeyValueCache> caches = state ? std::span(state->caches) : std::span<nn::KeyValueCache>();
    return compare(blocks(x, nn::AttentionCall{.causal = true}, caches), embedding, bias);
  }

  nn::Embedding embedding;
  nn::LearnedPositions positions;
  nn::Dropout dropout;
  nn::TransformerEncoder blocks;
  nn::Parameter bias;
};

constexpr int kConfigVersion = 1;
constexpr std::string_view kKind = "language model";

Tensor as_batch(std::span<const std::int32_t> tokens, std::int64_t rows = 1) {
  return copy_of(tokens, Shape{rows, std::ssize(tokens) / rows});
}

}  // namespace

std::unique_ptr<LanguageModel> LanguageModel::make(const LanguageModelSizes& sizes, Rng& rng) {
  if (sizes.kind == LanguageModelKind::lstm) return std::make_unique<LstmLanguageModel>(sizes, rng);
  return std::make_unique<GptLanguageModel>(sizes, rng);
}

std::string config_json(const LanguageModelSizes& sizes) {
  const ordered_json config = {{"kind", kKind},
                               {"version", kConfigVersion},
                               {"model", sizes.kind == LanguageModelKind::lstm ? "lstm" : "gpt"},
                               {"tokens", sizes.tokens},
                               {"width", sizes.width},
                               {"layers", sizes.layers},
                               {"heads", sizes.heads},
                               {"context", sizes.context},
                               {"dropout", sizes.dropout}};
  return config.dump(2) + "\n";
}

SavedLanguageModel SavedLanguageModel::load(const std::filesystem::path& folder, const LoadOptions& options) {
  Config config(folder);
  config.require(kKind, kConfigVersion);
  SavedLanguageModel saved;
  saved.sizes.kind = config.choice("model", {"lstm", "gpt"}) == 0 ? LanguageModelKind::lstm : LanguageModelKind::gpt;
  saved.sizes.tokens = config.size("tokens", data::BytePairs::kEnd + 1);
  saved.sizes.width = config.size("width");
  saved.sizes.layers = config.size("layers");
  saved.sizes.heads = config.size("heads");
  saved.sizes.context = config.size("context");
  saved.sizes.dropout = config.number("dropout");
  config.finish();
  saved.tokens = data::BytePairs::load(folder / kTokens);
  if (saved.tokens.size() != saved.sizes.tokens)
    throw IoError((folder / kTokens).string() + ": has " + std::to_string(saved.tokens.size()) + " tokens, where " +
                  config.file() + " says " + std::to_string(saved.sizes.tokens));
  const NamedTensors weights = read_weights(folder, options);
  Rng rng;
  saved.model = make_model(config, weights, [&] { return LanguageModel::make(saved.sizes, rng); });
  put_weights(folder, weights, *saved.model);
  return saved;
}

void generate(LanguageModel& model, const LanguageModelSizes& sizes, const data::BytePairs& tokens,
              std::string_view prompt, const GenerateOptions& options, Rng& rng,
              const std::function<void(std::string_view)>& emit) {
  const NoGrad unrecorded;
  const bool limited = sizes.kind == LanguageModelKind::gpt;
  std::vector<std::int32_t> all{data::BytePairs::kEnd};  // what a text begins after
  tokens.encode(prompt, all);
  LanguageState state;
  std::size_t read = 0;  // tokens that the state knows
  for (std::int64_t made = 0; made < options.tokens; ++made) {
    const bool full = limited && state.length + std::ssize(all) - static_cast<std::int64_t>(read) > sizes.context;
    if (full || (limited && !options.cache)) {
      // A GPT begins anew; with a cache, from its last half context, so that this happens seldom.
      state = {};
      const std::int64_t kept = options.cache ? std::max<std::int64_t>(1, sizes.context / 2) : sizes.context;
      read = static_cast<std::size_t>(std::max<std::int64_t>(0, std::ssize(all) - kept));
    }
    const Tensor logits = model.forward(as_batch(std::span<const std::int32_t>(all).subspan(read)), &state);
    read = all.size();
    const auto next = static_cast<std::int32_t>(nn::sample_token(select(logits, 0, -1), options.sampling, rng));
    if (next == data::BytePairs::kEnd) return;
    all.push_back(next);
    emit(tokens.bytes(next));
  }
}

double total_nats(LanguageModel& model, const LanguageModelSizes& sizes, std::span<const std::int32_t> stream) {
  const NoGrad unrecorded;
  double nats = 0;
  const auto add = [&](const Tensor& logits, std::span<const std::int32_t> targets) {
    nats += cross_entropy(logits, copy_of(targets, Shape{std::ssize(targets)}), {.reduction = Reduce::sum}).item();
  };
  const auto size = std::ssize(stream);
  const auto part = [&](std::int64_t begin, std::int64_t end) {
    return stream.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  };
  if (sizes.kind == LanguageModelKind::lstm) {
    LanguageState state;
    constexpr std::int64_t kWindow = 256;
    for (std::int64_t begin = 0; begin + 1 < size; begin += kWindow) {
      const std::int64_t end = std::min(begin + kWindow, size - 1);
      add(model.forward(as_batch(part(begin, end)), &state), part(begin + 1, end + 1));
    }
    return nats;
  }
  // Windows half over each other: what is new in each has half a context before it.
  const std::int64_t step = std::max<std::int64_t>(1, sizes.context / 2);
  for (std::int64_t done = 0; done + 1 < size;) {
    const std::int64_t end = std::min(done == 0 ? sizes.context : done + step, size - 1);
    const std::int64_t begin = std::max<std::int64_t>(0, end - sizes.context);
    const Tensor logits = model.forward(as_batch(part(begin, end)));
    add(slice(logits, 0, done - begin), part(done + 1, end + 1));
    done = end;
  }
  return nats;
}

}  // namespace tapegrad::tools
