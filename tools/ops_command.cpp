// tapegrad ops: the catalogue.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <tapegrad/core/op.hpp>
#include <tapegrad/ops/registry.hpp>

#include "commands.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string filter;
  bool json = false;
};

nlohmann::ordered_json to_json(const OpEntry& op) {
  const OpInfo& info = op.info();
  nlohmann::ordered_json inputs = nlohmann::ordered_json::array(), attributes = nlohmann::ordered_json::array();
  for (int i = 0; i < info.inputs.count; ++i) inputs.push_back(info.inputs.name[i]);
  for (const AttributeInfo& a : op.attributes())
    attributes.push_back({{"name", a.name}, {"default", a.default_value}, {"doc", a.doc}});
  return {{"name", info.name},         {"formula", info.formula},
          {"doc", info.doc},           {"inputs", inputs},
          {"variadic", info.variadic}, {"attributes", attributes},
          {"view", op.view},           {"differentiable", info.differentiable}};
}

std::string signature(const OpEntry& op) {
  const OpInfo& info = op.info();
  std::string text = std::string(info.name) + "(";
  for (int i = 0; i < info.inputs.count; ++i) text += (i ? ", " : "") + std::string(info.inputs.name[i]);
  if (info.variadic) text += ", …";
  for (const AttributeInfo& a : op.attributes()) text += ", " + a.name + "=" + a.default_value;
  return text + ")";
}

void run(const Options& options) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  int count = 0, differentiable = 0;
  for (const OpEntry* op : all_ops()) {
    const OpInfo& info = op->info();
    if (info.name.find(options.filter) == std::string_view::npos &&
        info.doc.find(options.filter) == std::string_view::npos)
      continue;
    ++count;
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
    std::cout << fmt::format("{} operations, {} with a gradient\n", count, differentiable);
}

}  // namespace

void add_ops_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("ops", "List the operations: formula, inputs, attributes");
  command->add_option("--filter", options->filter, "Only those with this in the name or description");
  command->add_flag("--json", options->json, "As JSON");
  command->footer("Examples:\n  tapegrad ops --filter soft\n  tapegrad ops --json");
  command->callback([options] { run(*options); });
}

}  // namespace tapegrad::tools
