#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/interchange/dlpack.hpp>
#include <tapegrad/interchange/internal/dlpack_abi.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A library that lends six floats and counts what it gets back.
struct Lender {
  std::array<float, 6> numbers{0, 1, 2, 3, 4, 5};
  std::array<std::int64_t, 2> shape{2, 3}, strides{3, 1};
  int returned = 0;
  DLManagedTensor managed{{numbers.data(), {1, 0}, 2, {2, 32, 1}, shape.data(), strides.data(), 0},
                          this,
                          [](DLManagedTensor* self) { ++static_cast<Lender*>(self->manager_ctx)->returned; }};

  template <class E>
  std::string refusal() {
    const std::string message = message_of<E>([this] { from_dlpack(&managed); });
    EXPECT_EQ(returned, 0) << message;
    return message;
  }
};

TEST(DLPack, TakesMemoryAndGivesItBackOnce) {
  Lender lender;
  Tensor view;
  {
    Tensor tensor = from_dlpack(&lender.managed);
    EXPECT_EQ(tensor.shape(), Shape({2, 3}));
    EXPECT_EQ(tensor.data<float>().data(), lender.numbers.data());
    tensor.set_requires_grad();
    sum(tensor * tensor).backward();
    EXPECT_THAT(tensor.grad().values(), ElementsAre(0, 2, 4, 6, 8, 10));
    view = tensor.detach()[1];
  }
  EXPECT_EQ(lender.returned, 0);
  lender.numbers[3] = 7;
  EXPECT_THAT(view.values(), ElementsAre(7, 4, 5));
  view = {};
  EXPECT_EQ(lender.returned, 1);
}

TEST(DLPack, TakesStridesAndOffsets) {
  Lender lender;
  lender.shape = {2, 2};
  lender.strides = {1, 3};
  lender.managed.dl_tensor.byte_offset = 4;
  EXPECT_THAT(from_dlpack(&lender.managed).values(), ElementsAre(1, 4, 2, 5));
  lender.strides = {0, 1};
  EXPECT_THAT(from_dlpack(&lender.managed).values(), ElementsAre(1, 2, 1, 2));
  lender.managed.dl_tensor.strides = nullptr;
  EXPECT_THAT(from_dlpack(&lender.managed).values(), ElementsAre(1, 2, 3, 4));
  lender.managed.dl_tensor.ndim = 0;
  EXPECT_EQ(from_dlpack(&lender.managed).item(), 1);
  lender.managed.dl_tensor.ndim = 2;
  lender.shape = {0, 2};
  lender.managed.dl_tensor.data = nullptr;
  lender.managed.dl_tensor.byte_offset = 0;
  EXPECT_EQ(from_dlpack(&lender.managed).numel(), 0);
  EXPECT_EQ(lender.returned, 5);
}

TEST(DLPack, NamesWhatItDoesNotTake) {
  Lender lender;
  DLTensor& t = lender.managed.dl_tensor;
  t.dtype = {2, 16, 1};
  EXPECT_THAT(lender.refusal<DTypeError>(), HasSubstr("the elements are float16; f32, f64"));
  t.dtype = {4, 16, 1};
  EXPECT_THAT(lender.refusal<DTypeError>(), HasSubstr("bfloat16"));
  t.dtype = {5, 64, 1};
  EXPECT_THAT(lender.refusal<DTypeError>(), HasSubstr("complex64"));
  t.dtype = {2, 32, 4};
  EXPECT_THAT(lender.refusal<DTypeError>(), HasSubstr("float32x4"));
  t.dtype = {2, 32, 1};
  t.device.device_type = 2;
  EXPECT_THAT(lender.refusal<ValueError>(), HasSubstr("of device type 2"));
  t.device.device_type = 1;
  t.ndim = 9;
  EXPECT_THAT(lender.refusal<ShapeError>(), HasSubstr("it has 9 axes"));
  t.ndim = 2;
  lender.strides = {-3, 1};
  EXPECT_THAT(lender.refusal<ValueError>(), HasSubstr("the stride of axis 0 is -3"));
  lender.strides = {3, 1};
  t.byte_offset = 2;
  EXPECT_THAT(lender.refusal<ValueError>(), HasSubstr("not aligned"));
  lender.shape = {-1, 3};
  EXPECT_NE(lender.refusal<ShapeError>(), "");
}

TEST(DLPack, GivesItsOwnMemory) {
  Tensor tensor = arange(6, f32);
  const Tensor columns = transpose(reshape(tensor, {2, 3}), 0, 1);
  DLManagedTensor* managed = to_dlpack(columns);
  EXPECT_EQ(managed->dl_tensor.data, tensor.data<float>().data());
  EXPECT_THAT(std::span(managed->dl_tensor.shape, 2), ElementsAre(3, 2));
  EXPECT_THAT(std::span(managed->dl_tensor.strides, 2), ElementsAre(1, 3));
  const Tensor back = from_dlpack(managed);
  tensor.fill(4);
  EXPECT_EQ(back.values(), std::vector<double>(6, 4));
  for (const DType dtype : {f32, f64, i64, i32, u8, boolean})
    EXPECT_EQ(from_dlpack(to_dlpack(ones({2}, dtype))).dtype(), dtype);
}

TEST(DLPack, GivesNothingWhoseRecordWouldBeLost) {
  EXPECT_THAT(message_of<GraphError>([] { to_dlpack(parameter(ones({2}), "w")); }), HasSubstr("export detach()"));
  const Tensor rows = make_row_sparse({4, 1}, tensor({1}, i64), ones({1, 1}));
  EXPECT_THAT(message_of<ValueError>([&] { to_dlpack(rows); }), HasSubstr("export to_dense()"));
}

}  // namespace
}  // namespace tapegrad
