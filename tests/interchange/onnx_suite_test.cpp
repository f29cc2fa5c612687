// ONNX's own conformance suite, from Debian's package libonnx-testdata: each case has a model, inputs and outputs.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/interchange/onnx.hpp>

#include "../needs.hpp"

namespace tapegrad::onnx {
namespace {

namespace fs = std::filesystem;

const fs::path kSuite = "/usr/share/libonnx-testdata/data";
constexpr double kAbsolute = 1e-7, kRelative = 1e-3;  // of the suite's own runner

/// Why `got` is not `expected`; "" if it is.
std::string difference(const Value& got, const Value& expected) {
  if (const Sequence* items = expected.sequence()) {
    if (!got.sequence() || got.sequence()->size() != items->size()) return "a sequence of another length";
    for (std::size_t i = 0; i < items->size(); ++i)
      if (const std::string why = difference((*got.sequence())[i], (*items)[i]); !why.empty()) return why;
    return "";
  }
  if (expected.empty()) return got.empty() ? "" : "something instead of nothing";
  if (got.type != expected.type) return fmt::format("{} instead of {}", name_of(got.type), name_of(expected.type));
  if (const Strings* strings = expected.strings()) {
    if (!got.strings() || !(got.strings()->shape == strings->shape)) return "strings of another shape";
    return got.strings()->values == strings->values ? "" : "other strings";
  }
  const Tensor &a = *got.tensor(), &b = *expected.tensor();
  if (!(a.shape() == b.shape()))
    return fmt::format("shape {} instead of {}", to_string(a.shape()), to_string(b.shape()));
  const std::vector<double> x = a.values(), y = b.values();
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i] != y[i] && !(std::isnan(x[i]) && std::isnan(y[i])) &&
        !(std::abs(x[i] - y[i]) <= kAbsolute + kRelative * std::abs(y[i])))
      return fmt::format("element {} is {} instead of {}", i, x[i], y[i]);
  return "";
}

/// The suite has bfloat16 as the integers that its bits are.
Value as_declared(Value value, const ValueInfo& info) {
  if (info.type != ElementType::bfloat16 || value.type != ElementType::uint16) return value;
  const Tensor& bits = *value.tensor();
  Tensor held = empty(bits.shape(), f32);
  const auto from = bits.data<std::int32_t>();
  auto to = held.mutable_data<float>();
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = std::bit_cast<float>(static_cast<std::uint32_t>(from[i]) << 16);
  return {held, ElementType::bfloat16};
}

/// Why the case fails; "" if it passes.
std::string run_case(const fs::path& folder) {
  try {
    const Model model = load(folder / "model.onnx");
    const fs::path data = folder / "test_data_set_0";
    std::vector<Value> inputs;
    for (const ValueInfo& info : model.inputs())
      inputs.push_back(as_declared(load_value(data / fmt::format("input_{}.pb", inputs.size()), info), info));
    const std::vector<Value> outputs = model.run(inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const ValueInfo& info = model.outputs()[i];
      const Value expected = as_declared(load_value(data / fmt::format("output_{}.pb", i), info), info);
      if (const std::string why = difference(outputs[i], expected); !why.empty())
        return fmt::format("output {}: {}", i, why);
    }
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

/// The cases that do not pass, each with its reason: docs/onnx.md shows them.
std::set<std::string> names_of_listed() {
  std::set<std::string> names;
  std::istringstream lines(read_file(TAPEGRAD_NOT_PASSED, 1 << 20));
  for (std::string name, why; lines >> name && lines.ignore() && std::getline(lines, why);) names.insert(name);
  return names;
}

TEST(OnnxSuite, PassesWhatIsListed) {
  SKIP_UNLESS(fs::exists(kSuite), "needs the Debian package libonnx-testdata");
  std::map<std::string, std::string> failed;
  int cases = 0;
  for (const char* part : {"node", "pytorch-converted", "pytorch-operator", "simple"})
    for (const fs::directory_entry& entry : fs::directory_iterator(kSuite / part)) {
      if (!fs::exists(entry.path() / "model.onnx")) continue;
      ++cases;
      if (const std::string why = run_case(entry.path()); !why.empty())
        failed.emplace(fmt::format("{}/{}", part, entry.path().filename().string()), why);
    }
  std::cout << fmt::format("{} of {} cases pass\n", cases - static_cast<int>(failed.size()), cases);
  const std::set<std::string> listed = names_of_listed();
  for (const auto& [name, why] : failed) {
    if (!listed.contains(name)) ADD_FAILURE() << name << ": " << why;
  }
  for (const std::string& name : listed) {
    if (!failed.contains(name)) ADD_FAILURE() << name << " passes: take it out of " TAPEGRAD_NOT_PASSED;
  }
}

}  // namespace
}  // namespace tapegrad::onnx
