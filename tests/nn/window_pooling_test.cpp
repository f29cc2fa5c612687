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

TEST(AdaptivePooling, GivesOneSizeOfAny) {
  Rng rng(5);
  const Tensor image = randn({2, 3, 6, 7}, f64, rng);
  const nn::AdaptiveAvgPool2d pool(1);
  for (const Shape& shape : {Shape{2, 3, 1, 4}, Shape{2, 3, 9, 2}})
    EXPECT_EQ(pool(zeros(shape)).shape(), (Shape{2, 3, 1, 1}));
  const std::vector<double> means = mean(image, {2, 3}).values();
  const std::vector<double> pooled = pool(image).values();
  for (std::size_t i = 0; i < means.size(); ++i) EXPECT_NEAR(pooled[i], means[i], 1e-14);
  // Parts of equal extents are windows that do not overlap.
  EXPECT_EQ(nn::AdaptiveMaxPool2d({3, 7})(image).values(), nn::MaxPool2d({2, 1})(image).values());
  EXPECT_EQ(nn::AdaptiveAvgPool1d(2)(randn({1, 2, 5}, f64, rng)).shape(), (Shape{1, 2, 2}));
  EXPECT_EQ(nn::AdaptiveMaxPool3d({1, 2, 3})(zeros({1, 2, 4, 4, 4})).shape(), (Shape{1, 2, 1, 2, 3}));
  EXPECT_EQ(nn::AdaptiveAvgPool3d(2)(zeros({1, 2, 4, 4, 4})).shape(), (Shape{1, 2, 2, 2, 2}));
}

TEST(AdaptivePooling, IsRightByHand) {
  // Five elements in three parts: [0, 2), [1, 4), [3, 5).
  const Tensor line = tensor({1, 5, 3, 7, 2}, {1, 1, 5});
  EXPECT_EQ(nn::AdaptiveMaxPool1d(3)(line).values(), (std::vector<double>{5, 7, 7}));
  EXPECT_EQ(nn::AdaptiveAvgPool1d(3)(line).values(), (std::vector<double>{3, 5, 4.5}));
}

TEST(AdaptivePooling, SaysWhatDoesNotFit) {
  struct Model : nn::Module {
    nn::AdaptiveAvgPool2d pool{*this, "pool", {2, 3}};
  };
  const Model model;
  EXPECT_EQ(model.pool.describe(), "AdaptiveAvgPool2d 'pool'");
  EXPECT_THROW(model.pool(ones({3})), ShapeError);
  EXPECT_THROW(model.pool(ones({1, 1, 0, 4})), ShapeError);
  EXPECT_THROW(nn::AdaptiveMaxPool1d({2, 3})(ones({1, 1, 4})), ValueError);
}

TEST(AdaptivePooling, HasCorrectGradients) {
  Rng rng(6);
  const nn::AdaptiveAvgPool2d mean({2, 3});
  const nn::AdaptiveMaxPool1d largest(2);
  EXPECT_THAT([&](const Tensor& x) { return mean(x); },
              HasCorrectGradients({randn({1, 2, 5, 4}, f64, rng)}, {.order = 2}));
  EXPECT_THAT([&](const Tensor& x) { return largest(x); }, HasCorrectGradients({randn({2, 2, 5}, f64, rng)}));
}

TEST(WindowPooling, HasCorrectGradients) {
  Rng rng(4);
  const nn::AvgPool2d pool(2, {.padding = 1});
  EXPECT_THAT([&](const Tensor& x) { return pool(x); },
              HasCorrectGradients({randn({1, 2, 4, 4}, f64, rng)}, {.order = 2}));
}

}  // namespace
}  // namespace tapegrad::tests
