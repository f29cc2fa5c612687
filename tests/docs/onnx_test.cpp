// The example of docs/onnx.md.

#include <gtest/gtest.h>

#include <iostream>
#include <tapegrad/tapegrad.hpp>

// The line as it is on the page.
// clang-format off
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
// clang-format on

TEST(OnnxPage, ShowsWhatCompiles) { EXPECT_THROW(train(zeros({1, 3, 224, 224}), zeros({1}, i64)), IoError); }

}  // namespace
}  // namespace tapegrad::tests
