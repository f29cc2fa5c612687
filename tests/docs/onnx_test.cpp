// The example of docs/onnx.md.

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <tapegrad/tapegrad.hpp>

#include "../temporary_folder.hpp"

// The line as it is on the page.
// clang-format off
#include <tapegrad/interchange/onnx_save.hpp>

#include <tapegrad/interchange/onnx.hpp>  // target_link_libraries(… tapegrad::interchange)

namespace tapegrad::tests {
namespace {

void train(const Tensor& images, const Tensor& classes) {
onnx::Model model = onnx::load("resnet.onnx");
for (const onnx::ValueInfo& input : model.inputs()) std::cout << describe(input) << '\n';  // x: float [batch, 3, 224, 224]
model.freeze("features.*");                                                               // the rest trains
Tensor loss = cross_entropy(model(images).at(0), classes);
loss.backward();                                                                          // model.parameters() have grad()
}

void save(const nn::Linear& model) {
onnx::save("classifier.onnx", {{"batch"}}, [&](const onnx::Sizes& size) {
  Tensor images = zeros({size.at("batch"), 1, 28, 28});
  return onnx::Recording{.inputs = {{"images", images}}, .outputs = {{"scores", model(images)}}};
}, {.parameters = model.state()});
}
// clang-format on

TEST(OnnxPage, WritesAModel) {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  save(nn::Linear(28, 2));
  EXPECT_TRUE(std::filesystem::exists("classifier.onnx"));
  std::filesystem::current_path(before);
}
TEST(OnnxPage, ShowsWhatCompiles) { EXPECT_THROW(train(zeros({1, 3, 224, 224}), zeros({1}, i64)), IoError); }

}  // namespace
}  // namespace tapegrad::tests
