#include <algorithm>
#include <charconv>
#include <cmath>
#include <tapegrad/op/attributes.hpp>
#include <utility>

namespace tapegrad {
namespace {

[[noreturn]] void refuse(std::string_view name, std::string_view text, const char* wanted) {
  throw ValueError("attribute " + std::string(name) + ": '" + std::string(text) + "' is not " + wanted);
}

template <class T>
T parse_number(std::string_view name, std::string_view text, const char* wanted) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) refuse(name, text, wanted);
  return value;
}

void require(bool holds, std::string_view op, std::string_view name, double value, const char* wanted) {
  if (!holds)
    throw ValueError(std::string(op) + ": " + std::string(name) + " is " + format_attribute(value) + "; it must be " +
                     wanted);
}

}  // namespace

void require_finite(std::string_view op, std::string_view name, double value) {
  require(std::isfinite(value), op, name, value, "finite");
}
void require_positive(std::string_view op, std::string_view name, double value) {
  require(std::isfinite(value) && value > 0, op, name, value, "finite and above 0");
}
void require_not_negative(std::string_view op, std::string_view name, double value) {
  require(std::isfinite(value) && value >= 0, op, name, value, "finite and not below 0");
}

bool is_spelling_of(std::string_view given, std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> kSpellings[] = {
      {"axis", "axes"},           {"dim", "axis"}, {"dim", "axes"},     {"keepdim", "keepdims"}, {"ddof", "correction"},
      {"epsilon", "eps"},         {"ord", "p"},    {"shifts", "shift"}, {"diagonal", "k"},       {"offset", "k"},
      {"negative_slope", "slope"}};
  return std::ranges::find(kSpellings, std::pair{given, name}) != std::end(kSpellings);
}

std::string format_attribute(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}
std::string format_attribute(std::int64_t value) { return std::to_string(value); }
std::string format_attribute(int value) { return std::to_string(value); }
std::string format_attribute(bool value) { return value ? "true" : "false"; }
std::string format_attribute(DType value) { return std::string(name_of(value)); }
std::string format_attribute(const std::string& value) { return value; }
std::string format_attribute(const Integers& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i ? ", " : "") + std::to_string(values[i]);
  return text + "]";
}

void parse_attribute(std::string_view name, std::string_view text, double& value) {
  value = parse_number<double>(name, text, "a number");
}
void parse_attribute(std::string_view name, std::string_view text, std::int64_t& value) {
  value = parse_number<std::int64_t>(name, text, "a whole number");
}
void parse_attribute(std::string_view name, std::string_view text, int& value) {
  value = parse_number<int>(name, text, "a whole number");
}
void parse_attribute(std::string_view name, std::string_view text, bool& value) {
  if (text == "true" || text == "True" || text == "1")
    value = true;
  else if (text == "false" || text == "False" || text == "0")
    value = false;
  else
    refuse(name, text, "true or false");
}
void parse_attribute(std::string_view name, std::string_view text, DType& value) {
  constexpr std::string_view kLong[kDTypeCount] = {"float32", "float64", "int64", "int32", "uint8", "bool"};
  for (int i = 0; i < kDTypeCount; ++i)
    if (name_of(static_cast<DType>(i)) == text || kLong[i] == text) {
      value = static_cast<DType>(i);
      return;
    }
  refuse(name, text, "a dtype: f32, f64, i64, i32, u8 or bool");
}
void parse_attribute(std::string_view, std::string_view text, std::string& value) { value = text; }
void parse_attribute(std::string_view name, std::string_view text, Integers& value) {
  if ((text.starts_with('[') && text.ends_with(']')) || (text.starts_with('(') && text.ends_with(')')))
    text = text.substr(1, text.size() - 2);
  value.clear();
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    value.push_back(parse_number<std::int64_t>(name, item, "a list of whole numbers such as 0,2"));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
}
void parse_attribute(std::string_view name, std::string_view text, Shape& value) {
  Integers dims;
  parse_attribute(name, text, dims);
  value = Shape(dims);
}

}  // namespace tapegrad
