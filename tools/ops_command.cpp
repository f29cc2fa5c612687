// tapegrad ops: the catalogue.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <tapegrad/core/op.hpp>
#include <tapegrad/op/registry.hpp>

#include "commands.hpp"
#include "ops_pages.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string filter;
  bool json = false, markdown = false, kinks = false, onnx = false;
};

nlohmann::ordered_json to_json(const OpEntry& op) {
  const OpInfo& info = op.info();
  nlohmann::ordered_json inputs = nlohmann::ordered_json::array(), attributes = nlohmann::ordered_json::array();
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  for (const InputInfo& input : op.record->inputs) inputs.push_back(input.name);
  for (const std::string_view result : op.record->results) results.push_back(result);
  for (const AttributeInfo& a : op.attributes())
    attributes.push_back({{"name", a.name}, {"default", a.default_value}, {"doc", a.doc}});
  return {{"name", info.name},
          {"formula", info.formula},
          {"doc", info.doc},
          {"inputs", inputs},
          {"variadic", op.record->takes_list()},
          {"results", results},
          {"attributes", attributes},
          {"view", op.view},
          {"differentiable", info.differentiable}};
}

void run(const Options& options) {
  if (options.onnx) {
    std::cout << onnx_operators();
    return;
  }
  std::vector<const OpEntry*> chosen;
  for (const OpEntry* op : all_ops())
    if (op->info().name.find(options.filter) != std::string_view::npos ||
        op->info().doc.find(options.filter) != std::string_view::npos)
      chosen.push_back(op);
  if (options.markdown || options.kinks) {
    std::cout << (options.markdown ? ops_page(chosen) : kinks_page(chosen));
    return;
  }
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  std::ptrdiff_t differentiable = 0;
  for (const OpEntry* op : chosen) {
    const OpInfo& info = op->info();
    differentiable += info.differentiable;
    if (options.json) {
      all.push_back(to_json(*op));
      continue;
    }
    std::cout << fmt::format("{}\n    {}{}\n", signature(*op), info.formula,
                             info.differentiable ? "" : "   (no gradient)");
    if (!info.doc.empty()) std::cout << "    " << info.doc << '\n';
  }
  if (options.json)
    std::cout << all.dump(2) << '\n';
  else
    std::cout << fmt::format("{} operations, {} with a gradient\n", chosen.size(), differentiable);
}

}  // namespace

void add_ops_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("ops", "List the operations: formula, inputs, attributes");
  command->add_option("--filter", options->filter, "Only those with this in the name or description");
  CLI::Option* json = command->add_flag("--json", options->json, "As JSON");
  CLI::Option* page = command->add_flag("--markdown", options->markdown, "As a page, with examples: docs/ops.md");
  CLI::Option* kinks = command->add_flag("--kinks", options->kinks,
                                         "What they give at ties, zeros and infinities, as a page: docs/kinks.md");
  CLI::Option* onnx =
      command->add_flag("--onnx", options->onnx, "Instead, what ONNX has and lacks, as a page: for docs/onnx.md");
  json->excludes(page)->excludes(kinks)->excludes(onnx);
  page->excludes(kinks)->excludes(onnx);
  kinks->excludes(onnx);
  command->footer(
      "Examples:\n  tapegrad ops --filter soft\n  tapegrad ops --json\n  tapegrad ops --markdown --filter sigmoid");
  command->callback([options] { run(*options); });
}

}  // namespace tapegrad::tools
