#include <fmt/format.h>

#include <map>
#include <tapegrad/interchange/internal/onnx_exporters.hpp>
#include <tapegrad/interchange/internal/onnx_program.hpp>
#include <tapegrad/op/registry.hpp>
#include <vector>

#include "ops_pages.hpp"

namespace tapegrad::tools {
namespace {

std::string what_is_written() {
  std::vector<std::string> refused;
  for (const OpEntry* op : all_ops())
    if (const onnx::Exporter* exporter = onnx::find_exporter(op->info().name); !exporter->why_not().empty())
      refused.push_back(fmt::format("| `{}` | {} |\n", op->info().name, exporter->why_not()));
  return fmt::format(
      "{} of the {} operations of tapegrad are written. The others:\n\n| operation | why not |\n|---|---|\n{}",
      all_ops().size() - refused.size(), all_ops().size(), fmt::join(refused, ""));
}

}  // namespace

std::string onnx_operators() {
  std::map<std::string, std::vector<std::string>> domains;
  for (const onnx::Importer* importer : onnx::importers()) {
    std::string name = fmt::format("`{}`", importer->name);
    if (importer->since > 1) name += fmt::format(" (from opset {})", importer->since);
    domains[importer->domain.empty() ? "ai.onnx" : std::string(importer->domain)].push_back(std::move(name));
  }
  std::string page = "## Operators\n";
  for (const auto& [domain, names] : domains)
    page += fmt::format("\n{} of the domain `{}`:\n{}.\n", names.size(), domain, fmt::join(names, ",\n"));
  return page + "\n## Operations that are written\n\n" + what_is_written();
}

}  // namespace tapegrad::tools
