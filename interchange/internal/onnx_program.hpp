#pragma once
// A model that was read, and how it runs: names to values, node by node.

#include <tapegrad/interchange/internal/onnx_schema.hpp>
#include <tapegrad/interchange/onnx.hpp>
#include <unordered_map>

namespace tapegrad::onnx {

struct Importer;

namespace detail {

using Opsets = std::map<std::string, std::int64_t, std::less<>>;

/// A node, and what has been found out about it.
struct Step {
  const schema::Node* node;
  const Importer* importer;          ///< null: a function of the model, or unsupported
  const schema::Function* function;  ///< null: an operator
  std::int64_t version;              ///< of the opset that the node's domain has
  std::vector<std::string> last;     ///< names that no later step reads
};

/// What of a graph or a function's body does not change from run to run.
struct Plan {
  std::vector<Step> steps;
  std::vector<std::string> outputs;
};

struct Program {
  schema::Model model;
  std::string file;  ///< its name, for messages
  Opsets opsets;
  std::vector<ValueInfo> inputs, outputs;
  std::unordered_map<std::string, Value> initializers;                       ///< of the main graph
  std::unordered_map<const schema::Attribute*, std::vector<Value>> tensors;  ///< that attributes hold
  std::unordered_map<const schema::Graph*, std::unordered_map<std::string, Value>> inner_initializers;
  std::unordered_map<const void*, Plan> plans;  ///< of graphs and functions
  NamedTensors parameters, constants;
  std::vector<Unsupported> unsupported;
  std::map<std::string, std::int64_t> operators;
  std::map<std::string, std::string> metadata;
};

/// Fills in everything but the model and the file. As load().
void prepare(Program& program, const std::filesystem::path& folder);

}  // namespace detail

/// Names and values of one graph while it runs. A graph within another sees the other's.
class Frame {
 public:
  using Attributes = std::map<std::string, const schema::Attribute*, std::less<>>;
  Frame(const detail::Program& program, const Frame* outer, const schema::Graph* graph, const Attributes* given,
        int depth)
      : program_(program), outer_(outer), graph_(graph), given_(given), depth_(depth) {}

  /// Null if no value has that name.
  const Value* find(const std::string& name) const;
  void bind(const std::string& name, Value value) { values_.insert_or_assign(name, std::move(value)); }
  /// The outputs, in order.
  std::vector<Value> run(const detail::Plan& plan);

  const detail::Program& program() const { return program_; }
  const schema::Graph* graph() const { return graph_; }
  /// The attributes that the function was called with whose body this is, or null.
  const Attributes* given() const { return given_; }
  int depth() const { return depth_; }

 private:
  void step(const detail::Step& step);

  const detail::Program& program_;
  const Frame* outer_;
  const schema::Graph* graph_;
  const Attributes* given_;
  int depth_;
  std::unordered_map<std::string, Value> values_;
};

/// One node at work: what an importer reads of it.
class Call {
 public:
  Call(const Frame& frame, const detail::Step& step) : frame_(frame), step_(step) {}

  const schema::Node& node() const { return *step_.node; }
  std::int64_t version() const { return step_.version; }
  const Frame& frame() const { return frame_; }

  std::size_t inputs() const { return node().input.size(); }
  std::size_t outputs() const { return node().output.size(); }
  /// Whether input `i` is given.
  bool has(std::size_t i) const;
  /// Whether somebody may read output `i`.
  bool wants(std::size_t i) const { return i < outputs() && !node().output[i].empty(); }
  const Value& value(std::size_t i) const;
  const Tensor& in(std::size_t i) const;
  ElementType type(std::size_t i) const { return value(i).type; }
  std::vector<Tensor> all(std::size_t first = 0) const;
  /// The elements of an input of integers, such as a shape.
  std::vector<std::int64_t> integers_in(std::size_t i) const;
  std::int64_t integer_in(std::size_t i) const;

  bool has_attribute(std::string_view name) const { return find(name) != nullptr; }
  std::int64_t integer(std::string_view name, std::int64_t absent) const;
  double number(std::string_view name, double absent) const;
  std::string text(std::string_view name, std::string_view absent) const;
  std::vector<std::int64_t> integers(std::string_view name, std::vector<std::int64_t> absent = {}) const;
  std::vector<float> numbers(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  const Value& tensor(std::string_view name) const;
  const schema::Attribute* find(std::string_view name) const;

  /// Of input `i`; axes from the end allowed.
  int axis(std::int64_t axis, std::size_t i = 0) const;
  /// Input `i`, or else the attribute that older opsets have in its place; empty if neither is given.
  std::vector<std::int64_t> integers_of(std::string_view name, std::size_t i) const;

  /// The outputs of the graph in an attribute, which sees the names around the node.
  std::vector<Value> run(std::string_view attribute, std::vector<Value> inputs) const;

  /// ValueError.
  [[noreturn]] void fail(const std::string& why) const;

 private:
  const schema::Attribute& required(std::string_view name) const;

  const Frame& frame_;
  const detail::Step& step_;
};

/// How a node's outputs are made. Most operators have one tensor, whose type is that of the first input if that is held
/// in the tensor's dtype, and the dtype's own otherwise.
class Import {
 public:
  constexpr Import(Tensor (*one)(const Call&)) : one_(one) {}
  constexpr Import(Value (*value)(const Call&)) : value_(value) {}
  constexpr Import(std::vector<Value> (*all)(const Call&)) : all_(all) {}
  std::vector<Value> operator()(const Call& call) const;

 private:
  Tensor (*one_)(const Call&) = nullptr;
  Value (*value_)(const Call&) = nullptr;
  std::vector<Value> (*all_)(const Call&) = nullptr;
};

struct Importer {
  std::string_view name;
  Import run;
  std::int64_t since = 1;  ///< the oldest opset of which it knows the operator
  /// Inputs that are no weights even if they are floating constants: bit i stands for input i.
  std::uint32_t fixed = 0;
  std::string_view domain = "";
};

/// The importer of an operator, or null.
const Importer* find_importer(std::string_view domain, std::string_view name, std::int64_t version);
/// All of them, in the order of their names.
std::vector<const Importer*> importers();

/// As an importer of one tensor has it.
Value like_input(const Call& call, Tensor result, std::size_t input = 0);

/// What a model's file calls a node: its name, or else its outputs'.
std::string label_of(const schema::Node& node);

inline constexpr std::string_view kTraining = "ai.onnx.preview.training";
inline constexpr std::int64_t kNewestOpset = 22;

}  // namespace tapegrad::onnx
