// ONNX's own conformance suite, from Debian's package libonnx-testdata: each case has a model, inputs and outputs.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/interchange/onnx.hpp>

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

/// Why the case fails; "" if it passes.
std::string run_case(const fs::path& folder) {
  try {
    const Model model = load(folder / "model.onnx");
    const fs::path data = folder / "test_data_set_0";
    std::vector<Value> inputs;
    for (const ValueInfo& info : model.inputs())
      inputs.push_back(load_value(data / fmt::format("input_{}.pb", inputs.size()), info));
    const std::vector<Value> outputs = model.run(inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Value expected = load_value(data / fmt::format("output_{}.pb", i), model.outputs()[i]);
      if (const std::string why = difference(outputs[i], expected); !why.empty())
        return fmt::format("output {}: {}", i, why);
    }
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(OnnxSuite, PassesWhatIsListed) {
  if (!fs::exists(kSuite)) GTEST_SKIP() << "needs the Debian package libonnx-testdata";
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
  if (std::getenv("TAPEGRAD_SHOW_FAILED"))
    for (const auto& [name, why] : failed) std::cout << name << ": " << why.substr(0, 300) << '\n';
}

}  // namespace
}  // namespace tapegrad::onnx
