#include "random_graphs.hpp"

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "sample_graphs.hpp"

namespace tapegrad::graph::samples {
namespace {

// Property tests are to fail today or never: a seed from the environment still wins.
[[maybe_unused]] const int kSeeded = ::setenv("RC_PARAMS", "seed=7 max_success=60", 0);

constexpr std::array<const char*, 8> kOps{"add", "mul", "matmul", "relu", "sum", "reshape", "vector<float>::f", "end"};
constexpr std::array<const char*, 6> kFamilies{"pointwise", "contraction", "reduction", "shape", "unheard of", ""};
constexpr std::array<const char*, 5> kTypes{"f32", "f64", "i64", "bool", ""};

Statistics random_statistics(Chance& chance) {
  constexpr std::array<double, 6> kValues{
      0, -1.5, 1e-30, 1e30, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()};
  Statistics s;
  if (chance.one_in(2)) s.norm = std::abs(chance.pick(kValues));
  if (chance.one_in(2)) s.min = chance.pick(kValues);
  s.nan = chance.one_in(10) ? chance.below(100) : 0;
  s.inf = chance.one_in(10) ? chance.below(100) : 0;
  return s;
}

std::vector<std::int64_t> random_shape(Chance& chance) {
  std::vector<std::int64_t> shape;
  for (std::size_t rank = chance.below(4); rank > 0; --rank)
    shape.push_back(static_cast<std::int64_t>(chance.below(9)));
  return shape;
}

// A few scopes, so that there is something to nest.
std::string random_scope(Chance& chance, bool hostile) {
  std::string scope;
  for (std::size_t depth = chance.below(hostile && chance.one_in(50) ? 40 : 4); depth > 0; --depth) {
    scope += (scope.empty() ? "" : ".") + std::string(1, static_cast<char>('a' + chance.below(3)));
    if (hostile && chance.one_in(5)) scope += hostile_name(chance).substr(0, 40);
  }
  return scope;
}

}  // namespace

std::string hostile_name(Chance& chance) {
  static const std::array<std::string, 34> kPieces{"\"",          "'",
                                                   "`",           "``x``",
                                                   "<float>",     "</text>",
                                                   "<br/>",       "<script>alert(1)</script>",
                                                   "&",           "&amp;",
                                                   "&#60;",       "#34;",
                                                   "#quot;",      "#",
                                                   ";",           "%%{init: {}}%%",
                                                   "%%",          "\n",
                                                   "\r\n",        "\\n",
                                                   "\\",          "\\\"",
                                                   "end",         "subgraph",
                                                   "style a:#b;", "classDef x:#;",
                                                   "$$x^2$$",     "fa:fa-car",
                                                   "-->",         "]:::x",
                                                   "😀",           "输入层",
                                                   "\u202Egpj",   "ﬂ°lt¶ß"};  // NOLINT(misc-misleading-bidirectional)
  if (chance.one_in(30)) return std::string(20'000, static_cast<char>('a' + chance.below(26)));
  if (chance.one_in(30)) return std::string(300, '<');
  std::string name;
  for (std::size_t i = chance.below(5); i > 0; --i) {
    if (chance.one_in(4)) {
      name += static_cast<char>(chance.below(256));  // most are no UTF-8
    } else {
      name += chance.pick(kPieces);
    }
    if (chance.one_in(2)) name += "x";
  }
  return name;
}

ComputationGraph random_graph(std::uint64_t seed, std::size_t vertices, bool hostile) {
  Chance chance(seed);
  const auto name = [&](const std::string& plain) { return hostile ? hostile_name(chance) : plain; };
  GraphBuilder builder(name("graph"));
  std::vector<bool> differentiable;
  for (std::size_t i = 0; i < vertices; ++i) {
    Vertex v;
    v.shape = random_shape(chance);
    v.dtype = chance.pick(kTypes);
    v.scope = random_scope(chance, hostile);
    v.requires_grad = !chance.one_in(4);
    if (chance.one_in(3)) v.statistics = random_statistics(chance);
    if (chance.one_in(3)) v.seconds = static_cast<double>(chance.below(1000)) * 1e-6;
    v.failed = chance.one_in(200);
    if (chance.one_in(3)) v.saved_bytes = static_cast<double>(chance.below(100'000));
    const bool first = i == 0;
    if (first || chance.one_in(4)) {
      constexpr std::array<VertexKind, 3> kLeaves{VertexKind::input, VertexKind::parameter, VertexKind::constant};
      v.kind = chance.pick(kLeaves);
      v.name = name("leaf" + std::to_string(i));
    } else {
      v.kind = chance.one_in(20) ? VertexKind::output : VertexKind::op;
      v.op = v.kind == VertexKind::output   ? ""
             : hostile && chance.one_in(10) ? hostile_name(chance)
                                            : chance.pick(kOps);
      v.family = chance.pick(kFamilies);
      if (chance.one_in(4)) v.name = name("value" + std::to_string(i));
      if (chance.one_in(5)) v.attributes = {{name("axis"), name("0")}, {"keep", "true"}};
      if (chance.one_in(20)) v.stop = GradientStop::detached;
    }
    const bool is_op = !is_leaf(v), needs_grad = v.requires_grad;
    const auto handle = builder.add(std::move(v));
    differentiable.push_back(needs_grad);
    if (!is_op) continue;
    const std::size_t inputs = chance.below(5);
    for (std::size_t slot = 0; slot < inputs; ++slot) {
      const std::size_t reach = chance.one_in(5) ? i : std::min<std::size_t>(i, 6);
      const std::size_t from = chance.one_in(9) ? 0 : i - 1 - chance.below(reach);
      builder.connect(static_cast<GraphBuilder::Handle>(from), handle, static_cast<std::uint32_t>(slot));
    }
  }
  builder.mirror_gradients();
  for (std::size_t i = 1; i < vertices; ++i) {
    if (!differentiable[i] || !chance.one_in(2)) continue;
    builder.connect(static_cast<GraphBuilder::Handle>(chance.below(i + 1)),
                    *builder.gradient_of(static_cast<GraphBuilder::Handle>(i)), 0, EdgeKind::saved);
  }
  return std::move(builder).build();
}

ComputationGraph random_repeats(std::uint64_t seed, std::size_t size, std::size_t copies) {
  Chance chance(seed);
  enum class From { same_copy, copy_before, own_leaf, shared_leaf };
  struct Input {
    From from;
    std::size_t index;
  };
  std::vector<std::vector<Input>> block(size);
  std::vector<std::string> ops;
  for (std::size_t j = 0; j < size; ++j) {
    ops.push_back(chance.pick(kOps));
    if (j > 0) block[j].push_back({From::same_copy, j - 1});
    while (chance.one_in(3)) {
      const bool before = j == 0 || chance.one_in(2);
      block[j].push_back({before ? From::copy_before : From::same_copy, chance.below(before ? size : j)});
    }
    if (chance.one_in(3)) block[j].push_back({From::own_leaf, 0});
    if (chance.one_in(4)) block[j].push_back({From::shared_leaf, chance.below(2)});
  }
  block[0].push_back({From::copy_before, size - 1});

  Recording r;
  const std::array shared{r.parameter("shared0", {2}), r.parameter("shared1", {2})};
  std::vector<Recording::Handle> before, now;
  for (std::size_t j = 0; j < size; ++j) before.push_back(r.input("start" + std::to_string(j), {2}));
  for (std::size_t copy = 0; copy < copies; ++copy) {
    now.clear();
    for (std::size_t j = 0; j < size; ++j) {
      std::vector<Recording::Handle> inputs;
      for (const Input& input : block[j]) {
        switch (input.from) {
          case From::same_copy:
            inputs.push_back(now[input.index]);
            break;
          case From::copy_before:
            inputs.push_back(before[input.index]);
            break;
          case From::own_leaf:
            inputs.push_back(r.parameter("own", {2}));
            break;
          case From::shared_leaf:
            inputs.push_back(shared[input.index]);
            break;
        }
      }
      now.push_back(r.op(ops[j], inputs, {2}));
    }
    before = now;
  }
  r.output("result", before.back());
  return r.finish();
}

DrawOptions random_options(std::uint64_t seed, const ComputationGraph& graph) {
  Chance chance(seed);
  constexpr std::array kPasses{Pass::forward, Pass::backward, Pass::joint};
  constexpr std::array kOverlays{Overlay::none,       Overlay::gradient_norm, Overlay::values,
                                 Overlay::non_finite, Overlay::time,          Overlay::saved_bytes};
  constexpr std::array kShapes{ShapeLabels::nodes, ShapeLabels::edges, ShapeLabels::none};
  DrawOptions options;
  options.direction = chance.one_in(2) ? Direction::down : Direction::right;
  options.pass = chance.pick(kPasses);
  options.overlay = chance.pick(kOverlays);
  options.shapes = chance.pick(kShapes);
  options.legend = !chance.one_in(4);
  constexpr std::array kParameters{Parameters::inside, Parameters::nodes, Parameters::none};
  options.parameters = chance.pick(kParameters);
  options.unfold = chance.one_in(3);
  if (chance.one_in(2)) options.saved = chance.one_in(2);
  if (chance.one_in(3)) options.depth = 1 + chance.below(4);
  if (chance.one_in(4)) {
    options.focus = graph.id(static_cast<VertexIndex>(chance.below(graph.forward_size())));
    options.radius = chance.below(5);
  }
  if (chance.one_in(4)) options.title = hostile_name(chance);
  return options;
}

}  // namespace tapegrad::graph::samples
