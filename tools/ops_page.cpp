#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/testing/gradient_check.hpp>
#include <utility>

#include "ops_pages.hpp"

namespace tapegrad::tools {
namespace {

constexpr int kOrders = 3;

/// [[1, 2], [3, 4]], four digits.
std::string nested(const Tensor& t, const std::vector<double>& values, int axis, std::size_t& next) {
  if (axis == t.rank()) return fmt::format("{:.4g}", values[next++] + 0.0);
  std::string text = "[";
  for (std::int64_t i = 0; i < t.shape()[axis]; ++i) text += (i ? ", " : "") + nested(t, values, axis + 1, next);
  return text + "]";
}
std::string literal(const Tensor& t) {
  if (t.dtype() == boolean && t.rank() == 0) return t.item() != 0 ? "true" : "false";
  std::size_t next = 0;
  std::vector<double> values = t.values();
  for (double& v : values)
    if (std::abs(v) < 1e-12) v = 0;  // rounding, which machines do differently
  return nested(t, values, 0, next);
}

/// Floats with one decimal, which read better and are as good.
Tensor rounded(const Tensor& t) {
  if (!t.defined() || t.dtype() != f64) return t;
  std::vector<double> values = t.values();
  for (double& v : values) v = std::round(v * 10) / 10;
  return copy_of(std::span<const double>(values), t.shape());
}

/// Three elements an input, spread over its domain.
Sample pointwise_example(const OpEntry& op) {
  const OpInfo& info = op.info();
  Sample sample;
  for (int i = 0; i < info.inputs.count; ++i) {
    const auto [low, high] = info.domain.interval[i];
    std::vector<double> values;
    for (const double share : {0.2, 0.5, 0.8})
      values.push_back(info.masks.has(i) ? share > 0.4 : low + (high - low) * (i ? 1 - share * 0.9 : share));
    const Tensor x = copy_of(values);
    sample.inputs.push_back(info.masks.has(i) ? x > 0.5 : x);
  }
  sample.call = [&op](std::span<const Tensor> inputs) { return op.call(inputs, {}); };
  return sample;
}

bool finite(const Tensor& t) {
  const std::vector<double> values = t.values();
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

/// Elements to read; more for samples that are too small to show anything.
std::int64_t length(const Sample& sample) {
  std::int64_t all = 0, most = 0;
  bool empty = false;
  for (const Tensor& t : sample.inputs) {
    const std::int64_t count = t.defined() ? t.numel() : 1;
    all += count;
    most = std::max(most, count);
    empty |= count == 0;
  }
  return all + (empty || most < 4 ? 1000 : 0);
}

/// The smallest of the samples that shows something.
Sample structural_example(const OpEntry& op) {
  Rng rng(4);
  std::vector<Sample> samples = op.samples(rng);
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Sample& a, const Sample& b) { return length(a) < length(b); });
  for (Sample& sample : samples) {
    const std::vector<Tensor> exact = sample.inputs;
    for (Tensor& t : sample.inputs) t = rounded(t);
    const std::vector<Tensor> values = sample.call(sample.inputs);
    if (std::all_of(values.begin(), values.end(), [](const Tensor& t) { return t.numel() > 0 && finite(t); }))
      return sample;
    sample.inputs = exact;
  }
  return samples.front();
}

class OpSection {
 public:
  explicit OpSection(const OpEntry& op) : op_(op), info_(op.info()) {}

  std::string text() const {
    std::string out = fmt::format("### {}\n\n`{}`", info_.name, info_.formula);
    if (!info_.doc.empty()) out += fmt::format("\n\n{}", info_.doc);
    if (!info_.source.empty()) out += fmt::format(" Source: {}.", info_.source);
    out += "\n\n" + inputs();
    for (const AttributeInfo& a : op_.attributes())
      out += fmt::format("- `{}={}`{}{}\n", a.name, a.default_value, a.doc.empty() ? "" : ": ", a.doc);
    out += "- " + gradient() + "\n";
    if (const Accuracy& a = info_.accuracy; std::isinf(a.ulps))
      out += fmt::format("- No bound of its error holds over the whole range: {}\n", a.reason);
    else if (!a.reason.empty())
      out += fmt::format("- Accurate to {} ulp times the condition number{}: {}\n", a.ulps,
                         a.normwise ? ", relative to the largest element" : "", a.reason);
    return out + example();
  }

 private:
  std::string inputs() const {
    std::string out;
    const OpRecord& op = *op_.record;
    for (int i = 0; const InputInfo& input : op.inputs) {
      std::string notes;
      if (info_.masks.has(i)) notes += ", boolean";
      if (input.fixed) notes += ", without a gradient";
      if (input.optional) notes += ", optional";
      if (input.list) notes += ", any number of them";
      out += fmt::format("{}`{}`{}", i++ ? "; " : "", input.name, notes);
    }
    std::string results;
    for (const std::string_view result : op.results)
      results += fmt::format("{}`{}`", results.empty() ? "" : ", ", result);
    return fmt::format("- {}: {}{}\n{}", op.inputs.size() > 1 || op.takes_list() ? "inputs" : "input", out,
                       info_.kind == Kind::floating ? "" : "; any dtype",
                       results.empty() ? "" : fmt::format("- results: {}\n", results));
  }

  std::string gradient() const {
    if (!info_.differentiable) return "no gradient";
    const testing::OpCheckResult result = testing::check_op(op_, kOrders);
    return fmt::format("gradient: {}; keeps {}",
                       result.ok() ? fmt::format("orders 1 to {} and forward mode are proven", result.orders)
                                   : "THE CHECKER FINDS IT WRONG",
                       kept());
  }

  std::string kept() const {
    if (!op_.pointwise) {
      std::string names;
      for (const std::string_view name : op_.record->kept)
        names += fmt::format("{}`{}`", names.empty() ? "" : ", ", name);
      return names.empty() ? "nothing" : names;
    }
    if (info_.saves.output && info_.saves.inputs == InputSet{}) return "its output";
    std::string names;
    for (int i = 0; i < info_.inputs.count; ++i)
      if (info_.saves.inputs.has(i) || info_.saves.others)
        names += (names.empty() ? "`" : ", `") + std::string(info_.inputs.name[i]) + "`";
    if (names.empty()) return "nothing";
    return names + (info_.saves.others ? ", each for the other's" : "") + (info_.saves.output ? " and its output" : "");
  }

  /// Of the example, whose node is given.
  std::string cost(const Node& node) const {
    if (op_.pointwise) return fmt::format("{:g} flops an element", info_.flops);
    if (op_.view) return "a view where strides allow";
    if (!node.op || !node.op->cost) return "";
    const Cost c = node.op->cost(node);
    return fmt::format("{:g} flops and {:g} bytes in the example", c.flops, c.bytes);
  }

  std::string example() const {
    const Sample sample = op_.pointwise ? pointwise_example(op_) : structural_example(op_);
    std::vector<Tensor> inputs = sample.inputs, wanted;
    std::vector<std::size_t> which;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].defined() || !is_floating(inputs[i].dtype()) || op_.record->input(i).fixed ||
          info_.masks.has(static_cast<int>(i)))
        continue;
      inputs[i] = parameter(inputs[i]);
      if (info_.differentiable) wanted.push_back(inputs[i]), which.push_back(i);
    }
    const Trace trace;
    const std::vector<Tensor> values = sample.call(inputs);
    const Node& first = engine::node_of(values[0]);
    const std::string price = cost(first.op && first.op->kind == OpKind::part ? *first.edges()[0].node() : first);

    std::string call = std::string(info_.name) + "(";
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].defined()) call += (i ? ", " : "") + literal(inputs[i].detach());
    const std::vector<AttributeInfo> defaults = op_.attributes();
    for (const auto& [name, given] : sample.attributes)
      for (const AttributeInfo& a : defaults)
        if (a.name == name && a.default_value != given) call += ", " + name + "=" + given;
    std::string out = price.empty() ? "" : "- cost: " + price + "\n";
    out += "\n```text\n" + call + ")\n";
    std::vector<Tensor> moving, ones;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string name = values.size() == 1 ? "" : std::string(op_.record->results[i]) + " ";
      out += "  " + name + "= " + literal(values[i].detach()) + "\n";
      if (values[i].requires_grad()) moving.push_back(values[i]), ones.push_back(ones_like(values[i]));
    }
    if (moving.empty()) return out + "```\n";
    const auto gradients = grad(moving, wanted, ones, {});
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      const std::string name = op_.record->takes_list() && op_.record->inputs.size() == 1
                                   ? std::to_string(which[k])
                                   : input_name(*op_.record, which[k]);
      out += fmt::format("  gradient of {}: {}\n", name, literal(gradients[k].to_dense().detach()));
    }
    return out + "```\n";
  }

  const OpEntry& op_;
  const OpInfo& info_;
};

std::string chapter_of(const OpEntry& op) {
  if (op.info().group != Group::none) return std::string(name_of(op.info().group));
  return op.pointwise ? "pointwise" : "other";
}

}  // namespace

std::string signature(const OpEntry& op) {
  const OpInfo& info = op.info();
  std::string text = std::string(info.name) + "(";
  for (bool first = true; const InputInfo& input : op.record->inputs)
    text += (std::exchange(first, false) ? "" : ", ") + std::string(input.name);
  if (op.record->takes_list()) text += ", …";
  for (const AttributeInfo& a : op.attributes()) text += ", " + a.name + "=" + a.default_value;
  return text + ")";
}

std::string ops_page(std::span<const OpEntry* const> ops) {
  std::map<std::string, std::vector<const OpEntry*>> chapters;
  std::ptrdiff_t differentiable = 0;
  for (const OpEntry* op : ops) {
    chapters[chapter_of(*op)].push_back(op);
    differentiable += op->info().differentiable;
  }
  std::string out = fmt::format(
      "# Operations\n\n"
      "{} operations, {} with a gradient. This page is written by `scripts/docs` from their declarations, and a test "
      "fails when\nit is stale. The gradients in the examples are for a cotangent of ones. What is composed of these "
      "operations (`dot`,\n`flatten`, `mse_loss`, …) is in the headers `ops/*.hpp`. What they do at ties, zeros and "
      "infinities "
      "is in\n[kinks.md](kinks.md).\n",
      ops.size(), differentiable);
  for (const auto& [title, members] : chapters) {
    out += fmt::format("\n**{}**:", title);
    for (const OpEntry* op : members) out += fmt::format(" [{0}](#{0})", op->info().name);
    out += "\n";
  }
  for (const auto& [title, members] : chapters) {
    out += fmt::format("\n## {}{}\n", static_cast<char>(std::toupper(title[0])), title.substr(1));
    for (const OpEntry* op : members) out += "\n" + OpSection(*op).text();
  }
  return out;
}

}  // namespace tapegrad::tools
