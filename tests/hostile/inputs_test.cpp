#include "inputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "../temporary_folder.hpp"
#include "child.hpp"
#include "readers.hpp"

namespace tapegrad::hostile {
namespace {

void expect_refused(std::vector<Input> inputs) {
  const TemporaryFolder folder;
  std::set<std::pair<std::string_view, std::string>> names;
  double slowest = 0;
  std::uint64_t largest = 0;
  for (Input& input : inputs) {
    SCOPED_TRACE(std::string(input.reader) + ": " + input.name);
    EXPECT_TRUE(names.emplace(input.reader, input.name).second) << "two inputs have the name";
    const Reader& r = reader(input.reader);
    const std::string path = folder.write("input" + r.suffix, input.content);
    const std::size_t size = input.content.size();
    std::string().swap(input.content);
    const Outcome o = in_child([&] { r.read(path); });
    EXPECT_TRUE(o.refused) << o.text;
    EXPECT_THAT(o.text, ::testing::HasSubstr(path));
    EXPECT_THAT(o.text, ::testing::HasSubstr(input.expected));
    EXPECT_LT(o.text.size(), 2000U);
    EXPECT_LT(o.seconds, 20);
    if (kMeasuresMemory) {
      EXPECT_LE(o.peak, most_memory(size));
    }
    slowest = std::max(slowest, o.seconds);
    largest = std::max(largest, o.peak);
  }
  std::printf("%zu inputs: at most %.0f MB and %.2f s\n", inputs.size(), static_cast<double>(largest) / 1e6, slowest);
}

TEST(HostileInputs, OfTextAreRefusedByNameWithinBounds) { expect_refused(text_inputs()); }
TEST(HostileInputs, OfNumbersAreRefusedByNameWithinBounds) { expect_refused(number_inputs()); }
TEST(HostileInputs, OfModelsAreRefusedByNameWithinBounds) { expect_refused(model_inputs()); }
TEST(HostileInputs, OfPyTorchAreRefusedByNameWithinBounds) { expect_refused(pytorch_inputs()); }

}  // namespace
}  // namespace tapegrad::hostile
