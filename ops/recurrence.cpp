#include <tapegrad/ops/recurrence.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/join.hpp>
#include <tapegrad/ops/kernels/gemm.hpp>
#include <tapegrad/ops/matmul.hpp>
#include <tapegrad/ops/recurrence_cells.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

struct RecurrenceAttrs {
  Integers lengths;
  bool reverse = false;
  bool operator==(const RecurrenceAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"lengths", &RecurrenceAttrs::lengths, "steps of each sequence; none: all"},
                      Field{"reverse", &RecurrenceAttrs::reverse, "from the last step to the first"}};
  }
};

Tensor added(const Tensor& a, const Tensor& b) { return !a.defined() ? b : !b.defined() ? a : a + b; }

/// The loop over time that the cells have in common.
template <class Cell>
struct Recurrence {
  static constexpr std::size_t kGates = Cell::kGates, kStates = Cell::kStates, kPlanes = Cell::kPlanes;
  static constexpr std::size_t kFirstState = kPlanes - kStates;
  using States = std::array<Tensor, kStates>;  ///< [B, H] each, the hidden state last

  const RecurrenceAttrs& attributes;
  std::int64_t steps, rows, width;

  Recurrence(const RecurrenceAttrs& a, const Shape& planes)
      : attributes(a), steps(planes[1]), rows(planes[2]), width(planes[3]) {}

  static TensorSpec result(const char* op, const RecurrenceAttrs& a, const Tensor& x, const Tensor& weight,
                           const States& states) {
    const auto gates = static_cast<std::int64_t>(kGates);
    if (weight.rank() != 2 || weight.shape()[0] != gates * weight.shape()[1])
      throw ShapeError(fmt::format("{}: the weight is {}; expected [{} H, H]", op, to_string(weight.shape()), kGates));
    const std::int64_t h = weight.shape()[1];
    if (x.rank() != 3 || x.shape()[2] != gates * h)
      throw ShapeError(fmt::format("{}: x is {}; with a weight of {} expected [T, B, {}]", op, to_string(x.shape()),
                                   to_string(weight.shape()), gates * h));
    const std::int64_t t = x.shape()[0], b = x.shape()[1];
    for (const Tensor& state : states)
      if (state.shape() != Shape{b, h})
        throw ShapeError(
            fmt::format("{}: a state is {}; expected {}", op, to_string(state.shape()), to_string(Shape{b, h})));
    if (!a.lengths.empty() && std::ssize(a.lengths) != b)
      throw ShapeError(
          fmt::format("{}: {} lengths for {} sequences; x is {}", op, a.lengths.size(), b, to_string(x.shape())));
    for (const std::int64_t length : a.lengths)
      if (length < 0 || length > t)
        throw ValueError(
            fmt::format("{}: a sequence of {} steps, where x, {}, has {}", op, length, to_string(x.shape()), t));
    return {{static_cast<std::int64_t>(kPlanes), t, b, h}, x.dtype()};
  }

  std::int64_t time(std::int64_t step) const { return attributes.reverse ? steps - 1 - step : step; }
  bool active(std::int64_t t, std::int64_t row) const {
    return attributes.lengths.empty() || t < attributes.lengths[static_cast<std::size_t>(row)];
  }
  bool worth_threads() const { return static_cast<double>(rows * width) * Cell::kFlops > (1 << 20); }

  /// Row `row` of each of N planes or gates, which lie `apart`.
  template <std::size_t N, class T>
  static std::array<T*, N> pointers(T* first, std::int64_t apart) {
    std::array<T*, N> all;
    for (std::size_t i = 0; i < N; ++i) all[i] = first + static_cast<std::int64_t>(i) * apart;
    return all;
  }
  template <class T>
  std::array<T*, kPlanes> planes(T* y, std::int64_t t, std::int64_t row) const {
    return pointers<kPlanes>(y + (t * rows + row) * width, steps * rows * width);
  }
  template <class T>
  std::array<const T*, kStates> before(const T* y, const States& initial, std::int64_t step, std::int64_t row) const {
    std::array<const T*, kStates> all;
    for (std::size_t s = 0; s < kStates; ++s)
      all[s] = step == 0 ? initial[s].template data<T>().data() + row * width
                         : planes(y, time(step - 1), row)[kFirstState + s];
    return all;
  }

  // ---- forward ------------------------------------------------------------------------------------------------------

  template <class T, std::size_t... G, std::size_t... S, std::size_t... P>
  [[gnu::flatten]] static void forward_row(std::int64_t n, std::array<const T*, kGates> x,
                                           std::array<const T*, kGates> product, std::array<const T*, kStates> before,
                                           std::array<T*, kPlanes> y, std::index_sequence<G...>,
                                           std::index_sequence<S...>, std::index_sequence<P...>) {
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) {
      const std::array<T, kPlanes> result =
          Cell::template forward<T>({x[G][j]...}, {product[G][j]...}, {before[S][j]...});
      ((y[P][j] = result[P]), ...);
    }
  }

  template <class T>
  void forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const States& initial, Tensor& result) const {
    const T* in = x.data<T>().data();
    T* y = result.mutable_data<T>().data();
    const std::int64_t wide = Cell::kGates * width;
    if (rows * width == 0) return;
    std::vector<T> product(static_cast<std::size_t>(rows * wide));
    const kernels::MatrixView<const T> transposed{weight.data<T>().data(), width, wide, 1, width};
    for (std::int64_t step = 0; step < steps; ++step) {
      const std::int64_t t = time(step);
      if (bias.defined())
        for (std::int64_t row = 0; row < rows; ++row)
          std::copy_n(bias.data<T>().data(), wide, product.data() + row * wide);
      kernels::gemm({before<T>(y, initial, step, 0)[kStates - 1], rows, width, width, 1}, transposed,
                    bias.defined() ? T{1} : T{0}, {product.data(), rows, wide, wide, 1});
      for_chunks(rows, worth_threads(), [&](std::int64_t row) {
        const auto out = planes(y, t, row);
        const auto from = before<T>(y, initial, step, row);
        if (!active(t, row)) {
          for (std::size_t p = 0; p < kFirstState; ++p) std::fill_n(out[p], width, T{0});
          for (std::size_t s = 0; s < kStates; ++s) std::copy_n(from[s], width, out[kFirstState + s]);
          return;
        }
        forward_row<T>(width, pointers<kGates>(in + (t * rows + row) * wide, width),
                       pointers<kGates>(std::as_const(product).data() + row * wide, width), from, out,
                       std::make_index_sequence<kGates>{}, std::make_index_sequence<kStates>{},
                       std::make_index_sequence<kPlanes>{});
      });
    }
  }

  // ---- backward -----------------------------------------------------------------------------------------------------

  /// Gradients of x and of the product [T, B, gates · H], then of each initial state.
  std::vector<Tensor> gradients(const Tensor& g, const Tensor& weight, const States& initial, const Tensor& y) const {
    if (grad_enabled()) return recorded_gradients(g, weight, initial, y);
    States dense;
    for (std::size_t s = 0; s < kStates; ++s) dense[s] = initial[s].contiguous();
    std::vector<Tensor> result;
    dispatch_floating(g.dtype(), [&]<class T>() {
      result = fused_gradients<T>(g.contiguous(), weight.contiguous(), dense, y.contiguous());
    });
    return result;
  }

  template <class T, std::size_t... G, std::size_t... S, std::size_t... P>
  [[gnu::flatten]] static void backward_row(std::int64_t n, std::array<const T*, kPlanes> d,
                                            std::array<const T*, kPlanes> y, std::array<const T*, kStates> before,
                                            std::array<T*, kStates> running, std::array<T*, kGates> dx,
                                            std::array<T*, kGates> dproduct, std::index_sequence<G...>,
                                            std::index_sequence<S...>, std::index_sequence<P...>) {
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) {
      std::array<T, kPlanes> cotangent{d[P][j]...};
      ((cotangent[kFirstState + S] += running[S][j]), ...);
      const auto back = Cell::template backward<T>(cotangent, {y[P][j]...}, {before[S][j]...});
      ((dx[G][j] = back.x[G]), ...);
      if constexpr (!Cell::kOneGradient) ((dproduct[G][j] = back.product[G]), ...);
      ((running[S][j] = back.before[S]), ...);
    }
  }

  template <class T>
  std::vector<Tensor> fused_gradients(const Tensor& g, const Tensor& weight, const States& initial,
                                      const Tensor& y) const {
    const std::int64_t wide = Cell::kGates * width;
    Tensor dx = empty({steps, rows, wide}, g.dtype());
    Tensor dproduct = Cell::kOneGradient ? dx : empty(dx.shape(), g.dtype());
    std::vector<Tensor> result{dx, dproduct};
    for (std::size_t s = 0; s < kStates; ++s) result.push_back(zeros({rows, width}, g.dtype()));
    const T *cotangent = g.data<T>().data(), *value = y.data<T>().data();
    T *to_x = dx.mutable_data<T>().data(), *to_product = dproduct.mutable_data<T>().data();
    std::array<T*, kStates> state;
    for (std::size_t s = 0; s < kStates; ++s) state[s] = result[2 + s].mutable_data<T>().data();
    for (std::int64_t step = steps - 1; step >= 0; --step) {
      const std::int64_t t = time(step);
      for_chunks(rows, worth_threads(), [&](std::int64_t row) {
        const auto d = planes(cotangent, t, row);
        auto running = state;
        for (T*& p : running) p += row * width;
        const std::int64_t at = (t * rows + row) * wide;
        if (!active(t, row)) {
          std::fill_n(to_x + at, wide, T{0});
          std::fill_n(to_product + at, wide, T{0});
          for (std::size_t s = 0; s < kStates; ++s)
            for (std::int64_t j = 0; j < width; ++j) running[s][j] += d[kFirstState + s][j];
          return;
        }
        backward_row<T>(width, d, planes(value, t, row), before<T>(value, initial, step, row), running,
                        pointers<kGates>(to_x + at, width), pointers<kGates>(to_product + at, width),
                        std::make_index_sequence<kGates>{}, std::make_index_sequence<kStates>{},
                        std::make_index_sequence<kPlanes>{});
      });
      kernels::gemm({to_product + t * rows * wide, rows, wide, wide, 1},
                    {weight.data<T>().data(), wide, width, width, 1}, T{1},
                    {state[kStates - 1], rows, width, width, 1});
    }
    return result;
  }

  std::vector<Tensor> recorded_gradients(const Tensor& g, const Tensor& weight, const States& initial,
                                         const Tensor& y) const {
    const auto at = [](const Tensor& t, std::size_t plane, std::int64_t step) {
      return select(select(t, 0, static_cast<std::int64_t>(plane)), 0, step);
    };
    std::array<Tensor, kStates> running;
    std::vector<Tensor> dx(static_cast<std::size_t>(steps)), dproduct = dx;
    for (std::int64_t step = steps - 1; step >= 0; --step) {
      const std::int64_t t = time(step);
      std::array<Tensor, kPlanes> d, value;
      States before;
      for (std::size_t p = 0; p < kPlanes; ++p) d[p] = at(g, p, t), value[p] = at(y, p, t);
      for (std::size_t s = 0; s < kStates; ++s) {
        before[s] = step == 0 ? initial[s] : at(y, kFirstState + s, time(step - 1));
        d[kFirstState + s] = added(d[kFirstState + s], running[s]);
      }
      const auto back = Cell::template backward<Tensor>(d, value, before);
      Tensor to_x = concat(back.x, 1), to_product = Cell::kOneGradient ? to_x : concat(back.product, 1);
      running = back.before;
      if (!attributes.lengths.empty()) {
        Tensor counts = empty({rows, 1}, g.dtype());
        for (std::int64_t row = 0; row < rows; ++row) select(counts, 0, row).fill(active(t, row) ? 1 : 0);
        to_x = to_x * counts;
        to_product = to_product * counts;
        // Behind a sequence's end its gates are 0, and so is what backward() leaves of its states.
        for (std::size_t s = 0; s < kStates; ++s) running[s] = added(running[s], d[kFirstState + s] * (1 - counts));
      }
      running[kStates - 1] = added(running[kStates - 1], matmul(to_product, weight));
      dx[static_cast<std::size_t>(t)] = to_x;
      dproduct[static_cast<std::size_t>(t)] = to_product;
    }
    const Tensor nothing = zeros({0, rows, weight.shape()[0]}, g.dtype());
    std::vector<Tensor> result{steps > 0 ? stack(dx) : nothing, steps > 0 ? stack(dproduct) : nothing};
    for (const Tensor& state : running) result.push_back(state.defined() ? state : zeros({rows, width}, g.dtype()));
    return result;
  }

  /// The hidden state that each step starts from, [T, B, H].
  Tensor hidden_before(const Tensor& initial, const Tensor& y) const {
    Tensor h = select(y, 0, static_cast<std::int64_t>(kPlanes) - 1);
    const Tensor first = unsqueeze(initial, 0);
    if (steps == 0) return h;
    return attributes.reverse ? concat({slice(h, 0, 1), first}) : concat({first, slice(h, 0, 0, steps - 1)});
  }

  enum Part { kX, kProduct, kState };
  std::vector<Tensor> shared(const Tensor& g, const Tensor& weight, const States& initial, const Tensor& y) const {
    return shared_by_rules([&] { return gradients(g, weight, initial, y); });
  }
  Tensor weight_gradient(const Tensor& dproduct, const Tensor& initial, const Tensor& y) const {
    return matmul(transpose(reshape(dproduct, {steps * rows, dproduct.shape()[2]})),
                  reshape(hidden_before(initial, y), {steps * rows, width}));
  }
};

template <class Cell>
Cost cost_of_sequence(const Node& node) {
  const auto elements = static_cast<double>(node.shape.numel()) / Cell::kPlanes;
  const double product = 2.0 * Cell::kGates * static_cast<double>(node.shape[-1]);
  const double x = static_cast<double>(node.edges()[0].node()->shape.numel());
  return {elements * (product + Cell::kFlops),
          (x + static_cast<double>(node.shape.numel())) * static_cast<double>(size_of(node.dtype))};
}

/// Sequences to try a cell with: `states` after the weight and, for a cell that has one, the bias.
template <class O>
std::vector<SampleOf<O>> sequence_samples(Rng& rng, std::int64_t gates, int states, bool bias) {
  const auto make = [&](std::int64_t t, std::int64_t b, std::int64_t h, const RecurrenceAttrs& attributes) {
    std::vector<Tensor> inputs{randn({t, b, gates * h}, f64, rng), randn({gates * h, h}, f64, rng)};
    if (bias) inputs.push_back(randn({gates * h}, f64, rng));
    for (int i = 0; i < states; ++i) inputs.push_back(randn({b, h}, f64, rng));
    return SampleOf<O>{inputs, attributes};
  };
  std::vector<SampleOf<O>> samples{make(3, 1, 2, {}),
                                   make(1, 2, 1, {}),
                                   make(2, 2, 1, {{}, true}),
                                   make(3, 2, 1, {{1, 3}, false}),
                                   make(3, 2, 1, {{3, 1}, false}),
                                   make(3, 2, 1, {{2, 0}, true}),
                                   make(0, 2, 1, {}),
                                   make(2, 0, 1, {})};
  samples[2].inputs[0] = transpose(randn({2, gates, 2}, f64, rng), 1, 2);
  return samples;
}

template <class O>
std::vector<BadInputOf<O>> sequence_bad_inputs(const std::string& name, std::int64_t gates, int states, bool bias) {
  const auto make = [&](const Shape& x, const Shape& weight, const Shape& state, const RecurrenceAttrs& attributes,
                        const std::string& message) {
    std::vector<Tensor> inputs{zeros(x), zeros(weight)};
    if (bias) inputs.push_back(zeros({2 * gates}));
    for (int i = 0; i < states; ++i) inputs.push_back(zeros(state));
    return BadInputOf<O>{inputs, attributes, name + ": " + message};
  };
  const Shape x{3, 2, 2 * gates}, weight{2 * gates, 2}, state{2, 2};
  return {make(x, {2 * gates, 3}, state, {}, "the weight is "), make({3, 2, 2 * gates + 1}, weight, state, {}, "x is "),
          make(x, weight, {2, 3}, {}, "a state is [2, 3]; expected [2, 2]"),
          make(x, weight, state, {{1}, false}, "1 lengths for 2 sequences"),
          make(x, weight, state, {{1, 4}, false}, "a sequence of 4 steps, where x, [3, 2, ")};
}

}  // namespace

namespace ops {

struct LstmSequence {
  static constexpr OpInfo info{.name = "lstm_sequence",
                               .formula = "c = σ(f) c' + σ(i) tanh(g), h = σ(o) tanh(c), [i f g o] = x + W h'",
                               .doc = "Long short-term memory over a sequence: planes i, f, g, o, c, h.",
                               .inputs = {"x", "weight", "hidden", "cell"},
                               .saves = {.inputs = {1, 2, 3}, .output = true},
                               .group = Group::recurrence,
                               .source = "Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000"};
  using Attrs = RecurrenceAttrs;
  using Loop = Recurrence<recurrence::Lstm>;
  static TensorSpec result(const Attrs& a, const Tensor& x, const Tensor& weight, const Tensor& hidden,
                           const Tensor& cell) {
    return Loop::result("lstm_sequence", a, x, weight, {cell, hidden});
  }
  static void forward(const Attrs& a, const Tensor& x, const Tensor& weight, const Tensor& hidden, const Tensor& cell,
                      Tensor& y) {
    dispatch_floating(y.dtype(), [&]<class T>() { Loop(a, y.shape()).forward<T>(x, weight, {}, {cell, hidden}, y); });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, const Tensor& hidden,
                    const Tensor& cell, const Tensor& y) {
    return Loop(a, y.shape()).shared(g, weight, {cell, hidden}, y)[Loop::kX];
  }
  static Tensor vjp(wrt<1>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, const Tensor& hidden,
                    const Tensor& cell, const Tensor& y) {
    const Loop loop(a, y.shape());
    return loop.weight_gradient(loop.shared(g, weight, {cell, hidden}, y)[Loop::kProduct], hidden, y);
  }
  static Tensor vjp(wrt<2>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, const Tensor& hidden,
                    const Tensor& cell, const Tensor& y) {
    return Loop(a, y.shape()).shared(g, weight, {cell, hidden}, y)[Loop::kState + 1];
  }
  static Tensor vjp(wrt<3>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, const Tensor& hidden,
                    const Tensor& cell, const Tensor& y) {
    return Loop(a, y.shape()).shared(g, weight, {cell, hidden}, y)[Loop::kState];
  }
  static Cost cost(const Attrs&, const Node& node) { return cost_of_sequence<recurrence::Lstm>(node); }
  static std::vector<SampleOf<LstmSequence>> samples(Rng& rng) {
    return sequence_samples<LstmSequence>(rng, 4, 2, false);
  }
  static std::vector<BadInputOf<LstmSequence>> bad_inputs() {
    return sequence_bad_inputs<LstmSequence>("lstm_sequence", 4, 2, false);
  }
};

struct GruSequence {
  static constexpr OpInfo info{
      .name = "gru_sequence",
      .formula = "h = n + z (h' - n), r = σ(x + Wh'), z = σ(x + Wh'), n = tanh(x + r (Wh' + b))",
      .doc = "Gated recurrent units over a sequence: planes r, z, n, Wh' + b of n, h.",
      .inputs = {"x", "weight", "bias", "hidden"},
      .saves = {.inputs = {1, 3}, .output = true},
      .group = Group::recurrence,
      .source = "Cho et al. 2014"};
  using Attrs = RecurrenceAttrs;
  using Loop = Recurrence<recurrence::Gru>;
  static TensorSpec result(const Attrs& a, const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const Tensor& hidden) {
    const TensorSpec spec = Loop::result("gru_sequence", a, x, weight, {hidden});
    if (bias.shape() != Shape{weight.shape()[0]})
      throw ShapeError(
          fmt::format("gru_sequence: the bias is {}; expected [{}]", to_string(bias.shape()), weight.shape()[0]));
    return spec;
  }
  static void forward(const Attrs& a, const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& hidden,
                      Tensor& y) {
    dispatch_floating(y.dtype(), [&]<class T>() { Loop(a, y.shape()).forward<T>(x, weight, bias, {hidden}, y); });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, Unsaved,
                    const Tensor& hidden, const Tensor& y) {
    return Loop(a, y.shape()).shared(g, weight, {hidden}, y)[Loop::kX];
  }
  static Tensor vjp(wrt<1>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, Unsaved,
                    const Tensor& hidden, const Tensor& y) {
    const Loop loop(a, y.shape());
    return loop.weight_gradient(loop.shared(g, weight, {hidden}, y)[Loop::kProduct], hidden, y);
  }
  static Tensor vjp(wrt<2>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, Unsaved,
                    const Tensor& hidden, const Tensor& y) {
    // Of each step and row, which are added up as of any input that is broadcast.
    return Loop(a, y.shape()).shared(g, weight, {hidden}, y)[Loop::kProduct];
  }
  static Tensor vjp(wrt<3>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, Unsaved,
                    const Tensor& hidden, const Tensor& y) {
    return Loop(a, y.shape()).shared(g, weight, {hidden}, y)[Loop::kState];
  }
  static Cost cost(const Attrs&, const Node& node) { return cost_of_sequence<recurrence::Gru>(node); }
  static std::vector<SampleOf<GruSequence>> samples(Rng& rng) { return sequence_samples<GruSequence>(rng, 3, 1, true); }
  static std::vector<BadInputOf<GruSequence>> bad_inputs() {
    auto bad = sequence_bad_inputs<GruSequence>("gru_sequence", 3, 1, true);
    bad.push_back({{zeros({3, 2, 6}), zeros({6, 2}), zeros({2}), zeros({2, 2})}, {}, "the bias is [2]; expected [6]"});
    return bad;
  }
};

template <class Self, bool kRelu>
struct RnnRules {
  using Attrs = RecurrenceAttrs;
  using Loop = Recurrence<recurrence::Rnn<kRelu>>;
  static TensorSpec result(const Attrs& a, const Tensor& x, const Tensor& weight, const Tensor& hidden) {
    return Loop::result(Self::info.name.data(), a, x, weight, {hidden});
  }
  static void forward(const Attrs& a, const Tensor& x, const Tensor& weight, const Tensor& hidden, Tensor& y) {
    dispatch_floating(y.dtype(),
                      [&]<class T>() { Loop(a, y.shape()).template forward<T>(x, weight, {}, {hidden}, y); });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, const Tensor& hidden,
                    const Tensor& y) {
    return Loop(a, y.shape()).shared(g, weight, {hidden}, y)[Loop::kX];
  }
  static Tensor vjp(wrt<1>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, const Tensor& hidden,
                    const Tensor& y) {
    const Loop loop(a, y.shape());
    return loop.weight_gradient(loop.shared(g, weight, {hidden}, y)[Loop::kProduct], hidden, y);
  }
  static Tensor vjp(wrt<2>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& weight, const Tensor& hidden,
                    const Tensor& y) {
    return Loop(a, y.shape()).shared(g, weight, {hidden}, y)[Loop::kState];
  }
  static Cost cost(const Attrs&, const Node& node) { return cost_of_sequence<recurrence::Rnn<kRelu>>(node); }
  static std::vector<SampleOf<Self>> samples(Rng& rng) { return sequence_samples<Self>(rng, 1, 1, false); }
  static std::vector<BadInputOf<Self>> bad_inputs() {
    return sequence_bad_inputs<Self>(std::string(Self::info.name), 1, 1, false);
  }
};

struct RnnTanhSequence : RnnRules<RnnTanhSequence, false> {
  static constexpr OpInfo info{.name = "rnn_tanh_sequence",
                               .formula = "h = tanh(x + W h')",
                               .doc = "A simple recurrent network over a sequence: one plane, h.",
                               .inputs = {"x", "weight", "hidden"},
                               .saves = {.inputs = {1, 2}, .output = true},
                               .group = Group::recurrence,
                               .source = "Elman 1990"};
};

struct RnnReluSequence : RnnRules<RnnReluSequence, true> {
  static constexpr OpInfo info{.name = "rnn_relu_sequence",
                               .formula = "h = max(0, x + W h')",
                               .doc = "A simple recurrent network over a sequence: one plane, h.",
                               .inputs = {"x", "weight", "hidden"},
                               .saves = {.inputs = {1, 2}, .output = true},
                               .group = Group::recurrence,
                               .source = "Le, Jaitly and Hinton 2015"};
};

using RecurrenceOps = OpList<LstmSequence, GruSequence, RnnTanhSequence, RnnReluSequence>;

}  // namespace ops

Tensor lstm_sequence(const Tensor& x, const Tensor& weight, const Tensor& hidden, const Tensor& cell,
                     const RecurrenceOptions& options) {
  return ops::RecurrenceOps::apply<ops::LstmSequence>(RecurrenceAttrs{options.lengths, options.reverse}, x, weight,
                                                      hidden, cell);
}

Tensor gru_sequence(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& hidden,
                    const RecurrenceOptions& options) {
  return ops::RecurrenceOps::apply<ops::GruSequence>(RecurrenceAttrs{options.lengths, options.reverse}, x, weight, bias,
                                                     hidden);
}

Tensor rnn_sequence(const Tensor& x, const Tensor& weight, const Tensor& hidden, bool relu,
                    const RecurrenceOptions& options) {
  const RecurrenceAttrs attributes{options.lengths, options.reverse};
  return relu ? ops::RecurrenceOps::apply<ops::RnnReluSequence>(attributes, x, weight, hidden)
              : ops::RecurrenceOps::apply<ops::RnnTanhSequence>(attributes, x, weight, hidden);
}

std::span<const OpEntry> recurrence_ops() { return ops::RecurrenceOps::entries; }

}  // namespace tapegrad
