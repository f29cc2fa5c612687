// The README's examples.

#include <gtest/gtest.h>

#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradients.hpp>

namespace tapegrad::tests {
namespace {

struct Mlp : nn::Module {
  nn::Linear hidden{*this, "hidden", 784, 512}, output{*this, "output", 512, 10};
  Tensor forward(const Tensor& x) { return output(relu(hidden(x))); }
};

TEST(Readme, TrainsAModel) {
  Rng rng(1);
  const Tensor images = randn({40, 784}, f32, rng), labels = randint(0, 10, {40}, rng);
  Mlp model;
  train::Trainer trainer(model, optim::Adam{.lr = 1e-3}, nn::cross_entropy);
  trainer.fit(data::TensorDataset(images, labels), {.epochs = 10, .batch_size = 32, .validation_split = 0.1});
}

const auto my_loss = [](const Tensor& x, const Tensor& y) { return mean(square(matmul(x, ones({3}, f64)) - y)); };

TEST(MyLoss, HasCorrectGradients) {
  EXPECT_THAT(my_loss, HasCorrectGradients({randn({4, 3}), randn({4})}, {.order = 2}));
}

}  // namespace
}  // namespace tapegrad::tests
