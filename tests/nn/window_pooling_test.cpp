#include <gtest/gtest.h>

#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradients.hpp>

namespace tapegrad::tests {
namespace {

TEST(WindowPooling, IsTheOperationOfItsName) {
  Rng rng(3);
  const Tensor line = randn({2, 3, 7}, f64, rng), image = randn({2, 3, 6, 7}, f64, rng),
               volume = randn({1, 2, 4, 5, 6}, f64, rng);
  EXPECT_EQ(nn::MaxPool1d(3, {.stride = 2})(line).values(), max_pool1d(line, 3, {.stride = 2}).values());
  EXPECT_EQ(nn::MaxPool2d({2, 3}, {.padding = 1})(image).values(), max_pool2d(image, {2, 3}, {.padding = 1}).values());
  EXPECT_EQ(nn::MaxPool3d(2)(volume).shape(), (Shape{1, 2, 2, 2, 3}));
  EXPECT_EQ(nn::AvgPool1d(2)(line).values(), avg_pool1d(line, 2).values());
  EXPECT_EQ(nn::AvgPool2d(2, {.ceil_mode = true})(image).shape(), (Shape{2, 3, 3, 4}));
  EXPECT_EQ(nn::AvgPool3d(2, {.stride = 1})(volume).values(), avg_pool3d(volume, 2, {.stride = 1}).values());
}

TEST(WindowPooling, HasNoParametersAndANameInTheModel) {
  struct Model : nn::Module {
    nn::MaxPool2d pool{*this, "pool", 2};
  };
  const Model model;
  EXPECT_TRUE(model.named_parameters().empty());
  EXPECT_EQ(model.pool.path(), "pool");
  EXPECT_EQ(model.pool.type_name(), "MaxPool2d");
  EXPECT_THROW(model.pool(ones({3})), ShapeError);
}

TEST(WindowPooling, HasCorrectGradients) {
  Rng rng(4);
  const nn::AvgPool2d pool(2, {.padding = 1});
  EXPECT_THAT([&](const Tensor& x) { return pool(x); },
              HasCorrectGradients({randn({1, 2, 4, 4}, f64, rng)}, {.order = 2}));
}

}  // namespace
}  // namespace tapegrad::tests
