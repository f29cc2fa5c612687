#include <tapegrad/optim/ema.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>

namespace tapegrad::optim {

Ema::Ema(NamedTensors parameters, double decay)
    : parameters_(std::move(parameters)), averages_(clone(parameters_)), decay_(decay) {
  if (!(decay >= 0 && decay < 1)) throw ValueError(fmt::format("Ema: the decay is {}; it must lie in [0, 1)", decay));
}

void Ema::update() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    dispatch_floating(parameters_[i].tensor.dtype(), [&]<class T>() {
      const T keep = static_cast<T>(decay_), take = static_cast<T>(1 - decay_);
      const auto p = parameters_[i].tensor.data<T>();
      const auto average = averages_[i].tensor.mutable_data<T>();
      for (std::size_t j = 0; j < p.size(); ++j) average[j] = keep * average[j] + take * p[j];
    });
  }
}

void Ema::swap() {
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    dispatch_floating(parameters_[i].tensor.dtype(), [&]<class T>() {
      std::ranges::swap_ranges(parameters_[i].tensor.mutable_data<T>(), averages_[i].tensor.mutable_data<T>());
    });
}

void Ema::load_state(const NamedTensors& state) { overwrite(averages_, state, "Ema::load_state"); }

}  // namespace tapegrad::optim
