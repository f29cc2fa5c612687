#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/pooling.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Upsample, RepeatsTheNearestElement) {
  const Tensor image = tensor({1, 2, 3, 4}, {1, 1, 2, 2});
  EXPECT_THAT(Upsample({.scale_factor = 2})(image).values(),
              ElementsAre(1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4));
  EXPECT_THAT(Upsample({.size = {1, 3}})(image).values(), ElementsAre(1, 1, 2));
}

TEST(Upsample, InterpolatesAlongEachAxis) {
  const Tensor image = tensor({0, 4, 8, 12}, {1, 1, 2, 2});
  // Halfway into the outer pixels the neighbours' shares are 3 : 1, beyond them the edge goes on.
  EXPECT_THAT(Upsample({.scale_factor = 2, .mode = Interpolation::linear})(image).values(),
              ElementsAre(0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12));
  EXPECT_THAT(Upsample({.size = 3, .mode = Interpolation::linear, .align_corners = true})(image).values(),
              ElementsAre(0, 2, 4, 4, 6, 8, 8, 10, 12));
  EXPECT_EQ(Upsample({.scale_factor = 1.5})(zeros({2, 3, 4})).shape(), (Shape{2, 3, 6}));
  EXPECT_EQ(Upsample({.scale_factor = 3})(zeros({2, 1, 1, 2, 3})).shape(), (Shape{2, 1, 3, 6, 9}));
}

TEST(Upsample, HasCorrectGradients) {
  Rng rng(1);
  for (const Interpolation mode : {Interpolation::nearest, Interpolation::linear}) {
    const Upsample layer({.scale_factor = 2, .mode = mode});
    EXPECT_THAT([&](const Tensor& x) { return layer(x); },
                HasCorrectGradients({randn({1, 2, 2, 3}, f64, rng)}, {.order = 2}));
  }
}

TEST(Upsample, SaysWhatDoesNotFit) {
  struct Model : Module {
    Upsample larger{*this, "larger", {.size = {2, 3}}};
  };
  const Model model;
  EXPECT_TRUE(model.named_parameters().empty());
  EXPECT_EQ(model.larger.describe(), "Upsample 'larger'");
  EXPECT_THAT(message_of([&] { model.larger(zeros({4, 4})); }), HasSubstr("x is [4, 4]; expected [N, C, L]"));
  EXPECT_THAT(message_of([&] { model.larger(zeros({1, 1, 4})); }), HasSubstr("size is [2, 3] for 1 spatial axes"));
  EXPECT_THAT(message_of([&] { model.larger(zeros({1, 1, 0, 4})); }), HasSubstr("there is nothing on axis 2"));
  EXPECT_THAT(message_of([] { Upsample({})(zeros({1, 1, 4})); }), HasSubstr("give either size or scale_factor"));
  EXPECT_THROW(Upsample({.scale_factor = -1})(zeros({1, 1, 4})), ValueError);
}

}  // namespace
}  // namespace tapegrad::nn
