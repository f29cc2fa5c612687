#include <tapegrad/ops/recurrence.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/internal/accuracy.hpp>
#include <tapegrad/ops/internal/contributions.hpp>
#include <tapegrad/ops/internal/in_f64.hpp>
#include <tapegrad/ops/internal/recurrence_cells.hpp>
#include <tapegrad/ops/kernels/gemm.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

constexpr Accuracy kSaturated{
    .ulps = internal::kNoBound,
    .reason = "where a gate is within an ulp of 0, 1 or -1, its slope is taken from its rounded value"};

/// The loop over time that the cells have in common.
template <class Cell>
struct Recurrence {
  static constexpr std::size_t kGates = Cell::kGates, kStates = Cell::kStates, kPlanes = Cell::kPlanes;
  static constexpr std::size_t kFirstState = kPlanes - kStates;
  using States = std::array<Tensor, kStates>;  ///< the hidden state last

  /// What the loop gives at each step, or the cotangents of that, of which some may be undefined.
  struct Steps {
    Tensor gates;   ///< [planes, T, B, H], of a cell that has some
    States states;  ///< [T, B, H] each
  };
  struct Gradients {
    Tensor x, product;  ///< [T, B, gates · H]; the latter of the product of weight and hidden state
    States initial;     ///< [B, H] each
  };

  const RecurrenceOptions& options;
  std::int64_t steps, rows, width;

  Recurrence(const RecurrenceOptions& o, const Shape& output)
      : options(o), steps(output[0]), rows(output[1]), width(output[2]) {}

  static void check(std::string_view op, const RecurrenceOptions& o, const Tensor& x, const Tensor& weight,
                    const States& initial) {
    const auto gates = static_cast<std::int64_t>(kGates);
    if (weight.rank() != 2 || weight.shape()[0] != gates * weight.shape()[1])
      throw ShapeError(fmt::format("{}: the weight is {}; expected [{} H, H]", op, to_string(weight.shape()), kGates));
    const std::int64_t h = weight.shape()[1];
    if (x.rank() != 3 || x.shape()[2] != gates * h)
      throw ShapeError(fmt::format("{}: x is {}; with a weight of {} expected [T, B, {}]", op, to_string(x.shape()),
                                   to_string(weight.shape()), gates * h));
    const std::int64_t t = x.shape()[0], b = x.shape()[1];
    for (const Tensor& state : initial)
      if (state.shape() != Shape{b, h})
        throw ShapeError(
            fmt::format("{}: a state is {}; expected {}", op, to_string(state.shape()), to_string(Shape{b, h})));
    if (!o.lengths.empty() && std::ssize(o.lengths) != b)
      throw ShapeError(
          fmt::format("{}: {} lengths for {} sequences; x is {}", op, o.lengths.size(), b, to_string(x.shape())));
    for (const std::int64_t length : o.lengths)
      if (length < 0 || length > t)
        throw ValueError(
            fmt::format("{}: a sequence of {} steps, where x, {}, has {}", op, length, to_string(x.shape()), t));
  }

  static Tensor each_step(const Tensor& x, const Tensor& weight) {
    return op::spec({x.shape()[0], x.shape()[1], weight.shape()[1]}, x.dtype());
  }
  static Tensor each_gate(const Tensor& x, const Tensor& weight) {
    return op::spec(each_step(x, weight).shape().insert(0, static_cast<std::int64_t>(kFirstState)), x.dtype());
  }

  std::int64_t time(std::int64_t step) const { return options.reverse ? steps - 1 - step : step; }
  bool active(std::int64_t t, std::int64_t row) const {
    return options.lengths.empty() || t < options.lengths[static_cast<std::size_t>(row)];
  }
  bool worth_threads() const { return static_cast<double>(rows * width) * Cell::kFlops > (1 << 20); }

  /// Row `row` of each of N gates, which lie `apart`.
  template <std::size_t N, class T>
  static std::array<T*, N> pointers(T* first, std::int64_t apart) {
    std::array<T*, N> all;
    for (std::size_t i = 0; i < N; ++i) all[i] = first + static_cast<std::int64_t>(i) * apart;
    return all;
  }

  /// Steps as numbers; `nothing` stands for each row of those that are undefined.
  template <class T>
  struct Rows {
    T* gates = nullptr;
    std::array<T*, kStates> states{};
    T* nothing = nullptr;
  };
  template <class T>
  static Rows<const T> read(const Steps& from, const T* nothing = nullptr) {
    Rows<const T> rows{.nothing = nothing};
    if (from.gates.defined()) rows.gates = from.gates.template data<T>().data();
    for (std::size_t s = 0; s < kStates; ++s)
      if (from.states[s].defined()) rows.states[s] = from.states[s].template data<T>().data();
    return rows;
  }
  template <class T>
  std::array<T*, kPlanes> planes(const Rows<T>& y, std::int64_t t, std::int64_t row) const {
    const std::int64_t at = (t * rows + row) * width;
    std::array<T*, kPlanes> all;
    for (std::size_t p = 0; p < kFirstState; ++p)
      all[p] = y.gates ? y.gates + static_cast<std::int64_t>(p) * steps * rows * width + at : y.nothing;
    for (std::size_t s = 0; s < kStates; ++s) all[kFirstState + s] = y.states[s] ? y.states[s] + at : y.nothing;
    return all;
  }
  template <class T, class U>
  std::array<const T*, kStates> before(const Rows<U>& y, const States& initial, std::int64_t step,
                                       std::int64_t row) const {
    std::array<const T*, kStates> all;
    for (std::size_t s = 0; s < kStates; ++s)
      all[s] = step == 0 ? initial[s].template data<T>().data() + row * width
                         : y.states[s] + (time(step - 1) * rows + row) * width;
    return all;
  }

  /// Whether a product of a state with the weight may. However large x is, it is only added.
  static bool leaves_range(const auto&... weights_and_states) {
    return internal::any_extreme(internal::Extremes::large, weights_and_states...);
  }

  // Loops over a row call a function for each element: g++ keeps arrays that the body of a simd loop declares in
  // memory, and then does not vectorise it.

  // ---- forward ------------------------------------------------------------------------------------------------------

  template <class T, std::size_t... G, std::size_t... S, std::size_t... P>
  [[gnu::flatten]] static void forward_row(std::int64_t n, std::array<const T*, kGates> x,
                                           std::array<const T*, kGates> product, std::array<const T*, kStates> before,
                                           std::array<T*, kPlanes> y, std::index_sequence<G...>,
                                           std::index_sequence<S...>, std::index_sequence<P...>) {
    const auto element = [&](std::int64_t j) {
      const std::array<T, kPlanes> result =
          Cell::template forward<T>({x[G][j]...}, {product[G][j]...}, {before[S][j]...});
      ((y[P][j] = result[P]), ...);
    };
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) element(j);
  }

  /// Fills each step and the last states.
  void forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const States& initial, Steps y,
               States last) const {
    dispatch_floating(x.dtype(), [&]<class T>() {
      Rows<T> to;
      if (y.gates.defined()) to.gates = y.gates.template mutable_data<T>().data();
      for (std::size_t s = 0; s < kStates; ++s) to.states[s] = y.states[s].template mutable_data<T>().data();
      forward<T>(x, weight, bias, initial, to);
      for (std::size_t s = 0; s < kStates; ++s) {
        const T* from = steps == 0 ? initial[s].template data<T>().data()
                                   : std::as_const(to).states[s] + time(steps - 1) * rows * width;
        std::copy_n(from, rows * width, last[s].template mutable_data<T>().data());
      }
    });
  }

  template <class T>
  void forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const States& initial,
               const Rows<T>& y) const {
    const T* in = x.data<T>().data();
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

  /// From the cotangents of each step and of the last states.
  Gradients gradients(const Steps& g, const States& g_last, const Tensor& weight, const States& initial,
                      const Steps& y) const {
    if (grad_enabled()) return recorded_gradients(g, g_last, weight, initial, y);
    const auto dense = [](const Tensor& t) { return t.defined() ? t.contiguous() : t; };
    const auto dense_states = [&](States states) {
      for (Tensor& s : states) s = dense(s);
      return states;
    };
    return dispatch_floating(weight.dtype(), [&]<class T>() {
      return fused_gradients<T>({dense(g.gates), dense_states(g.states)}, g_last, dense(weight), dense_states(initial),
                                {dense(y.gates), dense_states(y.states)});
    });
  }

  template <class T, std::size_t... G, std::size_t... S, std::size_t... P>
  [[gnu::flatten]] static void backward_row(std::int64_t n, std::array<const T*, kPlanes> d,
                                            std::array<const T*, kPlanes> y, std::array<const T*, kStates> before,
                                            std::array<T*, kStates> running, std::array<T*, kGates> dx,
                                            std::array<T*, kGates> dproduct, std::index_sequence<G...>,
                                            std::index_sequence<S...>, std::index_sequence<P...>) {
    const auto element = [&](std::int64_t j) {
      std::array<T, kPlanes> cotangent{d[P][j]...};
      ((cotangent[kFirstState + S] += running[S][j]), ...);
      const auto back = Cell::template backward<T>(cotangent, {y[P][j]...}, {before[S][j]...});
      ((dx[G][j] = back.x[G]), ...);
      if constexpr (!Cell::kOneGradient) ((dproduct[G][j] = back.product[G]), ...);
      ((running[S][j] = back.before[S]), ...);
    };
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) element(j);
  }

  template <class T>
  Gradients fused_gradients(const Steps& g, const States& g_last, const Tensor& weight, const States& initial,
                            const Steps& y) const {
    const std::int64_t wide = Cell::kGates * width;
    Gradients result;
    result.x = empty({steps, rows, wide}, weight.dtype());
    result.product = Cell::kOneGradient ? result.x : empty(result.x.shape(), weight.dtype());
    std::array<T*, kStates> state;
    for (std::size_t s = 0; s < kStates; ++s) {
      result.initial[s] = g_last[s].defined() ? g_last[s].clone() : zeros({rows, width}, weight.dtype());
      state[s] = result.initial[s].template mutable_data<T>().data();
    }
    const std::vector<T> nothing(static_cast<std::size_t>(width));
    const Rows<const T> cotangent = read<T>(g, nothing.data()), value = read<T>(y);
    T *to_x = result.x.template mutable_data<T>().data(),
      *to_product = result.product.template mutable_data<T>().data();
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

  Gradients recorded_gradients(const Steps& g, const States& g_last, const Tensor& weight, const States& initial,
                               const Steps& y) const {
    const Tensor nothing = zeros({rows, width}, weight.dtype());
    const auto plane = [&](const Steps& of, std::size_t p, std::int64_t t) {
      if (p >= kFirstState)
        return of.states[p - kFirstState].defined() ? select(of.states[p - kFirstState], 0, t) : nothing;
      return of.gates.defined() ? select(select(of.gates, 0, static_cast<std::int64_t>(p)), 0, t) : nothing;
    };
    States running = g_last;
    std::vector<Tensor> dx(static_cast<std::size_t>(steps)), dproduct = dx;
    for (std::int64_t step = steps - 1; step >= 0; --step) {
      const std::int64_t t = time(step);
      std::array<Tensor, kPlanes> d, value;
      States before;
      for (std::size_t p = 0; p < kPlanes; ++p) d[p] = plane(g, p, t), value[p] = plane(y, p, t);
      for (std::size_t s = 0; s < kStates; ++s) {
        before[s] = step == 0 ? initial[s] : plane(y, kFirstState + s, time(step - 1));
        d[kFirstState + s] = internal::added(d[kFirstState + s], running[s]);
      }
      const auto back = Cell::template backward<Tensor>(d, value, before);
      Tensor to_x = concat(back.x, 1), to_product = Cell::kOneGradient ? to_x : concat(back.product, 1);
      running = back.before;
      if (!options.lengths.empty()) {
        Tensor counts = empty({rows, 1}, weight.dtype());
        for (std::int64_t row = 0; row < rows; ++row) select(counts, 0, row).fill(active(t, row) ? 1 : 0);
        to_x = to_x * counts;
        to_product = to_product * counts;
        // Behind a sequence's end its gates are 0, and so is what backward() leaves of its states.
        for (std::size_t s = 0; s < kStates; ++s)
          running[s] = internal::added(running[s], d[kFirstState + s] * (1 - counts));
      }
      running[kStates - 1] = internal::added(running[kStates - 1], matmul(to_product, weight));
      dx[static_cast<std::size_t>(t)] = to_x;
      dproduct[static_cast<std::size_t>(t)] = to_product;
    }
    for (Tensor& state : running)
      if (!state.defined()) state = nothing;
    if (steps > 0) return {stack(dx), stack(dproduct), running};
    const Tensor none = zeros({0, rows, weight.shape()[0]}, weight.dtype());
    return {none, none, running};
  }

  /// Of the weight, which each step multiplies the hidden state before it with.
  Tensor weight_gradient(const Tensor& dproduct, const Tensor& initial, const Tensor& output) const {
    const Tensor first = unsqueeze(initial, 0);
    Tensor before = output;
    if (steps > 0)
      before = options.reverse ? concat({slice(output, 0, 1), first}) : concat({first, slice(output, 0, 0, steps - 1)});
    return matmul(transpose(reshape(dproduct, {steps * rows, dproduct.shape()[2]})),
                  reshape(before, {steps * rows, width}));
  }
};

template <class Cell>
Cost cost_of_sequence(const Tensor& x, const Tensor& output) {
  const auto elements = static_cast<double>(output.numel());
  const double product = 2.0 * Cell::kGates * static_cast<double>(output.shape()[-1]);
  return {elements * (product + Cell::kFlops),
          (static_cast<double>(x.numel()) + elements * Cell::kPlanes) * static_cast<double>(size_of(x.dtype()))};
}

/// Sequences to try a cell with: `make(draw, t, b, h)` gives its inputs.
template <class O, class Make>
std::vector<SampleOf<O>> sequence_samples(Rng& rng, const Make& make_inputs) {
  const auto draw = [&](const Shape& shape) { return randn(shape, f64, rng); };
  const auto make = [&](std::int64_t t, std::int64_t b, std::int64_t h, const RecurrenceOptions& options) {
    return SampleOf<O>{make_inputs(draw, t, b, h), options};
  };
  std::vector<SampleOf<O>> samples{make(3, 1, 2, {}),
                                   make(1, 2, 1, {}),
                                   make(2, 2, 1, {{}, true}),
                                   make(3, 2, 1, {{1, 3}, false}),
                                   make(3, 2, 1, {{3, 1}, false}),
                                   make(3, 2, 1, {{2, 0}, true}),
                                   make(0, 2, 1, {}),
                                   make(2, 0, 1, {})};
  const Shape& x = samples[2].inputs.x.shape();
  samples[2].inputs.x = transpose(draw({x[0], x[2], x[1]}), 1, 2);
  return samples;
}

/// `make(x, weight, state)` gives inputs of these shapes, in which H is 2.
template <class O, class Make>
std::vector<BadInputOf<O>> sequence_bad_inputs(std::int64_t gates, const Make& make_inputs) {
  const auto make = [&](const Shape& x, const Shape& weight, const Shape& state, const RecurrenceOptions& options,
                        const std::string& message) {
    return BadInputOf<O>{make_inputs(zeros(x), zeros(weight), zeros(state)), options,
                         std::string(O::info.name) + ": " + message};
  };
  const Shape x{3, 2, 2 * gates}, weight{2 * gates, 2}, state{2, 2};
  return {make(x, {2 * gates, 3}, state, {}, "the weight is "), make({3, 2, 2 * gates + 1}, weight, state, {}, "x is "),
          make(x, weight, {2, 3}, {}, "a state is [2, 3]; expected [2, 2]"),
          make(x, weight, state, {{1}, false}, "1 lengths for 2 sequences"),
          make(x, weight, state, {{1, 4}, false}, "a sequence of 4 steps, where x, [3, 2, ")};
}

}  // namespace

namespace ops {

struct Lstm {
  struct In {
    Tensor x, weight, hidden, cell;
  };
  /// Beside what callers get, the cell state of each step, and its gates i, f, g, o.
  struct Out {
    Tensor output, hidden, cell, cells, gates;
  };
  struct Kept {
    Tensor weight, hidden, cell, output, cells, gates;
  };
  using Attrs = RecurrenceOptions;
  static constexpr OpInfo info{.name = "lstm",
                               .formula = "c = σ(f) c' + σ(i) tanh(g), h = σ(o) tanh(c), [i f g o] = x + W h'",
                               .doc = "Long short-term memory over a sequence.",
                               .group = Group::recurrence,
                               .source = "Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000",
                               .accuracy = kSaturated};
  using Loop = Recurrence<recurrence::Lstm>;

  static void check(const Attrs& a, const In& in) { Loop::check(info.name, a, in.x, in.weight, {in.cell, in.hidden}); }
  static Out shapes(const Attrs&, const In& in) {
    const auto state = [&] { return op::spec(in.hidden.shape(), in.x.dtype()); };
    return {Loop::each_step(in.x, in.weight), state(), state(), Loop::each_step(in.x, in.weight),
            Loop::each_gate(in.x, in.weight)};
  }
  static std::optional<Out> instead(const Attrs& a, const In& in) {
    return Loop::leaves_range(in.weight, in.hidden, in.cell) ? internal::in_f64<Lstm>(in, a) : std::nullopt;
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    Loop(a, out.output.shape())
        .forward(in.x, in.weight, {}, {in.cell, in.hidden}, {out.gates, {out.cells, out.output}},
                 {out.cell, out.hidden});
    return {in.weight, in.hidden, in.cell, out.output, out.cells, out.gates};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const Loop loop(a, kept.output.shape());
    const auto back = loop.gradients({g.gates, {g.cells, g.output}}, {g.cell, g.hidden}, kept.weight,
                                     {kept.cell, kept.hidden}, {kept.gates, {kept.cells, kept.output}});
    In d;
    d.x = back.x;
    if (wanted(&In::weight)) d.weight = loop.weight_gradient(back.product, kept.hidden, kept.output);
    d.hidden = back.initial[1];
    d.cell = back.initial[0];
    return d;
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) {
    return cost_of_sequence<recurrence::Lstm>(in.x, out.output);
  }
  static std::vector<SampleOf<Lstm>> samples(Rng& rng) {
    return sequence_samples<Lstm>(rng, [](const auto& draw, std::int64_t t, std::int64_t b, std::int64_t h) -> In {
      return {draw({t, b, 4 * h}), draw({4 * h, h}), draw({b, h}), draw({b, h})};
    });
  }
  static std::vector<BadInputOf<Lstm>> bad_inputs() {
    return sequence_bad_inputs<Lstm>(4, [](const Tensor& x, const Tensor& weight, const Tensor& state) -> In {
      return {x, weight, state, state};
    });
  }
};

struct Gru {
  struct In {
    Tensor x, weight, bias, hidden;
  };
  /// Beside what callers get, the gates of each step: r, z, n, and Wh' + b of n.
  struct Out {
    Tensor output, hidden, gates;
  };
  struct Kept {
    Tensor weight, hidden, output, gates;
  };
  using Attrs = RecurrenceOptions;
  static constexpr OpInfo info{
      .name = "gru",
      .formula = "h = n + z (h' - n), r = σ(x + Wh' + b), z = σ(x + Wh' + b), n = tanh(x + r (Wh' + b))",
      .doc = "Gated recurrent units over a sequence.",
      .group = Group::recurrence,
      .source = "Cho et al. 2014",
      .accuracy = kSaturated};
  using Loop = Recurrence<recurrence::Gru>;

  static void check(const Attrs& a, const In& in) {
    Loop::check(info.name, a, in.x, in.weight, {in.hidden});
    if (in.bias.shape() != Shape{in.weight.shape()[0]})
      throw ShapeError(
          fmt::format("gru: the bias is {}; expected [{}]", to_string(in.bias.shape()), in.weight.shape()[0]));
  }
  static Out shapes(const Attrs&, const In& in) {
    return {Loop::each_step(in.x, in.weight), op::spec(in.hidden.shape(), in.x.dtype()),
            Loop::each_gate(in.x, in.weight)};
  }
  static std::optional<Out> instead(const Attrs& a, const In& in) {
    return Loop::leaves_range(in.weight, in.bias, in.hidden) ? internal::in_f64<Gru>(in, a) : std::nullopt;
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    Loop(a, out.output.shape()).forward(in.x, in.weight, in.bias, {in.hidden}, {out.gates, {out.output}}, {out.hidden});
    return {in.weight, in.hidden, out.output, out.gates};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const Loop loop(a, kept.output.shape());
    const auto back =
        loop.gradients({g.gates, {g.output}}, {g.hidden}, kept.weight, {kept.hidden}, {kept.gates, {kept.output}});
    In d;
    d.x = back.x;
    if (wanted(&In::weight)) d.weight = loop.weight_gradient(back.product, kept.hidden, kept.output);
    d.bias = back.product;  // of each step and row, added up as of any input that broadcasts
    d.hidden = back.initial[0];
    return d;
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) {
    return cost_of_sequence<recurrence::Gru>(in.x, out.output);
  }
  static std::vector<SampleOf<Gru>> samples(Rng& rng) {
    return sequence_samples<Gru>(rng, [](const auto& draw, std::int64_t t, std::int64_t b, std::int64_t h) -> In {
      return {draw({t, b, 3 * h}), draw({3 * h, h}), draw({3 * h}), draw({b, h})};
    });
  }
  static std::vector<BadInputOf<Gru>> bad_inputs() {
    auto bad = sequence_bad_inputs<Gru>(3, [](const Tensor& x, const Tensor& weight, const Tensor& state) -> In {
      return {x, weight, zeros({6}), state};
    });
    bad.push_back({{zeros({3, 2, 6}), zeros({6, 2}), zeros({2}), zeros({2, 2})}, {}, "the bias is [2]; expected [6]"});
    return bad;
  }
};

template <class Self, bool kRelu>
struct RnnOp {
  struct In {
    Tensor x, weight, hidden;
  };
  struct Out {
    Tensor output, hidden;
  };
  struct Kept {
    Tensor weight, hidden, output;
  };
  using Attrs = RecurrenceOptions;
  using Loop = Recurrence<recurrence::Rnn<kRelu>>;

  static void check(const Attrs& a, const In& in) { Loop::check(Self::info.name, a, in.x, in.weight, {in.hidden}); }
  static Out shapes(const Attrs&, const In& in) {
    return {Loop::each_step(in.x, in.weight), op::spec(in.hidden.shape(), in.x.dtype())};
  }
  static std::optional<Out> instead(const Attrs& a, const In& in) {
    return Loop::leaves_range(in.weight, in.hidden) ? internal::in_f64<Self>(in, a) : std::nullopt;
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    Loop(a, out.output.shape()).forward(in.x, in.weight, {}, {in.hidden}, {{}, {out.output}}, {out.hidden});
    return {in.weight, in.hidden, out.output};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const Loop loop(a, kept.output.shape());
    const auto back = loop.gradients({{}, {g.output}}, {g.hidden}, kept.weight, {kept.hidden}, {{}, {kept.output}});
    In d;
    d.x = back.x;
    if (wanted(&In::weight)) d.weight = loop.weight_gradient(back.product, kept.hidden, kept.output);
    d.hidden = back.initial[0];
    return d;
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) {
    return cost_of_sequence<recurrence::Rnn<kRelu>>(in.x, out.output);
  }
  static std::vector<SampleOf<Self>> samples(Rng& rng) {
    return sequence_samples<Self>(rng, [](const auto& draw, std::int64_t t, std::int64_t b, std::int64_t h) -> In {
      return {draw({t, b, h}), draw({h, h}), draw({b, h})};
    });
  }
  static std::vector<BadInputOf<Self>> bad_inputs() {
    return sequence_bad_inputs<Self>(1, [](const Tensor& x, const Tensor& weight, const Tensor& state) -> In {
      return {x, weight, state};
    });
  }
};

struct RnnTanh : RnnOp<RnnTanh, false> {
  static constexpr OpInfo info{.name = "rnn_tanh",
                               .formula = "h = tanh(x + W h')",
                               .doc = "A simple recurrent network over a sequence.",
                               .group = Group::recurrence,
                               .source = "Elman 1990",
                               .accuracy = kSaturated};
};

struct RnnRelu : RnnOp<RnnRelu, true> {
  static constexpr OpInfo info{
      .name = "rnn_relu",
      .formula = "h = max(0, x + W h')",
      .doc = "A simple recurrent network over a sequence.",
      .group = Group::recurrence,
      .source = "Le, Jaitly and Hinton 2015",
      .accuracy = {.ulps = internal::kNoBound, .reason = "states may leave the range between steps"}};
};

using RecurrenceOps = OpList<Lstm, Gru, RnnTanh, RnnRelu>;

}  // namespace ops

using ops::RecurrenceOps;

LstmResult lstm(const Tensor& x, const Tensor& weight, const Tensor& hidden, const Tensor& cell,
                const RecurrenceOptions& options) {
  const auto out = RecurrenceOps::apply<ops::Lstm>(options, {x, weight, hidden, cell});
  return {out.output, out.hidden, out.cell};
}

RecurrenceResult gru(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& hidden,
                     const RecurrenceOptions& options) {
  const auto out = RecurrenceOps::apply<ops::Gru>(options, {x, weight, bias, hidden});
  return {out.output, out.hidden};
}

RecurrenceResult rnn(const Tensor& x, const Tensor& weight, const Tensor& hidden, bool relu,
                     const RecurrenceOptions& options) {
  if (relu) {
    const auto out = RecurrenceOps::apply<ops::RnnRelu>(options, {x, weight, hidden});
    return {out.output, out.hidden};
  }
  const auto out = RecurrenceOps::apply<ops::RnnTanh>(options, {x, weight, hidden});
  return {out.output, out.hidden};
}

std::span<const OpEntry> recurrence_ops() { return RecurrenceOps::entries; }

}  // namespace tapegrad
