#include "prediction.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/nn/attribution.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>

#include "terminal.hpp"

namespace tapegrad::tools {

const std::vector<std::pair<std::string, Attribution>>& attributions() {
  static const std::vector<std::pair<std::string, Attribution>> all{
      {"integrated-gradients", Attribution::integrated_gradients},
      {"gradient-x-input", Attribution::gradient_x_input},
      {"saliency", Attribution::saliency}};
  return all;
}

const std::string& PredictOptions::attribution_name() const {
  return std::ranges::find(attributions(), attribution, &std::pair<std::string, Attribution>::second)->first;
}

Classes classify(const Classifier& model, const Tensor& input, const std::vector<std::string>& names) {
  const NoGrad no_grad;
  const std::vector<double> probabilities = softmax(model(input), 1).values();
  Classes classes;
  for (std::size_t i = 0; i < probabilities.size(); ++i) classes.emplace_back(probabilities[i], names[i]);
  std::ranges::stable_sort(classes, std::ranges::greater(), &Classes::value_type::first);
  return classes;
}

Tensor attribute(const Classifier& model, const Tensor& input, const Tensor& baseline, Attribution method,
                 std::int64_t steps) {
  const Tensor winner = [&] {
    const NoGrad no_grad;
    return argmax(model(input), 1);
  }();
  switch (method) {
    case Attribution::integrated_gradients:
      return nn::integrated_gradients(model, input, winner, {.baseline = baseline, .steps = steps});
    case Attribution::gradient_x_input:
      return nn::gradient_x_input(model, input, winner, baseline);
    case Attribution::saliency:
      break;
  }
  return abs(nn::saliency(model, input, winner));
}

void print_classes(const Classes& classes, std::size_t top) {
  constexpr double kShown = 0.01;  // per cent: what rounds to 0 or 100 is neither
  const Terminal terminal = terminal_of(STDOUT_FILENO);
  for (std::size_t i = 0; i < std::min(top, classes.size()); ++i) {
    const double share = 100 * classes[i].first;
    const std::string text = share < kShown         ? fmt::format("{:>7}", "< 0.01")
                             : share > 100 - kShown ? fmt::format("{:>7}", "> 99.99")
                                                    : fmt::format("{:7.2f}", share);
    const std::string line = fmt::format(" {} %  {}", text, printable(classes[i].second));
    std::cout << (i == 0 ? styled(terminal, Style::bold, line) : line) << '\n';
  }
}

nlohmann::ordered_json to_json(const char* what, const std::string& input, const Classes& classes) {
  nlohmann::ordered_json probabilities;
  for (const auto& [probability, name] : classes) probabilities[name] = probability;
  return {{what, input}, {"class", classes.front().second}, {"probabilities", probabilities}};
}

bool next_line(std::string& line, std::int64_t number) {
  constexpr std::size_t kLongest = std::size_t{1} << 20;
  line.clear();
  int c = std::cin.get();
  if (c == EOF) return false;
  for (; c != EOF && c != '\n'; c = std::cin.get()) {
    if (line.size() == kLongest)
      throw IoError(fmt::format("standard input:{}: a line of more than {} bytes", number, kLongest));
    line += static_cast<char>(c);
  }
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

void print_line(const nlohmann::ordered_json& json) {
  std::cout << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

}  // namespace tapegrad::tools
