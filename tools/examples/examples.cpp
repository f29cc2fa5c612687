#include "examples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/graph/capture.hpp>
#include <vector>

#include "../suggestion.hpp"

namespace tapegrad::tools {

std::span<const Example> examples() {
  static constexpr std::array kExamples{
      Example{"mlp", "three dense layers that tell digits apart", mlp_example},
      Example{"cnn", "two convolutions with pooling that tell digits apart", cnn_example},
      Example{"lstm", "a recurrent layer over a sentence", lstm_example},
      Example{"transformer", "twelve blocks that guess the next word", transformer_example},
      Example{"text-classifier", "the model of `tapegrad train text`", text_classifier_example},
  };
  return kExamples;
}

const Example& find_example(std::string_view name) {
  const auto all = examples();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Example& e) { return e.name == name; });
  if (found != all.end()) return *found;
  std::vector<std::string> names;
  for (const Example& e : all) names.emplace_back(e.name);
  throw ValueError(
      fmt::format("there is no example '{}'; there are {}{}", name, fmt::join(names, ", "), did_you_mean(name, names)));
}

graph::ComputationGraph recorded(std::string_view title, bool times, const std::function<Tensor()>& loss) {
  if (times) loss();  // the first run pays for what is set up once
  const Trace trace(Trace::Keep::measurements);
  Tensor result = loss();
  result.set_name("loss");
  result.backward({.retain_graph = true});  // so that the picture can tell what is saved
  return graph::capture(result, {.title = std::string(title), .statistics = true, .times = times, .trace = &trace});
}

}  // namespace tapegrad::tools
