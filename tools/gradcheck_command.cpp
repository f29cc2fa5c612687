// tapegrad gradcheck: each operation's gradients against finite differences.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/op.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradient_check.hpp>

#include "commands.hpp"
#include "onnx_model.hpp"
#include "option_values.hpp"
#include "terminal.hpp"

namespace tapegrad::tools {
namespace {

using testing::OpCheckResult;

struct Options {
  std::vector<std::string> ops;
  bool all = false;
  int order = 2;
  DType dtype = f64;
  std::uint64_t seed = 1;
  bool json = false;
  InputSource inputs;
};

nlohmann::ordered_json to_json(const OpCheckResult& r) {
  return {{"op", r.op},
          {"ok", r.ok()},
          {"differentiable", r.differentiable},
          {"samples", r.samples},
          {"zero_size", r.zero_size},
          {"scalars", r.scalars},
          {"strided", r.strided},
          {"shared", r.shared},
          {"orders", r.orders},
          {"forward", r.forward},
          {"forward_rule", r.forward_rule},
          {"compared", r.compared},
          {"kinks", r.kinks},
          {"skipped", r.skipped},
          {"worst", r.worst},
          {"worst_where", r.worst_where},
          {"failures", r.failures}};
}

std::string proven(const OpCheckResult& r) {
  if (!r.differentiable) return "-";
  return r.orders == 0 ? "none" : r.orders == 1 ? "1" : fmt::format("1-{}", r.orders);
}

std::string forward_mode(const OpCheckResult& r) {
  if (!r.forward) return "-";
  return r.forward_rule ? "rule" : "vjp²";
}

struct Column {
  const char* title;
  int width;
  std::string (*text)(const OpCheckResult& r);
  bool detail = true;  ///< left out of narrow tables
};

constexpr std::array kColumns{
    Column{"samples", 7, [](const OpCheckResult& r) { return std::to_string(r.samples); }},
    Column{"empty", 5, [](const OpCheckResult& r) { return std::to_string(r.zero_size); }},
    Column{"strided", 7, [](const OpCheckResult& r) { return std::to_string(r.strided); }},
    Column{"shared", 7, [](const OpCheckResult& r) { return std::to_string(r.shared); }},
    Column{"orders", 6, proven, false},
    Column{"forward", 7, forward_mode},
    Column{"kinks", 5, [](const OpCheckResult& r) { return std::to_string(r.kinks); }},
    Column{"compared", 8, [](const OpCheckResult& r) { return std::to_string(r.compared); }},
    Column{"error/tol", 9, [](const OpCheckResult& r) { return fmt::format("{:.1e}", r.worst); }, false},
};

/// A line an operation, as wide as the terminal.
class Table {
 public:
  Table(const std::vector<const OpEntry*>& ops, const Terminal& terminal) : terminal_(terminal) {
    for (const OpEntry* op : ops) names_ = std::max(names_, op->info().name.size());
    std::size_t whole = names_ + 2 + kWhere;
    for (const Column& column : kColumns) whole += static_cast<std::size_t>(column.width) + 1;
    narrow_ = terminal.interactive && whole > terminal.columns;
    std::string line = fmt::format("{:<{}}", "op", names_);
    for (const Column& column : kColumns)
      if (shown(column)) line += fmt::format(" {:>{}}", column.title, column.width);
    std::cout << styled(terminal, Style::bold, line + (narrow_ ? "" : "  where")) << '\n';
  }

  void add(const OpCheckResult& r) const {
    std::string line = fmt::format("{:<{}}", r.op, names_);
    for (const Column& column : kColumns)
      if (shown(column)) line += fmt::format(" {:>{}}", column.text(r), column.width);
    std::cout << line << "  " << (r.ok() ? narrow_ ? "" : r.worst_where : styled(terminal_, Style::bad, "FAIL"))
              << '\n';
    for (const std::string& failure : r.failures) std::cout << "    " << failure << '\n';
    std::cout.flush();
  }

 private:
  static constexpr std::size_t kWhere = 20;  // of where the error is largest, usually

  bool shown(const Column& column) const { return !narrow_ || !column.detail; }

  const Terminal& terminal_;
  std::size_t names_ = 2;
  bool narrow_ = false;
};

/// How many elements of each tensor are checked, so that a model of many weights takes no longer than one of few.
std::int64_t share_of(std::size_t tensors) {
  constexpr std::size_t kElements = 512;
  return static_cast<std::int64_t>(std::clamp<std::size_t>(kElements / tensors, 1, 128));
}

/// A model's gradients for its inputs and its weights. It computes in its own dtypes, so f32 models are checked within
/// what f32 allows.
int run_model(const Options& options) {
  const onnx::Model model = onnx::load(options.ops[0]);
  const std::vector<onnx::Value> given = inputs_for(model, options.inputs, false);
  std::vector<Tensor> inputs;
  for (const onnx::Value& value : given)
    if (const Tensor* tensor = value.tensor()) inputs.push_back(*tensor);
  if (inputs.size() != given.size()) throw ValueError("gradcheck: the model's inputs must be tensors");
  const std::size_t weights_from = inputs.size();
  for (const NamedTensor& weight : model.parameters()) inputs.push_back(weight.tensor.detach().set_name(weight.name));
  const auto f = [&](std::span<const Tensor> x) {
    std::vector<onnx::Value> values = given;
    for (std::size_t i = 0; i < weights_from; ++i) values[i].content = x[i];
    // Sums of some outputs do not vary, such as those of shares.
    Rng rng(options.seed);
    Tensor total = scalar(0);
    for (const onnx::Value& y : model.run(std::move(values), x.subspan(weights_from)))
      if (y.tensor() && is_floating(y.tensor()->dtype()))
        total = total + cast(mean(*y.tensor() * randn(y.tensor()->shape(), y.tensor()->dtype(), rng)), f32);
    return total;
  };
  const testing::GradientReport report = testing::check_gradients(
      f, inputs,
      {.name = options.ops[0], .dtype = f32, .kinks = testing::Kinks::ignore, .full = share_of(inputs.size())});
  std::cout << to_string(report);
  return report.ok() ? 0 : 1;
}

int run(const Options& options) {
  if (options.ops.size() == 1 && is_onnx(options.ops[0])) return run_model(options);
  if (options.all == !options.ops.empty())
    throw ValueError("gradcheck: name operations, or give --all; tapegrad ops lists them");
  std::vector<const OpEntry*> chosen;
  for (const std::string& name : options.ops) chosen.push_back(&find_op(name));
  if (options.all) chosen.assign(all_ops().begin(), all_ops().end());

  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  int failed = 0, samples = 0, differentiable = 0, kinks = 0;
  std::size_t compared = 0;
  const Terminal terminal = terminal_of(STDOUT_FILENO);
  std::optional<Table> table;
  if (!options.json) table.emplace(chosen, terminal);
  for (const OpEntry* op : chosen) {
    const OpCheckResult r = testing::check_op(*op, options.order, options.dtype, options.seed);
    failed += !r.ok();
    samples += r.samples;
    differentiable += r.differentiable;
    compared += r.compared;
    kinks += r.kinks;
    if (options.json)
      results.push_back(to_json(r));
    else
      table->add(r);
  }
  if (options.json)
    std::cout << nlohmann::ordered_json{{"order", options.order},
                                        {"dtype", name_of(options.dtype)},
                                        {"seed", options.seed},
                                        {"failed", failed},
                                        {"ops", results}}
                     .dump(2)
              << '\n';
  else
    std::cout << fmt::format(
        "{} operations, {} differentiable, {} samples, {} derivatives compared, {} kinks, {} failed\n", chosen.size(),
        differentiable, samples, compared, kinks, failed);
  return failed ? 1 : 0;
}

}  // namespace

void add_gradcheck_command(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("gradcheck", "Check operations' gradients against finite differences");
  command
      ->add_option("op", options->ops,
                   "Operations to check; or one ONNX model (.onnx), for the gradients of its inputs and weights")
      ->type_name("OPERATION|FILE");
  command->add_flag("--all", options->all, "All of them");
  command->add_option("--order", options->order, "Derivatives up to this order")
      ->capture_default_str()
      ->check(between(1, 4));
  const std::vector<std::pair<std::string, DType>> dtypes{{"f64", f64}, {"f32", f32}};
  add_choice(*command, "--dtype", options->dtype, dtypes, "f64, or f32 for first derivatives against those in f64");
  command->add_option("--seed", options->seed, "Of the samples and directions")->capture_default_str();
  command->add_flag("--json", options->json, "As JSON");
  command->add_option("--input", options->inputs.files, "Of a model: an input's array; made up if left out")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false);
  command->add_option("--size", options->inputs.sizes, "Of a model: a symbol in its inputs' shapes; 1 if left out")
      ->type_name("SYMBOL=NUMBER")
      ->allow_extra_args(false);
  command->footer(
      "Exit status 1 if any check fails. empty: samples without elements; strided: also tried on strided inputs and\n"
      "cotangents; shared: with one tensor as two inputs; orders: of derivatives proven; forward: forward mode "
      "agrees,\n"
      "by a rule of the operation's own or by its gradient differentiated again; kinks: decisions of docs/kinks.md "
      "that\n"
      "hold; error/tol: the worst error in units of the tolerance, 1e-6 in f64.\n"
      "Examples:\n"
      "  tapegrad gradcheck sigmoid matmul\n"
      "  tapegrad gradcheck --all --order 3\n"
      "  tapegrad gradcheck resnet.onnx");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace tapegrad::tools
