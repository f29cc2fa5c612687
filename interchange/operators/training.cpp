// The domain ai.onnx.preview.training: gradients and optimisers as nodes.

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/view.hpp>
#include <unordered_set>

namespace tapegrad::onnx {
namespace {

/// d y / d xs, where y is computed anew from the values that the node is given for the names xs and zs.
std::vector<Value> gradient(const Call& c) {
  const std::vector<std::string> xs = c.texts("xs"), zs = c.texts("zs");
  const std::string y = c.text("y", "");
  if (xs.size() + zs.size() != c.inputs()) c.fail("xs and zs must name as many values as there are inputs");
  const Frame& around = c.frame();
  if (!around.graph()) c.fail("in the body of a function there is no graph to differentiate");
  const detail::Plan& plan = around.program().plans.at(around.graph());

  // The steps that lead from them to y.
  std::unordered_set<std::string> wanted{y}, given(xs.begin(), xs.end());
  given.insert(zs.begin(), zs.end());
  detail::Plan part{.steps = {}, .outputs = {y}};
  for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
    if (step->node == &c.node()) continue;
    bool needed = false;
    for (const std::string& output : step->node->output)
      needed = needed || (wanted.contains(output) && !given.contains(output));
    if (!needed) continue;
    part.steps.insert(part.steps.begin(), *step);
    part.steps.front().last.clear();
    for (const std::string& input : step->node->input) wanted.insert(input);
  }

  const bool recorded = grad_enabled();
  const GradMode on(true);
  Frame frame(around.program(), &around, around.graph(), around.given(), around.depth() + 1);
  std::vector<Tensor> leaves;
  for (std::size_t i = 0; i < c.inputs(); ++i) {
    Value value = c.value(i);
    if (i < xs.size()) {
      Tensor x = c.in(i);
      if (!x.requires_grad() || !recorded) x = x.detach().set_requires_grad();
      leaves.push_back(x);
      value.content = x;
    }
    frame.bind(i < xs.size() ? xs[i] : zs[i - xs.size()], std::move(value));
  }
  const std::vector<Value> computed = frame.run(part);
  if (!computed[0].tensor()) c.fail("y must be a tensor");
  const std::vector<Tensor> gradients = grad(std::vector{*computed[0].tensor()}, leaves,
                                             std::vector{ones_like(*computed[0].tensor())}, {.create_graph = recorded});
  std::vector<Value> results;
  for (std::size_t i = 0; i < leaves.size(); ++i)
    results.emplace_back(gradients[i].defined() ? gradients[i] : zeros_like(leaves[i]), c.type(i));
  return results;
}

/// Of inputs R, T and groups of `n` tensors each: X, G and the optimiser's states.
std::size_t group_size(const Call& c, std::size_t groups) {
  if (c.inputs() < 2 + groups || (c.inputs() - 2) % groups != 0)
    c.fail("the inputs after R and T must be whole groups");
  return (c.inputs() - 2) / groups;
}
Tensor regularized(const Call& c, const Tensor& x, const Tensor& g) { return g + x * c.number("norm_coefficient", 0); }

/// Results of each optimised tensor as the format orders them: all of the first kind, then all of the second.
std::vector<Value> by_kind(const std::vector<std::vector<Tensor>>& kinds) {
  std::vector<Value> results;
  for (const std::vector<Tensor>& kind : kinds) results.insert(results.end(), kind.begin(), kind.end());
  return results;
}

/// Duchi, Hazan, Singer (2011).
std::vector<Value> adagrad(const Call& c) {
  const std::size_t n = group_size(c, 3);
  const Tensor rate = c.in(0) / (1 + cast(c.in(1), c.in(0).dtype()) * c.number("decay_factor", 0));
  std::vector<std::vector<Tensor>> kinds(2);
  for (std::size_t i = 2; i < 2 + n; ++i) {
    const Tensor g = regularized(c, c.in(i), c.in(i + n));
    const Tensor h = c.in(i + 2 * n) + g * g;
    kinds[0].push_back(c.in(i)-rate * g / (sqrt(h) + c.number("epsilon", 1e-6f)));
    kinds[1].push_back(h);
  }
  return by_kind(kinds);
}

/// Kingma, Ba (2014).
std::vector<Value> adam(const Call& c) {
  const std::size_t n = group_size(c, 4);
  const double alpha = c.number("alpha", 0.9f), beta = c.number("beta", 0.999f);
  const double t = c.in(1).item();
  const Tensor rate = t > 0 ? c.in(0) * (std::sqrt(1 - std::pow(beta, t)) / (1 - std::pow(alpha, t))) : c.in(0);
  std::vector<std::vector<Tensor>> kinds(3);
  for (std::size_t i = 2; i < 2 + n; ++i) {
    const Tensor g = regularized(c, c.in(i), c.in(i + n));
    const Tensor v = c.in(i + 2 * n) * alpha + g * (1 - alpha), h = c.in(i + 3 * n) * beta + g * g * (1 - beta);
    const Tensor x = c.in(i)-rate * v / (sqrt(h) + c.number("epsilon", 1e-6f));
    kinds[0].push_back(x * (1 - c.number("norm_coefficient_post", 0)));
    kinds[1].push_back(v);
    kinds[2].push_back(h);
  }
  return by_kind(kinds);
}

std::vector<Value> momentum(const Call& c) {
  const std::size_t n = group_size(c, 3);
  const double alpha = c.number("alpha", 0), beta = c.in(1).item() > 0 ? c.number("beta", 1) : 1;
  const bool nesterov = c.text("mode", "standard") == "nesterov";
  std::vector<std::vector<Tensor>> kinds(2);
  for (std::size_t i = 2; i < 2 + n; ++i) {
    const Tensor g = regularized(c, c.in(i), c.in(i + n));
    const Tensor v = c.in(i + 2 * n) * alpha + g * beta;
    kinds[0].push_back(c.in(i)-c.in(0) * (nesterov ? g + v * alpha : v));
    kinds[1].push_back(v);
  }
  return by_kind(kinds);
}

constexpr Importer kImporters[] = {
    {"Adagrad", adagrad, 1, 0, kTraining},
    {"Adam", adam, 1, 0, kTraining},
    {"Gradient", gradient, 1, 0, kTraining},
    {"Momentum", momentum, 1, 0, kTraining},
};

}  // namespace

std::span<const Importer> training_importers() { return kImporters; }

}  // namespace tapegrad::onnx
