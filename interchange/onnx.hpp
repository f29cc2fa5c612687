#pragma once
// Models in ONNX files: what is in them, run and differentiated like any other computation.
//
//   onnx::Model model = onnx::load("resnet.onnx");
//   model.freeze("features.*");
//   Tensor loss = cross_entropy(model(images).at(0), classes);
//   loss.backward();                                // into the grad() of model.parameters()
//
// Opsets 1 to 22; docs/onnx.md lists the operators. Element types that tensors do not have are held in the next wider
// one (int8 as i32, float16 as f32, …), computed in it, and wrapped as theirs where integers overflow.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/core/named_tensors.hpp>
#include <variant>
#include <vector>

namespace tapegrad::onnx {

/// What a file says that elements are, by its number there.
enum class ElementType : std::int32_t {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16
};
/// "float", "int8": the format's own names; "type 99" for an unknown one.
std::string name_of(ElementType type);
/// The type of which tensors of a dtype are.
ElementType element_type(DType dtype);
/// The dtype that holds it; DTypeError for strings, complex and unknown types.
DType dtype_of(ElementType type);

/// A tensor of texts.
struct Strings {
  Shape shape;
  std::vector<std::string> values;  ///< row-major
};

struct Value;
using Sequence = std::vector<Value>;

/// What goes along an edge of a graph: a tensor, strings, a sequence, or nothing (an optional that is empty).
struct Value {
  Value() = default;
  Value(Tensor t);  ///< of the tensor's own type
  Value(Tensor t, ElementType declared) : content(std::move(t)), type(declared) {}
  Value(Strings s) : content(std::move(s)), type(ElementType::string) {}
  Value(Sequence items) : content(std::make_shared<const Sequence>(std::move(items))) {}

  const Tensor* tensor() const { return std::get_if<Tensor>(&content); }
  const Strings* strings() const { return std::get_if<Strings>(&content); }
  const Sequence* sequence() const {
    const auto* items = std::get_if<std::shared_ptr<const Sequence>>(&content);
    return items ? items->get() : nullptr;
  }
  bool empty() const { return content.index() == 0; }

  std::variant<std::monostate, Tensor, Strings, std::shared_ptr<const Sequence>> content;
  ElementType type = ElementType::undefined;  ///< of the elements of a tensor or strings
};

/// An extent as declared: a size, a symbol such as "batch", or neither.
struct Dimension {
  std::int64_t size = -1;
  std::string symbol = {};
};

/// What the file declares of an input or an output.
struct ValueInfo {
  enum class Kind : std::uint8_t { tensor, sequence, optional };
  std::string name = {};
  Kind kind = Kind::tensor;
  ElementType type = ElementType::undefined;         ///< of a tensor's elements, also within a sequence or an optional
  std::optional<std::vector<Dimension>> shape = {};  ///< absent: the rank is not declared
};
/// "x: float [batch, 3, 224, 224]".
std::string describe(const ValueInfo& info);

/// An operator that cannot be run, and a node that asks for it.
struct Unsupported {
  std::string op;    ///< "ai.onnx.ml.Scaler 1"
  std::string node;  ///< its name, or those of its outputs
};

namespace detail {
struct Program;
}

/// Copies share the weights.
class Model {
 public:
  /// Those that must be given: initializers that the file lists among the inputs, too, are left out.
  const std::vector<ValueInfo>& inputs() const;
  const std::vector<ValueInfo>& outputs() const;
  /// The weights: floating initializers and constants of more than one element, as leaves that require gradients unless
  /// frozen; by their names in the file.
  const NamedTensors& parameters() const;
  /// The other initializers that tensors can hold: statistics of batch normalisation, integers, sizes.
  const NamedTensors& constants() const;
  /// The nodes of the graph and of all graphs in it, counted by operator.
  const std::map<std::string, std::int64_t>& operators() const;
  const std::vector<Unsupported>& unsupported() const;

  std::int64_t opset() const;  ///< of ONNX's own domain
  std::int64_t ir_version() const;
  std::string producer() const;  ///< "pytorch 2.1"
  const std::map<std::string, std::string>& metadata() const;

  /// The outputs for inputs in the order of inputs(), recorded as usual. ValueError for a wrong count or something that
  /// no tensor is; ShapeError or DTypeError for an input that is not as declared. What an operator refuses names its
  /// node.
  std::vector<Tensor> operator()(std::span<const Tensor> inputs) const;
  std::vector<Tensor> operator()(std::initializer_list<Tensor> inputs) const;
  template <class... T>
  requires(sizeof...(T) > 0 && (std::convertible_to<const T&, Tensor> && ...)) std::vector<Tensor>
  operator()(const T&... inputs) const { return (*this)({Tensor(inputs)...}); }
  /// The same for any kind of value. With `weights`, in the order of parameters() and shaped like them, it computes
  /// with those instead of its own: a function of its weights, for hvp() or the gradient checker.
  std::vector<Value> run(std::vector<Value> inputs, std::span<const Tensor> weights = {}) const;

  /// Takes the parameters whose names match out of training; "*" stands for any characters. Returns how many there are;
  /// ValueError if none.
  std::size_t freeze(std::string_view pattern);

 private:
  friend Model load(const std::filesystem::path& path, const struct LoadOptions& options);
  explicit Model(std::shared_ptr<const detail::Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const detail::Program> program_;
};

/// Of load().
struct LoadOptions {
  /// Load a model to look at that has operators which cannot be run.
  bool allow_unsupported = false;
};
/// Reads a model and its external data, which must be files below the model's folder, reached through no link. Throws
/// IoError that says what is wrong if the file is not as the format asks for, takes many times its size in memory or is
/// of an unknown version; ValueError that lists all unsupported operators with their nodes.
Model load(const std::filesystem::path& path, const LoadOptions& options = {});

/// A value from a file of one: a serialised TensorProto, SequenceProto or OptionalProto, as test data has it. IoError
/// as load().
Value load_value(const std::filesystem::path& path, const ValueInfo& declared);

}  // namespace tapegrad::onnx
