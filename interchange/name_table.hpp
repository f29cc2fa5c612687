#pragma once
// The state of one framework's model into a module of another's names.
//
//   const std::vector<io::NameRule> rules{{"encoder.layer.{i}.attention.self.query.weight", "blocks.{i}.query.weight"},
//                                         {"h.{i}.mlp.c_fc.weight", "blocks.{i}.up.weight", true}};
//   std::cout << io::to_string(io::fill_state(model.state(), io::load_tensors("model.safetensors"), rules));

#include <span>
#include <string>
#include <tapegrad/core/named_tensors.hpp>
#include <utility>
#include <vector>

namespace tapegrad::io {

/// Which name a name becomes. "{word}" in `from` stands for any characters but dots, and for the same ones in `to`. One
/// list of words in `to`, "{query,key,value}", cuts the tensor along its first axis into equal parts, one for each.
/// An empty `to` leaves the tensor out: the target has no place for it.
struct NameRule {
  std::string from, to;
  bool transposed = false;  ///< a matrix that the other model holds as its transpose
};

/// Names as they are in the source, unless they are said to be of the target.
struct StateReport {
  std::vector<std::pair<std::string, std::string>> matched;  ///< from, to
  std::vector<std::string> transposed;                       ///< of those
  std::vector<std::string> left_out;                         ///< by a rule
  std::vector<std::string> unused;                           ///< what no rule, or no tensor of the target, takes
  std::vector<std::string> missing;                          ///< of the target: kept their values
};
/// "12 tensors matched, 2 of them transposed; left out: …; unused: …; missing: …"
std::string to_string(const StateReport& report);

/// Copies values into the tensors of `target`, those of Module::state(), by the first rule that fits a name; one that
/// none fits keeps its name. ValueError that lists all tensors which differ in shape, or if two have one target or a
/// rule's `to` has a word that `from` has not, or two lists; nothing is changed then.
StateReport fill_state(const NamedTensors& target, const NamedTensors& source, std::span<const NameRule> rules);

}  // namespace tapegrad::io
