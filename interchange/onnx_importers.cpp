// The one list of importers: each family has its part of it at the foot of its file.

#include <algorithm>
#include <tapegrad/interchange/internal/onnx_families.hpp>

namespace tapegrad::onnx {
namespace {

bool before(const Importer* a, const Importer* b) {
  return std::pair(a->domain, a->name) < std::pair(b->domain, b->name);
}

std::vector<const Importer*> sorted() {
  std::vector<const Importer*> all;
  for (const auto family : kFamilies)
    for (const Importer& importer : family()) all.push_back(&importer);
  std::ranges::sort(all, before);
  return all;
}

}  // namespace

std::vector<const Importer*> importers() { return sorted(); }

const Importer* find_importer(std::string_view domain, std::string_view name, std::int64_t version) {
  static const std::vector<const Importer*> all = sorted();
  const Importer wanted{name, Import(static_cast<Tensor (*)(const Call&)>(nullptr)), 1, 0, domain};
  const auto found = std::ranges::lower_bound(all, &wanted, before);
  if (found == all.end() || before(&wanted, *found) || version < (*found)->since) return nullptr;
  return *found;
}

}  // namespace tapegrad::onnx
