#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace tapegrad {

std::string format_attribute(Reduce value) {
  return value == Reduce::mean ? "mean" : value == Reduce::sum ? "sum" : "none";
}

void parse_attribute(std::string_view name, std::string_view text, Reduce& value) {
  for (const Reduce known : {Reduce::mean, Reduce::sum, Reduce::none})
    if (text == format_attribute(known)) {
      value = known;
      return;
    }
  throw ValueError("attribute " + std::string(name) + ": '" + std::string(text) + "' is not mean, sum or none");
}

Tensor reduce(const Tensor& losses, Reduce reduction) {
  if (reduction == Reduce::none) return losses;
  return reduction == Reduce::mean && losses.numel() > 0 ? mean(losses) : sum(losses);
}

}  // namespace tapegrad
