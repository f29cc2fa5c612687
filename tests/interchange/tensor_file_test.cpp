#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/interchange/pytorch.hpp>
#include <tapegrad/interchange/tensor_file.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/io/safetensors.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::io {
namespace {

using ::testing::HasSubstr;

TEST(TensorFile, IsReadByItsEnding) {
  const TemporaryFolder folder;
  const NamedTensors tensors{{"a.w", ones({2})}};
  save_safetensors(folder.path("m.safetensors"), tensors);
  save_sharded_safetensors(folder.path("m.safetensors.index.json"), tensors);
  save_npz(folder.path("m.npz"), tensors);
  for (const char* ending : {".pt", ".pth", ".ckpt", ".bin"}) save_pytorch(folder.path("m") + ending, tensors);
  for (const char* ending : {".safetensors", ".safetensors.index.json", ".npz", ".pt", ".pth", ".ckpt", ".bin"})
    EXPECT_EQ(load_tensors(folder.path("m") + ending).at(0).name, "a.w") << ending;
  EXPECT_THAT(message_of<ValueError>([] { load_tensors("m.txt"); }), HasSubstr("files of tensors end in .safetensors"));
}

TEST(TensorFile, IsShownAsATree) {
  const NamedTensors tensors{
      {"encoder.0.weight", zeros({2, 4})}, {"encoder.0.bias", zeros({4}, f64)}, {"head\x1b[31m", zeros({1}, u8)}};
  EXPECT_EQ(tensor_tree(tensors),
            "3 tensors, 65 bytes\n"
            "encoder                 64 bytes\n"
            "  0                     64 bytes\n"
            "    weight  f32 [2, 4]  32 bytes\n"
            "    bias  f64 [4]       32 bytes\n"
            "head\\x1B[31m  u8 [1]    1 bytes\n");
  EXPECT_EQ(tensor_tree({}), "0 tensors, 0 bytes\n");
}

}  // namespace
}  // namespace tapegrad::io
