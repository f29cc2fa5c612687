#include <gmock/gmock.h>

#include <filesystem>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/io/safetensors.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::io {
namespace {

using ::testing::HasSubstr;

class ShardedSafetensors : public ::testing::Test {
 protected:
  std::string refusal(std::string_view index) const {
    const std::string path = folder_.write("model.safetensors.index.json", index);
    return message_of<IoError>([&] { load_sharded_safetensors(path); });
  }
  const TemporaryFolder folder_;
  const std::string index_ = folder_.path("model.safetensors.index.json");
};

TEST_F(ShardedSafetensors, RoundTripInPartsOfTheSizeAskedFor) {
  save_sharded_safetensors(index_, {{"a", arange(4, f32)}, {"b", ones({2, 2})}, {"c", zeros({100})}, {"d", ones({1})}},
                           32);
  EXPECT_TRUE(std::filesystem::exists(folder_.path("model-00003-of-00003.safetensors")));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("model-00004-of-00004.safetensors")));
  EXPECT_THAT(content_of(index_), HasSubstr("\"total_size\": 436"));
  const NamedTensors tensors = load_sharded_safetensors(index_);
  ASSERT_EQ(tensors.size(), 4U);
  EXPECT_EQ(find(tensors, "a")->values(), (std::vector<double>{0, 1, 2, 3}));
  EXPECT_EQ(find(tensors, "c")->shape(), Shape({100}));
}

TEST_F(ShardedSafetensors, RefuseAnIndexThatPointsElsewhere) {
  for (const char* file : {"../a.safetensors", "/etc/passwd", "x/a.safetensors", "..", ""})
    EXPECT_THAT(refusal(std::string(R"({"weight_map": {"a": ")") + file + "\"}}"),
                HasSubstr("which is not the name of a file beside it"));
}

TEST_F(ShardedSafetensors, RefuseWhatIsNoIndex) {
  EXPECT_THAT(refusal("[]"), HasSubstr("it has no object \"weight_map\""));
  EXPECT_THAT(refusal(R"({"weight_map": {"a": 1}})"), HasSubstr("the file of \"a\" is no text"));
  EXPECT_THAT(refusal(R"({"weight_map": {"a": "none.safetensors"}})"), HasSubstr("No such file"));
}

TEST_F(ShardedSafetensors, RefusePartsThatDisagreeWithTheIndex) {
  save_safetensors(folder_.path("p.safetensors"), {{"b", ones({1})}});
  EXPECT_THAT(refusal(R"({"weight_map": {"a": "p.safetensors"}})"), HasSubstr("it lacks a; it also has b"));
}

}  // namespace
}  // namespace tapegrad::io
