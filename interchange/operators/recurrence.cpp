// Recurrent layers.

#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

/// What a layer's node says. Step by step, since activations, clipping and peepholes may be any.
struct Layer {
  Layer(const Call& call, int gate_count, int activation_count)
      : c(call), gates(gate_count), per_direction(static_cast<std::size_t>(activation_count)) {
    x = c.in(0);
    batch_first = c.integer("layout", 0) != 0;
    if (batch_first) x = transpose(x, 0, 1);
    if (x.rank() != 3) c.fail("x must have three axes");
    steps = x.size(0);
    batch = x.size(1);
    hidden = c.integer("hidden_size", c.in(2).size(-1));
    const std::string direction = c.text("direction", "forward");
    directions = direction == "bidirectional" ? 2 : 1;
    backward_first = direction == "reverse";
    if (c.in(1).rank() != 3 || c.in(1).size(0) != directions || c.in(1).size(1) != gates * hidden)
      c.fail("W must be [directions, gates · hidden_size, inputs]");
    activations = c.texts("activations");
    if (!activations.empty() && activations.size() != per_direction * static_cast<std::size_t>(directions))
      c.fail("activations must name one for each use");
    if (c.has(4)) {
      lengths = c.integers_in(4);
      if (static_cast<std::int64_t>(lengths.size()) != batch)
        c.fail("sequence_lens must have one length a batch member");
    }
  }

  Tensor activated(std::size_t direction, std::size_t which, const char* standard, const Tensor& given) const {
    const double most = c.number("clip", 0);
    const Tensor v = most > 0 ? clamp(given, -most, most) : given;
    const std::size_t index = direction * per_direction + which;
    const std::string name = activations.empty() ? standard : activations[index];
    const auto parameter = [&](const char* list, double absent) {
      const std::vector<float> values = c.numbers(list);
      return index < values.size() ? static_cast<double>(values[index]) : absent;
    };
    if (name == "Sigmoid") return sigmoid(v);
    if (name == "Tanh") return tanh(v);
    if (name == "Relu") return relu(v);
    if (name == "Softsign") return softsign(v);
    if (name == "Softplus") return softplus(v);
    if (name == "Affine") return v * parameter("activation_alpha", 1) + parameter("activation_beta", 0);
    if (name == "LeakyRelu") return leaky_relu(v, parameter("activation_alpha", 0.01));
    if (name == "ThresholdedRelu") return where(v > parameter("activation_alpha", 1), v, zeros_like(v));
    if (name == "ScaledTanh") return tanh(v * parameter("activation_beta", 1)) * parameter("activation_alpha", 1);
    if (name == "HardSigmoid")
      return clamp(v * parameter("activation_alpha", 0.2) + parameter("activation_beta", 0.5), 0, 1);
    if (name == "Elu") return elu(v, parameter("activation_alpha", 1));
    c.fail("the activation '" + name + "' is not known");
  }

  /// Of a direction: [batch, hidden].
  Tensor initial(std::size_t input, int direction) const {
    if (!c.has(input)) return zeros({batch, hidden}, x.dtype());
    const Tensor state = batch_first ? transpose(c.in(input), 0, 1) : c.in(input);
    return select(state, 0, direction);
  }
  /// W x for all steps, with both biases where `both` says so: [steps, batch, gates · hidden].
  Tensor projected(int direction, bool both) const {
    Tensor y = matmul(x, transpose(select(c.in(1), 0, direction)));
    if (c.has(3)) {
      y = y + bias(direction, 0);
      if (both) y = y + bias(direction, 1);
    }
    return y;
  }
  /// The input's (0) or the state's (1).
  Tensor bias(int direction, int which) const {
    const Tensor all = select(c.in(3), 0, direction);
    return slice(all, 0, which * gates * hidden, (which + 1) * gates * hidden);
  }
  Tensor gate(const Tensor& all, int which) const { return slice(all, -1, which * hidden, (which + 1) * hidden); }

  /// Runs `next(direction, step, states)` over each direction; where a sequence is over, its states stay and its output
  /// is 0. The outputs: Y, Y_h and the other states.
  template <class F>
  std::vector<Value> run(const std::vector<std::size_t>& states_at, const F& next) const {
    std::vector<Tensor> outputs;
    std::vector<std::vector<Tensor>> last(states_at.size());
    for (int direction = 0; direction < directions; ++direction) {
      std::vector<Tensor> states, output(static_cast<std::size_t>(steps));
      for (const std::size_t input : states_at) states.push_back(initial(input, direction));
      const bool backward = direction == 1 || backward_first;
      for (std::int64_t i = 0; i < steps; ++i) {
        const std::int64_t step = backward ? steps - 1 - i : i;
        std::vector<Tensor> after = next(direction, step, states);
        Tensor shown = after[0];
        if (!lengths.empty()) {
          const Tensor on = reshape(copy_of(lengths), {batch, 1}) > step;
          for (std::size_t s = 0; s < states.size(); ++s) after[s] = where(on, after[s], states[s]);
          shown = where(on, shown, zeros_like(shown));
        }
        states = std::move(after);
        output[static_cast<std::size_t>(step)] = shown;
      }
      outputs.push_back(output.empty() ? zeros({0, batch, hidden}, x.dtype()) : stack(output));
      for (std::size_t s = 0; s < states.size(); ++s) last[s].push_back(states[s]);
    }
    std::vector<Value> results;
    const Tensor y = stack(outputs, 1);  // [steps, directions, batch, hidden]
    results.emplace_back(batch_first ? permute(y, {2, 0, 1, 3}) : y, c.type(0));
    for (const std::vector<Tensor>& state : last) {
      const Tensor all = stack(state);
      results.emplace_back(batch_first ? transpose(all, 0, 1) : all, c.type(0));
    }
    return results;
  }

  const Call& c;
  int gates;
  std::size_t per_direction;
  Tensor x;
  bool batch_first = false, backward_first = false;
  std::int64_t steps = 0, batch = 0, hidden = 0;
  int directions = 1;
  std::vector<std::string> activations;
  std::vector<std::int64_t> lengths;
};

/// The products of a step are the state's; those of the inputs are made at once for all steps.
struct Weights {
  Weights(const Layer& layer, bool both) {
    for (int d = 0; d < layer.directions; ++d) {
      inputs.push_back(layer.projected(d, both));
      recurrent.push_back(transpose(select(layer.c.in(2), 0, d)));
    }
  }
  std::vector<Tensor> inputs, recurrent;
};

std::vector<Value> simple(const Call& c) {
  const Layer layer(c, 1, 1);
  const Weights w(layer, true);
  return layer.run({5}, [&](int d, std::int64_t step, const std::vector<Tensor>& states) -> std::vector<Tensor> {
    const auto direction = static_cast<std::size_t>(d);
    const Tensor sum = select(w.inputs[direction], 0, step) + matmul(states[0], w.recurrent[direction]);
    return {layer.activated(direction, 0, "Tanh", sum)};
  });
}

/// Gates in the order input, output, forget, candidate; peepholes in the order input, output, forget.
std::vector<Value> long_short(const Call& c) {
  const Layer layer(c, 4, 3);
  const Weights w(layer, true);
  const bool coupled = c.integer("input_forget", 0) != 0;
  return layer.run({5, 6}, [&](int d, std::int64_t step, const std::vector<Tensor>& states) -> std::vector<Tensor> {
    const auto direction = static_cast<std::size_t>(d);
    const Tensor sum = select(w.inputs[direction], 0, step) + matmul(states[0], w.recurrent[direction]);
    const auto gate = [&](int which, int peephole, const Tensor& cell) {
      Tensor g = layer.gate(sum, which);
      if (c.has(7)) g = g + layer.gate(select(c.in(7), 0, d), peephole) * cell;
      return layer.activated(direction, 0, "Sigmoid", g);
    };
    const Tensor input = gate(0, 0, states[1]), forget = coupled ? 1 - input : gate(2, 2, states[1]);
    const Tensor candidate = layer.activated(direction, 1, "Tanh", layer.gate(sum, 3));
    const Tensor cell = forget * states[1] + input * candidate;
    return {gate(1, 1, cell) * layer.activated(direction, 2, "Tanh", cell), cell};
  });
}

/// Gates in the order update, reset, candidate.
std::vector<Value> gated(const Call& c) {
  const Layer layer(c, 3, 2);
  const Weights w(layer, false);
  const bool reset_after = c.integer("linear_before_reset", 0) != 0;
  return layer.run({5}, [&](int d, std::int64_t step, const std::vector<Tensor>& states) -> std::vector<Tensor> {
    const auto direction = static_cast<std::size_t>(d);
    const Tensor &h = states[0], &r = w.recurrent[direction];
    const Tensor in = select(w.inputs[direction], 0, step);
    const Tensor bias = c.has(3) ? layer.bias(d, 1) : zeros({3 * layer.hidden}, layer.x.dtype());
    const auto of_state = [&](const Tensor& state, int which) {
      return matmul(state, layer.gate(r, which)) + layer.gate(bias, which);
    };
    const Tensor update = layer.activated(direction, 0, "Sigmoid", layer.gate(in, 0) + of_state(h, 0));
    const Tensor reset = layer.activated(direction, 0, "Sigmoid", layer.gate(in, 1) + of_state(h, 1));
    const Tensor recurrent = reset_after ? reset * of_state(h, 2) : of_state(reset * h, 2);
    const Tensor candidate = layer.activated(direction, 1, "Tanh", layer.gate(in, 2) + recurrent);
    return {(1 - update) * candidate + update * h};
  });
}

constexpr Importer kImporters[] = {
    {"GRU", gated, 7},
    {"LSTM", long_short, 7},
    {"RNN", simple, 7},
};

}  // namespace

std::span<const Importer> recurrence_importers() { return kImporters; }

}  // namespace tapegrad::onnx
