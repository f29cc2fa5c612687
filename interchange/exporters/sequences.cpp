// Recurrences, and sums over runs of rows.

#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_exporters.hpp>

namespace tapegrad::onnx {
namespace {

// ---- recurrences ----------------------------------------------------------------------------------------------------

/// Which of our gates stand where in ONNX's.
using Gates = std::vector<std::int64_t>;
const Gates kLstm{0, 3, 1, 2};  // i f g o to i o f c
const Gates kGru{1, 0, 2};      // r z n to z r h
const Gates kRnn{0};

Expr unsqueezed(const Expr& x, std::int64_t axis) { return emit("Unsqueeze", {x, x.graph->integers({axis})}); }
Expr squeezed(const Expr& x, std::int64_t axis) { return emit("Squeeze", {x, x.graph->integers({axis})}); }

/// [gates · H, ...] in the order of ONNX, for its one direction: [1, gates · H, ...].
Expr by_gate(const Expr& x, const Gates& gates) {
  GraphWriter& g = *x.graph;
  const std::int64_t h = x.shape[0] / std::ssize(gates);
  std::vector<Expr> parts;
  for (const std::int64_t gate : gates)
    parts.push_back(emit("Slice", {x, g.integers({gate * h}), g.integers({(gate + 1) * h}), g.integers({0})}));
  return unsqueezed(parts.size() == 1 ? x : g.node("Concat", parts, {{"axis", std::int64_t{0}}}), 0);
}

Expr zeros_like_gates(const RecordedCall& c, std::int64_t width) {
  return c.graph().constant(zeros({width}, c.dtype()), "0");
}

/// x, the weight of the inputs and their bias, as ONNX multiplies them itself. What comes from no linear map has been
/// multiplied already.
struct Projected {
  Expr x, weight, bias;
};
Projected inputs_of(const RecordedCall& c, const Gates& gates) {
  const std::int64_t width = c[0].shape[-1];
  if (const std::optional<RecordedCall> linear = c.made_by("linear", 0))
    return {linear->in(0), by_gate(linear->in(1), gates),
            by_gate(linear->has(2) ? linear->in(2) : zeros_like_gates(c, width), gates)};
  return {c.in(0), by_gate(c.graph().constant(eye(width, c.dtype()), "identity"), gates),
          by_gate(zeros_like_gates(c, width), gates)};
}

/// Outputs and last states; `states` are the inputs that hold the first ones. `recurrent_bias` may be left out.
std::vector<Expr> recurrence(const RecordedCall& c, std::string_view op, const Gates& gates, const Expr& recurrent_bias,
                             const std::vector<std::size_t>& states, NodeAttributes attributes) {
  if (c[0].shape.numel() == 0) c.refuse("of no elements");
  GraphWriter& g = c.graph();
  const std::int64_t width = c[0].shape[-1], steps = c[0].shape[0];
  const Projected from = inputs_of(c, gates);
  const Expr rest = by_gate(recurrent_bias.name.empty() ? zeros_like_gates(c, width) : recurrent_bias, gates);
  const Integers lengths = c.integers("lengths");
  const Tensor counts = lengths.empty() ? Tensor() : copy_of(lengths);
  std::vector<Expr> inputs{from.x, from.weight, by_gate(c.in(1), gates),
                           g.node("Concat", {from.bias, rest}, {{"axis", std::int64_t{1}}}),
                           lengths.empty() ? Expr{} : cast_to(g.constant(counts, "lengths"), i32)};
  for (const std::size_t state : states) inputs.push_back(unsqueezed(c.in(state), 0));
  const bool reverse = c.flag("reverse");
  attributes.emplace_back("hidden_size", width / std::ssize(gates));
  attributes.emplace_back("direction", std::string(reverse ? "reverse" : "forward"));
  std::vector<Expr> results = g.nodes(op, inputs, 1 + states.size(), c.dtype(), attributes);
  for (std::size_t i = 0; i < results.size(); ++i) results[i] = squeezed(results[i], i == 0 ? 1 : 0);
  if (lengths.empty()) return results;
  // Past its end a sequence keeps its state, where ONNX has 0.
  const auto ended = [&](std::int64_t all_steps, std::int64_t first) {
    Tensor past = empty({all_steps, std::ssize(lengths), 1}, boolean);
    auto out = past.mutable_data<bool>().begin();
    for (std::int64_t step = first; step < first + all_steps; ++step)
      for (const std::int64_t length : lengths) *out++ = step >= length;
    return g.constant(past, "past_the_end");
  };
  if (std::ranges::count(lengths, 0) > 0)
    for (std::size_t i = 0; i < states.size(); ++i)
      results[i + 1] = choose(squeezed(ended(1, 0), 0), c.in(states[i]), results[i + 1]);
  results[0] = choose(ended(steps, 0), reverse ? c.in(states[0]) : results[1], results[0]);
  return results;
}

template <bool kRelu>
std::vector<Expr> rnn(const RecordedCall& c) {
  return recurrence(c, "RNN", kRnn, {}, {2}, {{"activations", std::vector<std::string>{kRelu ? "Relu" : "Tanh"}}});
}

// ---- runs of rows ---------------------------------------------------------------------------------------------------

/// Sums of runs [B, ...] of rows; `shape` is that of the result.
Expr sums_of_runs(const Expr& rows, const Expr& offsets, std::int64_t count, const Shape& shape) {
  GraphWriter& g = *rows.graph;
  Integers positions(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<std::int64_t>(i);
  // A row is of the run before which as many others end as do not lie behind it.
  const Expr ends = emit("Slice", {offsets, g.integers({1}), g.integers({shape[0] + 1})});
  const Expr ended = compare("GreaterOrEqual", unsqueezed(g.integers(positions), 1), unsqueezed(ends, 0));
  const Expr run = sum_over(cast_to(ended, i64), {1}, true);
  const Expr zero = emit("Expand", {g.number(0, rows.dtype), g.integers({shape.begin(), shape.end()})});
  return g.node("ScatterND", {zero, run, rows}, {{"reduction", std::string("add")}});
}

Expr of_lengths(const Expr& sums, const Expr& offsets, const Shape& shape) {
  GraphWriter& g = *sums.graph;
  const auto cut = [&](std::int64_t from, std::int64_t to) {
    return emit("Slice", {offsets, g.integers({from}), g.integers({to})});
  };
  Integers rows(static_cast<std::size_t>(shape.rank()), 1);
  rows[0] = shape[0];
  const Expr lengths = cast_to(cut(1, shape[0] + 1) - cut(0, shape[0]), sums.dtype);
  return sums / reshape_to(maximum(lengths, 1), rows);
}

Expr segments(const RecordedCall& c, bool mean) {
  if (c.shape().numel() == 0) c.refuse("of no elements");
  const Expr offsets = cast_to(c[1], i64);
  const Expr sums = sums_of_runs(c.in(0), offsets, c[0].shape[0], c.shape());
  return mean ? of_lengths(sums, offsets, c.shape()) : sums;
}

Expr embedding_bag(const RecordedCall& c) {
  if (c[1].shape.numel() == 0 || c.shape().numel() == 0) c.refuse("of no elements");
  const Expr rows = emit("Gather", {c.in(0), cast_to(c[1], i64)}), offsets = cast_to(c[2], i64);
  const Expr sums = sums_of_runs(rows, offsets, c[1].shape[0], c.shape());
  return c.flag("mean") ? of_lengths(sums, offsets, c.shape()) : sums;
}

constexpr Exporter kSequences[] = {
    {"lstm",
     [](const RecordedCall& c) {
       return recurrence(c, "LSTM", kLstm, {}, {2, 3}, {});
     }},
    {"gru",
     [](const RecordedCall& c) {
       return recurrence(c, "GRU", kGru, c.in(2), {3}, {{"linear_before_reset", std::int64_t{1}}});
     }},
    {"rnn_tanh", rnn<false>},
    {"rnn_relu", rnn<true>},
    {"segment_sum", [](const RecordedCall& c) { return segments(c, false); }},
    {"segment_mean", [](const RecordedCall& c) { return segments(c, true); }},
    {"embedding_bag", embedding_bag},
};

}  // namespace

std::span<const Exporter> sequence_exporters() { return kSequences; }

}  // namespace tapegrad::onnx
