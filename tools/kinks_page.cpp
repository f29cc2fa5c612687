#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/testing/internal/op_kinks.hpp>

#include "ops_pages.hpp"

namespace tapegrad::tools {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

std::string number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return fmt::format("{:.4g}", std::abs(value) < 1e-12 && std::abs(value) > 1e-100 ? 0.0 : value + 0.0);
}

std::string list(const std::vector<double>& values) {
  if (values.size() == 1) return number(values[0]);
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i ? ", " : "") + number(values[i]);
  return text + "]";
}

/// "value; its slopes" at one place.
std::string at(const OpEntry& op, const std::vector<double>& place) {
  std::vector<Tensor> inputs;
  for (const double x : place) inputs.push_back(parameter(scalar(x, f64)));
  const Tensor value = op.call(inputs, {})[0];
  std::string text = number(value.item());
  if (!value.requires_grad()) return text;
  const auto gradients = grad({&value, 1}, inputs, {}, {});
  for (std::size_t i = 0; i < gradients.size(); ++i) text += (i ? ", " : "; ") + number(gradients[i].item());
  return text;
}

std::string table(std::span<const OpEntry* const> ops, const std::vector<std::vector<double>>& places) {
  const auto arguments = static_cast<int>(places[0].size());
  std::string out = "| |", rule = "|---|";
  for (const auto& place : places) {
    out += " ";
    for (std::size_t i = 0; i < place.size(); ++i) out += (i ? ", " : "") + number(place[i]);
    out += " |";
    rule += "---|";
  }
  out += "\n" + rule + "\n";
  for (const OpEntry* op : ops) {
    const OpInfo& info = op->info();
    if (!op->pointwise || !info.differentiable || info.inputs.count != arguments) continue;
    out += fmt::format("| {} |", info.name);
    for (const auto& place : places) out += " " + at(*op, place) + " |";
    out += "\n";
  }
  return out;
}

}  // namespace

std::string kinks_page(std::span<const OpEntry* const> ops) {
  std::string out =
      "# Kinks: ties, zeros, edges and infinities\n\n"
      "What the operations give where mathematics leaves a choice. This page is written by `scripts/docs`, and a test "
      "fails when it\nis stale.\n\n"
      "The rules, in this order: the gradient where there is one, infinite slopes too; at a corner, the slope of the "
      "flat "
      "side, or 0\nwhere neither is flat; ties share evenly; 0 at a point where no direction is preferred (`norm`, "
      "`hypot` and "
      "`atan2` at 0); NaN\noutside of the domain. A zero cotangent gives a zero gradient whatever the slope, so that "
      "the "
      "branch that `where` does not\nchoose leaves no NaN.\n\n"
      "## Decided\n\n"
      "Each line is a test, in f64 and f32, with the gradient plain and recorded. Gradients are for a cotangent of "
      "ones.\n";
  for (const testing::KinkGroup& group : testing::op_kinks()) {
    out += fmt::format("\n### {}\n\n| | value | gradients |\n|---|---|---|\n", group.title);
    for (const testing::OpKink& kink : group.kinks) {
      std::string gradients;
      for (const auto& g : kink.gradients) gradients += (gradients.empty() ? "" : "; ") + list(g);
      out += fmt::format("| {} | {} | {} |\n", testing::describe_kink(kink), list(kink.value), gradients);
    }
  }
  out +=
      "\n## Computed\n\nWhat every pointwise operation with a gradient gives at its attributes' defaults: the value; "
      "then "
      "its slopes.\n\n### Of one input\n\n";
  out += table(ops, {{-kInf}, {-1}, {0}, {1}, {kInf}, {kNaN}});
  out += "\n### Of two inputs\n\n";
  out += table(
      ops, {{0, 0}, {1, 0}, {0, 1}, {1, 1}, {-1, -1}, {kInf, kInf}, {-kInf, -kInf}, {kInf, 1}, {kNaN, 1}, {1, kNaN}});
  return out;
}

}  // namespace tapegrad::tools
