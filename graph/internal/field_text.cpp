#include <fmt/format.h>

#include <tapegrad/graph/internal/field_text.hpp>

namespace tapegrad::graph {

std::string attributes_text(const std::vector<Attribute>& attributes) {
  std::string text;
  for (const Attribute& a : attributes) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", a.key, a.value);
  return text;
}

std::string quantity_text(Unit unit, double quantity) {
  switch (unit) {
    case Unit::operations:
      return metric(quantity);
    case Unit::bytes:
      return bytes_text(quantity);
    case Unit::seconds:
      return duration_text(quantity);
    case Unit::none:
      break;
  }
  return number_text(quantity);
}

}  // namespace tapegrad::graph
