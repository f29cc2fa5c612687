#pragma once
// A recorded computation as a graph of ONNX, for the shapes that it was recorded with.

#include <set>
#include <string>
#include <tapegrad/interchange/internal/onnx_writer.hpp>
#include <tapegrad/interchange/onnx_save.hpp>
#include <unordered_map>

namespace tapegrad::onnx {

/// Holds what its graph refers to. Throws as save() does.
class Export {
 public:
  Export(const NamedTensors& outputs, const SaveOptions& options);

  GraphWriter& writer() { return writer_; }
  const schema::Graph& graph() const { return writer_.graph(); }

 private:
  void require_names(const NamedTensors& outputs, const NamedTensors& inputs);
  /// In order of creation, which is a topological order.
  std::vector<const Node*> nodes_below(const NamedTensors& outputs) const;
  void write(const Node& node);
  std::vector<Expr> results_of(const Node& node);
  Expr part_of_call(const Node& part);
  Expr leaf(const Node& node);

  GraphWriter writer_;
  std::unordered_map<const Node*, std::string> names_;
  WrittenValues values_;
  std::unordered_map<const Node*, std::vector<Expr>> results_;  // of calls with several
  std::set<std::string> unsupported_;
};

}  // namespace tapegrad::onnx
