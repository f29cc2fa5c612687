#include <tapegrad/optim/ema.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/optim/internal/checks.hpp>

namespace tapegrad::optim {

Ema::Ema(NamedTensors parameters, double decay)
    : parameters_(std::move(parameters)), averages_(clone(parameters_)), decay_(decay) {
  if (!(decay >= 0 && decay < 1)) throw ValueError(fmt::format("Ema: the decay is {}; it must lie in [0, 1)", decay));
  if (parameters_.empty()) throw ValueError("Ema: there are no parameters");
  for (const auto& [name, tensor] : parameters_) require_trainable("Ema", name, tensor);
}

void Ema::update() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor values = parameters_[i].tensor.contiguous();
    dispatch_floating(values.dtype(), [&]<class T>() {
      const T keep = static_cast<T>(decay_), take = static_cast<T>(1 - decay_);
      const auto p = values.data<T>();
      const auto average = averages_[i].tensor.mutable_data<T>();
      for (std::size_t j = 0; j < p.size(); ++j) average[j] = keep * average[j] + take * p[j];
    });
  }
}

void Ema::swap() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor &parameter = parameters_[i].tensor, &average = averages_[i].tensor;
    if (!parameter.is_contiguous()) {
      const Tensor values = parameter.contiguous();
      parameter.copy_from(average);
      average = values;
      continue;
    }
    dispatch_floating(parameter.dtype(), [&]<class T>() {
      std::ranges::swap_ranges(parameter.mutable_data<T>(), average.mutable_data<T>());
    });
  }
}

void Ema::load_state(const NamedTensors& state) { overwrite(averages_, state, "Ema::load_state"); }

}  // namespace tapegrad::optim
