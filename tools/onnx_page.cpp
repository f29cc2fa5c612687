#include <fmt/format.h>

#include <map>
#include <tapegrad/interchange/internal/onnx_program.hpp>
#include <vector>

#include "ops_pages.hpp"

namespace tapegrad::tools {

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
  return page;
}

}  // namespace tapegrad::tools
