#include <algorithm>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/language_model.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/linear.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {
namespace {

Tensor compare(const Tensor& states, const Embedding& embedding, const Parameter& bias) {
  return linear(reshape(states, {-1, states.size(-1)}), embedding.weight, bias);
}

/// Vectors of length 1 or so, whatever the width: they are both what goes in and what states are compared with.
EmbeddingOptions embedding_options(const LanguageModelOptions& options) {
  const double width = static_cast<double>(std::max<std::int64_t>(1, options.width));
  return {.sparse = false, .init = init::normal(0, 1 / std::sqrt(width)), .rng = options.rng};
}

Tensor as_batch(std::span<const std::int32_t> tokens) { return copy_of(tokens, Shape{1, std::ssize(tokens)}); }

}  // namespace

LstmLanguageModel::LstmLanguageModel(const LanguageModelOptions& options)
    : embedding(*this, "embedding", options.tokens, options.width, embedding_options(options)),
      dropout(*this, "dropout", options.dropout),
      lstm(*this, "lstm", options.width, options.width,
           {.layers = options.layers, .dropout = options.dropout, .cell = {.rng = options.rng}}),
      bias(*this, "bias", zeros({options.tokens})) {}

Tensor LstmLanguageModel::forward(const Tensor& ids, LanguageState* state) {
  const RecurrentResult result = lstm(dropout(embedding(ids)), state ? state->recurrent : RecurrentState{});
  if (state) {
    state->recurrent = result.state;
    state->length += ids.size(1);
  }
  return compare(dropout(result.output), embedding, bias);
}

GptLanguageModel::GptLanguageModel(const LanguageModelOptions& options)
    : embedding(*this, "embedding", options.tokens, options.width, embedding_options(options)),
      positions(*this, "positions", options.context, options.width, {.rng = options.rng}),
      dropout(*this, "dropout", options.dropout),
      blocks(
          *this, "blocks", options.layers, options.width, options.heads,
          {.dropout = options.dropout, .activation = [](const Tensor& x) { return gelu_tanh(x); }, .rng = options.rng}),
      bias(*this, "bias", zeros({options.tokens})) {}

Tensor GptLanguageModel::forward(const Tensor& ids, LanguageState* state) {
  const std::int64_t first = state ? state->length : 0;
  if (first + ids.size(1) > *memory())
    throw ValueError("language model: " + std::to_string(first + ids.size(1)) + " tokens; its context is " +
                     std::to_string(*memory()));
  if (state) {
    state->caches.resize(blocks.layers.size());
    state->length += ids.size(1);
  }
  const Tensor x = dropout(positions(embedding(ids), first));
  const std::span<KeyValueCache> caches = state ? std::span(state->caches) : std::span<KeyValueCache>();
  return compare(blocks(x, AttentionCall{.causal = true}, caches), embedding, bias);
}

std::unique_ptr<LanguageModel> LanguageModel::make(const LanguageModelOptions& options) {
  if (options.kind == LanguageModelKind::lstm) return std::make_unique<LstmLanguageModel>(options);
  return std::make_unique<GptLanguageModel>(options);
}

void generate(LanguageModel& model, std::span<const std::int32_t> prompt, const GenerateOptions& options, Rng& rng,
              const std::function<void(std::int32_t)>& emit) {
  if (prompt.empty()) throw ValueError("generate: no token to begin after; give the one that texts end with");
  const NoGrad unrecorded;
  const std::optional<std::int64_t> memory = model.memory();
  std::vector<std::int32_t> all(prompt.begin(), prompt.end());
  LanguageState state;
  std::size_t read = 0;  // tokens that the state knows
  for (std::int64_t made = 0; made < options.tokens; ++made) {
    const bool full = memory && state.length + std::ssize(all) - static_cast<std::int64_t>(read) > *memory;
    if (full || (memory && !options.cache)) {
      // A GPT begins anew; with a cache, from its last half context, so that this happens seldom.
      state = {};
      const std::int64_t kept = options.cache ? std::max<std::int64_t>(1, *memory / 2) : *memory;
      read = static_cast<std::size_t>(std::max<std::int64_t>(0, std::ssize(all) - kept));
    }
    const Tensor logits = model.forward(as_batch(std::span<const std::int32_t>(all).subspan(read)), &state);
    read = all.size();
    const auto next = static_cast<std::int32_t>(sample_token(select(logits, 0, -1), options.sampling, rng));
    if (next == options.end) return;
    all.push_back(next);
    emit(next);
  }
}

double total_nats(LanguageModel& model, std::span<const std::int32_t> stream) {
  const NoGrad unrecorded;
  double nats = 0;
  const auto add = [&](const Tensor& logits, std::span<const std::int32_t> targets) {
    nats += cross_entropy(logits, copy_of(targets, Shape{std::ssize(targets)}), {.reduction = Reduce::sum}).item();
  };
  const auto size = std::ssize(stream);
  const auto part = [&](std::int64_t begin, std::int64_t end) {
    return stream.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  };
  const std::optional<std::int64_t> memory = model.memory();
  if (!memory) {
    LanguageState state;
    constexpr std::int64_t kWindow = 256;
    for (std::int64_t begin = 0; begin + 1 < size; begin += kWindow) {
      const std::int64_t end = std::min(begin + kWindow, size - 1);
      add(model.forward(as_batch(part(begin, end)), &state), part(begin + 1, end + 1));
    }
    return nats;
  }
  // Windows half over each other: what is new in each has half a context before it.
  const std::int64_t step = std::max<std::int64_t>(1, *memory / 2);
  for (std::int64_t done = 0; done + 1 < size;) {
    const std::int64_t end = std::min(done == 0 ? *memory : done + step, size - 1);
    const std::int64_t begin = std::max<std::int64_t>(0, end - *memory);
    const Tensor logits = model.forward(as_batch(part(begin, end)));
    add(slice(logits, 0, done - begin), part(done + 1, end + 1));
    done = end;
  }
  return nats;
}

}  // namespace tapegrad::nn::models
