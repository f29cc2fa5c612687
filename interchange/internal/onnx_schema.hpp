#pragma once
// The messages of ONNX files, as onnx/onnx-ml.proto (IR versions 1 to 11) has them: names, numbers and types are its
// own. What is not listed (documentation of parts, quantisation annotations, maps, opaque types) is left out when read.

#include <tapegrad/interchange/internal/protobuf.hpp>

namespace tapegrad::onnx::schema {

using protobuf::Box;
using protobuf::Field;

struct StringStringEntry {
  std::string key = {}, value = {};
  static constexpr auto fields() {
    return std::tuple{Field{1, &StringStringEntry::key}, Field{2, &StringStringEntry::value}};
  }
};

struct Tensor {
  std::vector<std::int64_t> dims = {};
  std::int32_t data_type = 0;  ///< a number of ElementType
  std::vector<float> float_data = {};
  std::vector<std::int32_t> int32_data = {};
  std::vector<std::string> string_data = {};
  std::vector<std::int64_t> int64_data = {};
  std::string name = {}, doc_string = {};
  std::optional<std::string_view> raw_data = {};  ///< little-endian; where the file was read to
  std::vector<StringStringEntry> external_data = {};
  std::int32_t data_location = 0;  ///< 1: external
  std::vector<double> double_data = {};
  std::vector<std::uint64_t> uint64_data = {};
  static constexpr auto fields() {
    return std::tuple{
        Field{1, &Tensor::dims},          Field{2, &Tensor::data_type},   Field{4, &Tensor::float_data},
        Field{5, &Tensor::int32_data},    Field{6, &Tensor::string_data}, Field{7, &Tensor::int64_data},
        Field{8, &Tensor::name},          Field{9, &Tensor::raw_data},    Field{10, &Tensor::double_data},
        Field{11, &Tensor::uint64_data},  Field{12, &Tensor::doc_string}, Field{13, &Tensor::external_data},
        Field{14, &Tensor::data_location}};
  }
};

struct SparseTensor {
  Tensor values = {}, indices = {};
  std::vector<std::int64_t> dims = {};
  static constexpr auto fields() {
    return std::tuple{Field{1, &SparseTensor::values}, Field{2, &SparseTensor::indices}, Field{3, &SparseTensor::dims}};
  }
};

struct Dimension {
  std::optional<std::int64_t> dim_value = {};
  std::optional<std::string> dim_param = {};  ///< a symbol
  static constexpr auto fields() {
    return std::tuple{Field{1, &Dimension::dim_value}, Field{2, &Dimension::dim_param}};
  }
};

struct TensorShape {
  std::vector<Dimension> dim = {};
  static constexpr auto fields() { return std::tuple{Field{1, &TensorShape::dim}}; }
};

struct TensorType {
  std::int32_t elem_type = 0;
  std::optional<TensorShape> shape = {};  ///< absent: the rank is not known
  static constexpr auto fields() { return std::tuple{Field{1, &TensorType::elem_type}, Field{2, &TensorType::shape}}; }
};

struct Type;
struct SequenceType;  // and what is optional, which has the same form

struct Type {
  std::optional<TensorType> tensor_type = {};
  Box<SequenceType> sequence_type = {}, optional_type = {};
  std::optional<TensorType> sparse_tensor_type = {};
  static constexpr auto fields() {
    return std::tuple{Field{1, &Type::tensor_type}, Field{4, &Type::sequence_type}, Field{8, &Type::sparse_tensor_type},
                      Field{9, &Type::optional_type}};
  }
};

struct SequenceType {
  Type elem_type = {};
  static constexpr auto fields() { return std::tuple{Field{1, &SequenceType::elem_type}}; }
};

struct ValueInfo {
  std::string name = {}, doc_string = {};
  std::optional<Type> type = {};
  static constexpr auto fields() {
    return std::tuple{Field{1, &ValueInfo::name}, Field{2, &ValueInfo::type}, Field{3, &ValueInfo::doc_string}};
  }
};

struct Graph;

enum class AttributeType : std::int32_t {
  undefined = 0,
  float_ = 1,
  int_ = 2,
  string = 3,
  tensor = 4,
  graph = 5,
  floats = 6,
  ints = 7,
  strings = 8,
  tensors = 9,
  graphs = 10,
  sparse_tensor = 11,
  sparse_tensors = 12,
  type = 13,
  types = 14
};

struct Attribute {
  std::string name = {}, ref_attr_name = {};  ///< the second: of the function whose body this is in
  std::int32_t type = 0;                      ///< a number of AttributeType; files of IR version 1 have none
  std::optional<float> f = {};
  std::optional<std::int64_t> i = {};
  std::optional<std::string> s = {};
  Box<Tensor> t = {};
  Box<Graph> g = {};
  Box<SparseTensor> sparse_tensor = {};
  Box<Type> tp = {};
  std::vector<float> floats = {};
  std::vector<std::int64_t> ints = {};
  std::vector<std::string> strings = {};
  std::vector<Tensor> tensors = {};
  std::vector<Graph> graphs;  // clang 14 would need Graph for an initialiser
  static constexpr auto fields() {
    return std::tuple{Field{1, &Attribute::name},
                      Field{2, &Attribute::f},
                      Field{3, &Attribute::i},
                      Field{4, &Attribute::s},
                      Field{5, &Attribute::t},
                      Field{6, &Attribute::g},
                      Field{7, &Attribute::floats},
                      Field{8, &Attribute::ints},
                      Field{9, &Attribute::strings},
                      Field{10, &Attribute::tensors},
                      Field{11, &Attribute::graphs},
                      Field{14, &Attribute::tp},
                      Field{20, &Attribute::type},
                      Field{21, &Attribute::ref_attr_name},
                      Field{22, &Attribute::sparse_tensor}};
  }
};

struct Node {
  std::vector<std::string> input = {}, output = {};  ///< "" stands for one that is left out
  std::string name = {}, op_type = {}, doc_string = {}, domain = {};
  std::vector<Attribute> attribute = {};
  static constexpr auto fields() {
    return std::tuple{Field{1, &Node::input},   Field{2, &Node::output},    Field{3, &Node::name},
                      Field{4, &Node::op_type}, Field{5, &Node::attribute}, Field{6, &Node::doc_string},
                      Field{7, &Node::domain}};
  }
};

struct Graph {
  std::vector<Node> node = {};
  std::string name = {}, doc_string = {};
  std::vector<Tensor> initializer = {};
  std::vector<SparseTensor> sparse_initializer = {};
  std::vector<ValueInfo> input = {}, output = {}, value_info = {};
  static constexpr auto fields() {
    return std::tuple{Field{1, &Graph::node},        Field{2, &Graph::name},
                      Field{5, &Graph::initializer}, Field{10, &Graph::doc_string},
                      Field{11, &Graph::input},      Field{12, &Graph::output},
                      Field{13, &Graph::value_info}, Field{15, &Graph::sparse_initializer}};
  }
};

struct OperatorSetId {
  std::string domain = {};  ///< "" is ONNX's own, also called "ai.onnx"
  std::int64_t version = 0;
  static constexpr auto fields() {
    return std::tuple{Field{1, &OperatorSetId::domain}, Field{2, &OperatorSetId::version}};
  }
};

struct TrainingInfo {
  Box<Graph> initialization = {}, algorithm = {};
  std::vector<StringStringEntry> initialization_binding = {}, update_binding = {};
  static constexpr auto fields() {
    return std::tuple{Field{1, &TrainingInfo::initialization}, Field{2, &TrainingInfo::algorithm},
                      Field{3, &TrainingInfo::initialization_binding}, Field{4, &TrainingInfo::update_binding}};
  }
};

struct Function {
  std::string name = {}, doc_string = {}, domain = {};
  std::vector<std::string> input = {}, output = {}, attribute = {};
  std::vector<Attribute> attribute_proto = {};  ///< attributes with defaults
  std::vector<Node> node = {};
  std::vector<OperatorSetId> opset_import = {};
  static constexpr auto fields() {
    return std::tuple{
        Field{1, &Function::name},         Field{4, &Function::input},   Field{5, &Function::output},
        Field{6, &Function::attribute},    Field{7, &Function::node},    Field{8, &Function::doc_string},
        Field{9, &Function::opset_import}, Field{10, &Function::domain}, Field{11, &Function::attribute_proto}};
  }
};

struct Model {
  std::int64_t ir_version = 0;
  std::string producer_name = {}, producer_version = {}, domain = {};
  std::int64_t model_version = 0;
  std::string doc_string = {};
  Box<Graph> graph = {};
  std::vector<OperatorSetId> opset_import = {};
  std::vector<StringStringEntry> metadata_props = {};
  std::vector<TrainingInfo> training_info = {};
  std::vector<Function> functions = {};
  static constexpr auto fields() {
    return std::tuple{
        Field{1, &Model::ir_version},     Field{2, &Model::producer_name}, Field{3, &Model::producer_version},
        Field{4, &Model::domain},         Field{5, &Model::model_version}, Field{6, &Model::doc_string},
        Field{7, &Model::graph},          Field{8, &Model::opset_import},  Field{14, &Model::metadata_props},
        Field{20, &Model::training_info}, Field{25, &Model::functions}};
  }
};

/// A sequence of values in a file of its own, as test data has it (onnx/onnx-data.proto).
struct SequenceFile {
  std::string name = {};
  std::int32_t elem_type = 0;  ///< 1: tensors, 3: sequences, 5: optionals
  std::vector<Tensor> tensor_values = {};
  std::vector<SequenceFile> sequence_values = {};
  static constexpr auto fields() {
    return std::tuple{Field{1, &SequenceFile::name}, Field{2, &SequenceFile::elem_type},
                      Field{3, &SequenceFile::tensor_values}, Field{5, &SequenceFile::sequence_values}};
  }
};
/// The same for what is optional.
struct OptionalFile {
  std::string name = {};
  std::int32_t elem_type = 0;  ///< 1: tensor, 3: sequence
  Box<Tensor> tensor_value = {};
  Box<SequenceFile> sequence_value = {};
  static constexpr auto fields() {
    return std::tuple{Field{1, &OptionalFile::name}, Field{2, &OptionalFile::elem_type},
                      Field{3, &OptionalFile::tensor_value}, Field{5, &OptionalFile::sequence_value}};
  }
};

}  // namespace tapegrad::onnx::schema
