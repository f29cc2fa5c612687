#include <tapegrad/optim/schedule.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tapegrad/core/error.hpp>

namespace tapegrad::optim {
namespace schedule {
namespace {

void require_positive(const char* schedule, const char* what, double value) {
  if (!(value > 0) || !std::isfinite(value))
    throw ValueError(fmt::format("schedule::{}: {} is {}; it must be above 0", schedule, what, value));
}

// From a to b as `share` goes from 0 to 1, level at both ends.
double cosine_between(double a, double b, double share) {
  return b + (a - b) * 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(share, 0.0, 1.0)));
}

}  // namespace

Schedule constant(double factor) {
  return [factor](double) { return factor; };
}

Schedule linear(double from, double to, double length) {
  require_positive("linear", "length", length);
  return [=](double time) { return from + (to - from) * std::clamp(time / length, 0.0, 1.0); };
}

Schedule steps(double every, double gamma) {
  require_positive("steps", "every", every);
  return [=](double time) { return std::pow(gamma, std::floor(time / every)); };
}

Schedule multi_step(std::vector<double> times, double gamma) {
  std::ranges::sort(times);
  return [times = std::move(times), gamma](double time) {
    return std::pow(gamma, std::ranges::upper_bound(times, time) - times.begin());
  };
}

Schedule exponential(double gamma) {
  require_positive("exponential", "gamma", gamma);
  return [gamma](double time) { return std::pow(gamma, time); };
}

Schedule cosine(double length, double last) {
  require_positive("cosine", "length", length);
  return [=](double time) { return cosine_between(1, last, time / length); };
}

Schedule cosine_restarts(double length, double growth, double last) {
  require_positive("cosine_restarts", "length", length);
  if (!(growth >= 1))
    throw ValueError(fmt::format("schedule::cosine_restarts: growth is {}; it is at least 1", growth));
  return [=](double time) {
    if (growth == 1) return cosine_between(1, last, std::fmod(time, length) / length);
    // Cycle n begins at length · (growth^n - 1) / (growth - 1).
    const double n = std::floor(std::log1p(time * (growth - 1) / length) / std::log(growth));
    const double begin = length * (std::pow(growth, n) - 1) / (growth - 1);
    return cosine_between(1, last, (time - begin) / (length * std::pow(growth, n)));
  };
}

Schedule warm_up(double length, Schedule then, double first) {
  require_positive("warm_up", "length", length);
  return [=, then = std::move(then)](double time) {
    return time < length ? first + (then(0) - first) * time / length : then(time - length);
  };
}

Schedule inverse_sqrt(double length) {
  require_positive("inverse_sqrt", "length", length);
  return [length](double time) { return time < length ? time / length : std::sqrt(length / time); };
}

Schedule one_cycle(double length, double rise, double start, double end) {
  require_positive("one_cycle", "length", length);
  require_positive("one_cycle", "start", start);
  require_positive("one_cycle", "end", end);
  if (!(rise > 0 && rise < 1))
    throw ValueError(fmt::format("schedule::one_cycle: rise is {}; it lies in (0, 1)", rise));
  return [=](double time) {
    const double share = time / length;
    return share < rise ? cosine_between(1 / start, 1, share / rise)
                        : cosine_between(1, 1 / (start * end), (share - rise) / (1 - rise));
  };
}

Schedule sequence(std::vector<std::pair<double, Schedule>> parts) {
  if (parts.empty()) throw ValueError("schedule::sequence: it needs one part at least");
  for (const auto& [length, part] : parts) require_positive("sequence", "a length", length);
  return [parts = std::move(parts)](double time) {
    std::size_t i = 0;
    for (; i + 1 < parts.size() && time >= parts[i].first; ++i) time -= parts[i].first;
    return parts[i].second(time);
  };
}

Schedule product(Schedule a, Schedule b) {
  return [a = std::move(a), b = std::move(b)](double time) { return a(time) * b(time); };
}

}  // namespace schedule

Plateau::Plateau(PlateauOptions options) : options_(options) {
  if (!(options.factor > 0 && options.factor < 1))
    throw ValueError(fmt::format("Plateau: the factor is {}; it must lie between 0 and 1", options.factor));
}

double Plateau::update(double figure) {
  auto& [factor, best, waited, cooling] = state_;
  const double cost = options_.higher_is_better ? -figure : figure;
  if (cost < best - options_.min_delta) {
    best = cost;
    waited = 0;
    cooling = std::max<std::int64_t>(cooling - 1, 0);
  } else if (cooling > 0) {
    --cooling;
  } else if (++waited > options_.patience) {
    factor = std::max(factor * options_.factor, options_.smallest);
    cooling = options_.cooldown;
    waited = 0;
  }
  return factor;
}

}  // namespace tapegrad::optim
