#pragma once
// A graph of ONNX while it is written, and a recorded call as the block that writes it sees it.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tapegrad/core/node.hpp>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/interchange/internal/onnx_schema.hpp>
#include <tapegrad/op/attributes.hpp>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace tapegrad::onnx {

class GraphWriter;

/// A value of the graph; operators and functions on it write nodes. Numbers take the dtype of what they meet.
struct Expr {
  GraphWriter* graph = nullptr;
  std::string name = {};  ///< empty: left out
  DType dtype = f32;
  Shape shape = {};  ///< where it is known: of inputs of calls
};

using AttributeValue = std::variant<std::int64_t, double, Integers, std::string, std::vector<std::string>>;
using NodeAttributes = std::vector<std::pair<std::string_view, AttributeValue>>;

class GraphWriter {
 public:
  /// A node with one result, of that dtype.
  Expr node(std::string_view op, const std::vector<Expr>& inputs, DType dtype, const NodeAttributes& attributes = {});
  /// One with several.
  std::vector<Expr> nodes(std::string_view op, const std::vector<Expr>& inputs, std::size_t results, DType dtype,
                          const NodeAttributes& attributes = {});
  /// Of the dtype of the first input.
  Expr node(std::string_view op, const std::vector<Expr>& inputs, const NodeAttributes& attributes = {});

  Expr number(double value, DType dtype);
  /// i64 with one axis.
  Expr integers(const Integers& values);
  /// A value that the file has.
  Expr constant(const Tensor& value, std::string_view name);
  /// One that it is given.
  Expr input(const Tensor& value, std::string_view name);
  void output(const Expr& value, const Tensor& like, std::string_view name);
  /// Keeps a name for what comes later.
  void reserve(const std::string& name) { taken_.insert(name); }
  /// What the names of the nodes to come begin with.
  void set_place(std::string place) { place_ = std::move(place); }

  schema::Graph& graph() { return graph_; }
  const schema::Graph& graph() const { return graph_; }

 private:
  std::string free_name(std::string_view wanted);

  schema::Graph graph_;
  std::string place_;
  std::unordered_set<std::string> taken_;
  std::map<std::pair<double, DType>, Expr> numbers_;
  std::map<Integers, Expr> integers_;
  std::vector<Tensor> values_;  // that initializers refer to
};

Expr operator+(const Expr& a, const Expr& b);
Expr operator-(const Expr& a, const Expr& b);
Expr operator*(const Expr& a, const Expr& b);
Expr operator/(const Expr& a, const Expr& b);
Expr operator-(const Expr& x);
Expr operator+(const Expr& a, double b);
Expr operator-(const Expr& a, double b);
Expr operator*(const Expr& a, double b);
Expr operator/(const Expr& a, double b);
Expr operator+(double a, const Expr& b);
Expr operator-(double a, const Expr& b);
Expr operator*(double a, const Expr& b);
Expr operator/(double a, const Expr& b);
/// ONNX's operator of that name, of values of one dtype.
Expr emit(std::string_view op, const std::vector<Expr>& inputs);
Expr compare(std::string_view op, const Expr& a, const Expr& b);
Expr choose(const Expr& condition, const Expr& a, const Expr& b);
Expr cast_to(const Expr& x, DType dtype);
Expr maximum(const Expr& a, double b);
Expr minimum(const Expr& a, double b);
Expr reshape_to(const Expr& x, const Integers& shape);
Expr transposed(const Expr& x, const Integers& axes);
/// Its shape, with the extents that `like` has.
Expr sum_over(const Expr& x, const Integers& axes, bool keepdims);
Expr mean_over(const Expr& x, const Integers& axes, bool keepdims);

/// What the values of nodes are called in the graph.
using WrittenValues = std::unordered_map<const Node*, Expr>;

/// A call that was recorded.
class RecordedCall {
 public:
  /// The values of its inputs are written.
  RecordedCall(GraphWriter& graph, const Node& node, const WrittenValues& values);

  std::size_t size() const { return inputs_.size(); }
  bool has(std::size_t i) const { return i < inputs_.size() && !inputs_[i].name.empty(); }
  /// An input as it is.
  const Expr& operator[](std::size_t i) const { return inputs_[i]; }
  const std::vector<Expr>& inputs() const { return inputs_; }
  /// An input in the result's dtype.
  Expr in(std::size_t i) const { return cast_to(inputs_[i], dtype()); }

  /// What the operation makes of other inputs, with the attributes of this call.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs) const;
  /// The call that an input comes from, if it is one of that operation whose inputs are written, too.
  std::optional<RecordedCall> made_by(std::string_view op, std::size_t input) const;

  DType dtype() const { return node_.dtype; }
  const Shape& shape() const { return node_.shape; }
  GraphWriter& graph() const { return graph_; }

  std::int64_t integer(std::string_view attribute) const { return get<std::int64_t>(attribute); }
  double number(std::string_view attribute) const { return get<double>(attribute); }
  bool flag(std::string_view attribute) const { return get<bool>(attribute); }
  std::string text(std::string_view attribute) const { return get<std::string>(attribute); }
  Integers integers(std::string_view attribute) const { return get<Integers>(attribute); }
  /// From 0 on, of an input's axes.
  std::int64_t axis(std::string_view attribute = "axis", std::size_t input = 0) const;

  /// ValueError: the call has no equivalent, for that reason.
  [[noreturn]] void refuse(std::string_view why) const;

 private:
  template <class T>
  T get(std::string_view attribute) const {
    T value{};
    parse_attribute(attribute, attribute_text(attribute), value);
    return value;
  }
  std::string attribute_text(std::string_view name) const;

  GraphWriter& graph_;
  const Node& node_;
  const WrittenValues& values_;
  std::vector<Expr> inputs_;
  NamedValues attributes_;
};

/// How calls of one operation are written, or why they are not: the one block of the list of exporters.
class Exporter {
 public:
  using One = Expr (*)(const RecordedCall& call);
  using Several = std::vector<Expr> (*)(const RecordedCall& call);
  constexpr Exporter(std::string_view name, One one) : op(name), one_(one) {}
  /// Of the first results of a call; a graph that needs another one is refused.
  constexpr Exporter(std::string_view name, Several several) : op(name), several_(several) {}
  constexpr Exporter(std::string_view name, std::string_view reason) : op(name), why_not_(reason) {}

  std::vector<Expr> write(const RecordedCall& call) const { return one_ ? std::vector{one_(call)} : several_(call); }
  /// Empty if they are.
  constexpr std::string_view why_not() const { return why_not_; }

  std::string_view op;

 private:
  One one_ = nullptr;
  Several several_ = nullptr;
  std::string_view why_not_ = {};
};
/// Null if there is none.
const Exporter* find_exporter(std::string_view op);

}  // namespace tapegrad::onnx
