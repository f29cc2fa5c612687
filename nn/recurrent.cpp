#include <tapegrad/nn/recurrent.hpp>

#include <fmt/format.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/linear.hpp>
#include <tapegrad/ops/sampling.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn {
namespace {

std::int64_t gates_of(RecurrentKind kind) {
  switch (kind) {
    case RecurrentKind::lstm:
      return 4;
    case RecurrentKind::gru:
      return 3;
    default:
      return 1;
  }
}

std::string name_of_kind(RecurrentKind kind) {
  switch (kind) {
    case RecurrentKind::lstm:
      return "Lstm";
    case RecurrentKind::gru:
      return "Gru";
    default:
      return "Rnn";
  }
}

/// One initial value a gate, one above the other.
Tensor gate_by_gate(const init::Initializer& init, std::int64_t gates, const Shape& shape, DType dtype, Rng& rng) {
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < gates; ++i) parts.push_back(init(shape, dtype, rng));
  return concat(parts, 0);
}

std::vector<std::int64_t> checked_lengths(const Module& layer, const Tensor& lengths, std::int64_t rows,
                                          std::int64_t steps) {
  if (!lengths.defined()) return {};
  if (lengths.dtype() != i64 || lengths.shape() != Shape{rows})
    throw ShapeError(fmt::format("{}: lengths are {} {}, expected i64 {}", layer.describe(), name_of(lengths.dtype()),
                                 to_string(lengths.shape()), to_string(Shape{rows})));
  const Tensor dense = lengths.contiguous();
  const auto values = dense.data<std::int64_t>();
  for (const std::int64_t length : values)
    if (length < 0 || length > steps)
      throw ValueError(
          fmt::format("{}: a length of {}, where sequences have {} steps", layer.describe(), length, steps));
  return {values.begin(), values.end()};
}

/// Where no sequence is, bool [L, B, 1].
Tensor padding_mask(const std::vector<std::int64_t>& lengths, std::int64_t steps) {
  Tensor mask = empty({steps, std::ssize(lengths), 1}, boolean);
  auto out = mask.mutable_data<bool>().begin();
  for (std::int64_t step = 0; step < steps; ++step)
    for (const std::int64_t length : lengths) *out++ = step >= length;
  return mask;
}

}  // namespace

RecurrentCell::RecurrentCell(Owner owner, const MemberName& name, RecurrentKind kind, std::int64_t in,
                             std::int64_t hidden, const RecurrentCellOptions& options)
    : Layer(owner, name), kind_(kind) {
  if (in < 1 || hidden < 1)
    throw ValueError(fmt::format("{}: {} inputs and {} hidden units; each must be at least 1", describe(), in, hidden));
  const std::int64_t gates = gates_of(kind_);
  Rng& rng = options.rng ? *options.rng : default_rng();
  input_weight.create(*this, "input_weight", gate_by_gate(options.input_init, gates, {hidden, in}, options.dtype, rng));
  recurrent_weight.create(*this, "recurrent_weight",
                          gate_by_gate(options.recurrent_init, gates, {hidden, hidden}, options.dtype, rng));
  Tensor initial_bias = zeros({gates * hidden}, options.dtype);
  if (kind_ == RecurrentKind::lstm) slice(initial_bias, 0, hidden, 2 * hidden).fill(options.forget_bias);
  bias.create(*this, "bias", initial_bias);
  if (kind_ == RecurrentKind::gru)
    recurrent_bias.create(*this, "recurrent_bias", zeros({gates * hidden}, options.dtype));
}

std::string RecurrentCell::type_name() const { return name_of_kind(kind_) + "Cell"; }

RecurrentResult RecurrentCell::run(const Tensor& x, const RecurrentState& before,
                                   const RecurrenceOptions& options) const {
  if (x.rank() != 3 || x.size(2) != in())
    throw ShapeError(fmt::format("{}: input {}, expected [L, B, {}]", describe(), to_string(x.shape()), in()));
  const std::int64_t rows = x.size(1), h = hidden();
  const auto state = [&](const Tensor& given, const char* what) {
    if (!given.defined()) return zeros({rows, h}, input_weight.dtype());
    if (given.shape() != Shape{rows, h})
      throw ShapeError(fmt::format("{}: {} state {}, expected {}", describe(), what, to_string(given.shape()),
                                   to_string(Shape{rows, h})));
    return given;
  };
  const Tensor hidden_before = state(before.hidden, "hidden");
  // The inputs' part of all gates of all steps at once.
  const Tensor projected = linear(x, input_weight, bias);
  if (kind_ == RecurrentKind::lstm) {
    LstmResult r = lstm(projected, recurrent_weight, hidden_before, state(before.cell, "cell"), options);
    return {std::move(r.output), {std::move(r.hidden), std::move(r.cell)}};
  }
  RecurrenceResult r = kind_ == RecurrentKind::gru
                           ? gru(projected, recurrent_weight, recurrent_bias, hidden_before, options)
                           : rnn(projected, recurrent_weight, hidden_before, kind_ == RecurrentKind::relu, options);
  return {std::move(r.output), {std::move(r.hidden), {}}};
}

RecurrentState RecurrentCell::forward(const Tensor& x, const RecurrentState& before) const {
  if (x.rank() != 2 || x.size(1) != in())
    throw ShapeError(fmt::format("{}: input {}, expected [B, {}]", describe(), to_string(x.shape()), in()));
  return run(unsqueeze(x, 0), before).state;
}

Recurrent::Recurrent(Owner owner, const MemberName& name, RecurrentKind kind, std::int64_t in, std::int64_t hidden,
                     const RecurrentOptions& options)
    : Layer(owner, name), kind_(kind), bidirectional_(options.bidirectional), dropout_(options.dropout) {
  if (options.layers < 1)
    throw ValueError(fmt::format("{}: {} layers; at least one is needed", describe(), options.layers));
  if (!(options.dropout >= 0 && options.dropout < 1))
    throw ValueError(fmt::format("{}: the dropout is {}; it must lie in [0, 1)", describe(), options.dropout));
  for (std::int64_t layer = 0; layer < options.layers; ++layer)
    for (std::int64_t direction = 0; direction < directions(); ++direction)
      cells.emplace_back(kind_, layer == 0 ? in : hidden * directions(), hidden, options.cell);
}

std::string Recurrent::type_name() const { return name_of_kind(kind_); }

RecurrentResult Recurrent::forward(const Tensor& x, const RecurrentState& before, const Tensor& lengths) const {
  if (x.rank() != 3 || x.size(2) != in())
    throw ShapeError(fmt::format("{}: input {}, expected [B, L, {}]", describe(), to_string(x.shape()), in()));
  const std::int64_t rows = x.size(0), steps = x.size(1);
  const Shape states{static_cast<std::int64_t>(cells.size()), rows, hidden()};
  for (const Tensor* given : {&before.hidden, &before.cell})
    if (given->defined() && given->shape() != states)
      throw ShapeError(
          fmt::format("{}: a state is {}, expected {}", describe(), to_string(given->shape()), to_string(states)));
  const std::vector<std::int64_t> counts = checked_lengths(*this, lengths, rows, steps);
  const Tensor padding = counts.empty() ? Tensor() : padding_mask(counts, steps);

  // The cells take it step by step.
  Tensor sequence = transpose(x, 0, 1);
  std::vector<Tensor> last_hidden, last_cell;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(cells.size()); i += directions()) {
    if (i > 0) sequence = dropout(sequence, dropout_, default_rng(), training());
    std::vector<Tensor> outputs;
    for (std::int64_t direction = 0; direction < directions(); ++direction) {
      const std::int64_t at = i + direction;
      RecurrentState from;
      if (before.hidden.defined()) from.hidden = select(before.hidden, 0, at);
      if (before.cell.defined()) from.cell = select(before.cell, 0, at);
      RecurrentResult part = cells[static_cast<std::size_t>(at)].run(sequence, from, {counts, direction == 1});
      outputs.push_back(std::move(part.output));
      last_hidden.push_back(std::move(part.state.hidden));
      if (kind_ == RecurrentKind::lstm) last_cell.push_back(std::move(part.state.cell));
    }
    sequence = directions() == 1 ? outputs[0] : concat(outputs, 2);
    if (padding.defined()) sequence = masked_fill(sequence, padding, 0);
  }
  return {transpose(sequence, 0, 1), {stack(last_hidden), last_cell.empty() ? Tensor() : stack(last_cell)}};
}

}  // namespace tapegrad::nn
