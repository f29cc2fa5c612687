#pragma once
// What `tapegrad predict` does for every kind of input.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <utility>
#include <vector>

#include "saved_model.hpp"

namespace tapegrad::tools {

enum class Attribution { integrated_gradients, gradient_x_input, saliency };
const std::vector<std::pair<std::string, Attribution>>& attributions();

struct PredictOptions {
  std::string model, picture;
  std::vector<std::string> inputs;
  Attribution attribution = Attribution::integrated_gradients;
  std::int64_t row = 0;
  std::size_t top = 5;
  double least_score = 0.3;
  bool json = false;
  LoadOptions load;

  const std::string& attribution_name() const;
};

using Classifier = std::function<Tensor(const Tensor& input)>;

/// Probability and name, the likeliest first.
using Classes = std::vector<std::pair<double, std::string>>;

/// Of one input, [1, …].
Classes classify(const Classifier& model, const Tensor& input, const std::vector<std::string>& names);

/// How much each element of the input speaks for the likeliest class. `baseline` is what stands for no input.
Tensor attribute(const Classifier& model, const Tensor& input, const Tensor& baseline, Attribution method,
                 std::int64_t steps);

void print_classes(const Classes& classes, std::size_t top);

/// The fields that every answer has; `what` the input is.
nlohmann::ordered_json to_json(const char* what, const std::string& input, const Classes& classes);
void print_line(const nlohmann::ordered_json& json);

/// The next line of standard input, false after the last. IoError, which names its `number`, for one beyond a mebibyte.
bool next_line(std::string& line, std::int64_t number);

}  // namespace tapegrad::tools
