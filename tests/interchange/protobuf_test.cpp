#include <tapegrad/interchange/internal/protobuf.hpp>

#include <gmock/gmock.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/interchange/internal/onnx_schema.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using namespace onnx;
using testing::HasSubstr;

schema::Model sample() {
  schema::Attribute zero;
  zero.name = "axis";
  zero.type = 2;
  zero.i = 0;
  schema::Tensor weight{.dims = {2}, .data_type = 1, .float_data = {1.5f, -2.f}, .name = "w"};
  schema::Graph inner{.name = "then"};
  schema::Attribute branch;
  branch.name = "then_branch";
  branch.type = 5;
  branch.g = inner;
  schema::Node node{.input = {"x", "", "w"}, .output = {"y"}, .op_type = "Concat", .attribute = {zero, branch}};
  schema::Model model{.ir_version = 8, .opset_import = {{"", 17}}};
  model.graph = schema::Graph{.node = {node}, .name = "g", .initializer = {weight}};
  return model;
}

TEST(Protobuf, WhatIsWrittenReadsBack) {
  const std::string bytes = protobuf::encode(sample());
  const auto model = protobuf::decode<schema::Model>(bytes);
  ASSERT_TRUE(model.graph);
  EXPECT_EQ(model.ir_version, 8);
  EXPECT_EQ(model.opset_import.at(0).version, 17);
  const schema::Node& node = model.graph->node.at(0);
  EXPECT_THAT(node.input, testing::ElementsAre("x", "", "w"));
  EXPECT_EQ(node.attribute.at(0).i, 0);
  EXPECT_EQ(node.attribute.at(1).g->name, "then");
  EXPECT_THAT(model.graph->initializer.at(0).float_data, testing::ElementsAre(1.5f, -2.f));
  EXPECT_EQ(protobuf::encode(model), bytes);
}

TEST(Protobuf, TakesNumbersOneByOneAndPacked) {
  schema::Tensor tensor = protobuf::decode<schema::Tensor>(std::string("\x08\x02\x08\xAC\x02\x0A\x02\x05\x06", 9));
  EXPECT_THAT(tensor.dims, testing::ElementsAre(2, 300, 5, 6));
  tensor = protobuf::decode<schema::Tensor>("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
  EXPECT_THAT(tensor.dims, testing::ElementsAre(-1));
}

TEST(Protobuf, SaysWhereAndWhatIsWrong) {
  const auto message = [](std::string_view bytes) {
    return message_of<IoError>([&] { protobuf::decode<schema::Tensor>(bytes); });
  };
  EXPECT_EQ(message("\x0A\x05\x01"), "at byte 2: 5 bytes are announced, 1 are left");
  EXPECT_EQ(message("\x02\x01"), "at byte 1: there is no field 0");
  EXPECT_EQ(message("\x0B"), "at byte 1: field 1 has wire type 3; 0, 1, 2 and 5 are known");
  EXPECT_EQ(message("\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
            "at byte 11: a number has more than ten bytes");
  EXPECT_EQ(message("\x42"), "at byte 1: 1 bytes are announced, 0 are left");
  EXPECT_EQ(message("\x15\x01\x01\x01\x01"), "at byte 1: field 2 has wire type 5, 0 was expected");
}

TEST(Protobuf, BoundsDepthAndMemory) {
  std::string deep;
  for (int i = 0; i < 60; ++i) {  // a sequence of sequences
    std::string wrapped;
    protobuf::append_varint(wrapped, deep.size());
    wrapped = "\x0A" + wrapped + deep;
    deep.clear();
    protobuf::append_varint(deep, wrapped.size());
    deep = "\x22" + deep + wrapped;
  }
  EXPECT_THAT(message_of<IoError>([&] { protobuf::decode<schema::Type>(deep); }), HasSubstr("100 levels"));
  std::string many;
  for (int i = 0; i < 1 << 19; ++i) many.append("\x0A\x00", 2);  // nodes of two bytes each
  EXPECT_THAT(message_of<IoError>([&] { protobuf::decode<schema::Graph>(many); }), HasSubstr("too many small parts"));
}

}  // namespace
}  // namespace tapegrad
