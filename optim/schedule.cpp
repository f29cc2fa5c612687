#include <tapegrad/optim/schedule.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <tapegrad/core/error.hpp>

namespace tapegrad::optim {
namespace schedule {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void require(const char* schedule, const char* what, double value, double low, const char* expected) {
  if (!(value >= low) || value == kInfinity)
    throw ValueError(fmt::format("schedule::{}: {} is {}; it must be {}", schedule, what, value, expected));
}
void require_factor(const char* schedule, const char* what, double value) {
  require(schedule, what, value, 0, "finite and at least 0");
}
void require_positive(const char* schedule, const char* what, double value) {
  require(schedule, what, value, std::numeric_limits<double>::denorm_min(), "finite and above 0");
}
void require_part(const char* schedule, const Schedule& part) {
  if (!part) throw ValueError(fmt::format("schedule::{}: a part is an empty function", schedule));
}

// Times are sums of fractions, such as epoch + step / steps: where one is meant to be at `point` it may lie just below.
bool reached(double time, double point) { return time >= point - 1e-9 * std::abs(point); }

// Where in a phase of `length` that began at `begin` a time lies, from 0 to 1.
double share_of(double time, double begin, double length) { return std::clamp((time - begin) / length, 0.0, 1.0); }

// From a to b as `share` goes from 0 to 1, level at both ends.
double cosine_between(double a, double b, double share) {
  return b + (a - b) * 0.5 * (1 + std::cos(std::numbers::pi * share));
}

// A cycle of phases each `growth` times as long as the one before.
struct Cycle {
  double number, begin, length;
};
Cycle cycle_at(double time, double first, double growth) {
  const double log_growth = std::log(growth);
  // Cycle n begins at first · (growth^n - 1) / (growth - 1).
  const auto begin_of = [=](double n) {
    return first * (log_growth == 0 ? n : std::expm1(n * log_growth) / (growth - 1));
  };
  const double ratio = std::max(time, 0.0) / first;
  double n = std::floor(log_growth == 0 ? ratio : std::log1p(ratio * (growth - 1)) / log_growth);
  if (reached(time, begin_of(n + 1))) ++n;
  if (n > 0 && !reached(time, begin_of(n))) --n;
  return {n, begin_of(n), first * std::pow(growth, n)};
}

}  // namespace

Schedule constant(double factor) {
  require_factor("constant", "the factor", factor);
  return [factor](double) { return factor; };
}

Schedule linear(double from, double to, double length) {
  require_factor("linear", "from", from);
  require_factor("linear", "to", to);
  require_positive("linear", "length", length);
  return [=](double time) { return from + (to - from) * share_of(time, 0, length); };
}

Schedule steps(double every, double gamma) {
  require_positive("steps", "every", every);
  require_factor("steps", "gamma", gamma);
  return [=](double time) { return std::pow(gamma, cycle_at(time, every, 1).number); };
}

Schedule multi_step(std::vector<double> times, double gamma) {
  for (const double time : times) require("multi_step", "a time", time, 0, "finite and at least 0");
  require_factor("multi_step", "gamma", gamma);
  return [times = std::move(times), gamma](double time) {
    return std::pow(gamma, std::ranges::count_if(times, [time](double point) { return reached(time, point); }));
  };
}

Schedule exponential(double gamma) {
  require_positive("exponential", "gamma", gamma);
  return [gamma](double time) { return std::pow(gamma, time); };
}

Schedule cosine(double length, double last) {
  require_positive("cosine", "length", length);
  require_factor("cosine", "last", last);
  return [=](double time) { return cosine_between(1, last, share_of(time, 0, length)); };
}

Schedule cosine_restarts(double length, double growth, double last) {
  require_positive("cosine_restarts", "length", length);
  require("cosine_restarts", "growth", growth, 1, "finite and at least 1");
  require_factor("cosine_restarts", "last", last);
  return [=](double time) {
    const Cycle cycle = cycle_at(time, length, growth);
    return cosine_between(1, last, share_of(time, cycle.begin, cycle.length));
  };
}

Schedule warm_up(double length, Schedule then, double first) {
  require("warm_up", "length", length, 0, "finite and at least 0");
  require_factor("warm_up", "first", first);
  require_part("warm_up", then);
  return [=, then = std::move(then)](double time) {
    if (reached(time, length)) return then(std::max(time - length, 0.0));
    return first + (then(0) - first) * share_of(time, 0, length);
  };
}

Schedule inverse_sqrt(double length) {
  require_positive("inverse_sqrt", "length", length);
  return [length](double time) { return time < length ? std::max(time, 0.0) / length : std::sqrt(length / time); };
}

Schedule one_cycle(double length, double rise, double start, double end) {
  require_positive("one_cycle", "length", length);
  require_positive("one_cycle", "start", start);
  require_positive("one_cycle", "end", end);
  if (!(rise > 0 && rise < 1))
    throw ValueError(fmt::format("schedule::one_cycle: rise is {}; it lies in (0, 1)", rise));
  return [=](double time) {
    const double top = rise * length;
    return time < top ? cosine_between(1 / start, 1, share_of(time, 0, top))
                      : cosine_between(1, 1 / (start * end), share_of(time, top, length - top));
  };
}

Schedule sequence(std::vector<std::pair<double, Schedule>> parts) {
  if (parts.empty()) throw ValueError("schedule::sequence: it needs one part at least");
  for (const auto& [length, part] : parts) {
    require("sequence", "a length", length, 0, "finite and at least 0");
    require_part("sequence", part);
  }
  return [parts = std::move(parts)](double time) {
    double begin = 0;
    std::size_t i = 0;
    for (; i + 1 < parts.size() && reached(time, begin + parts[i].first); ++i) begin += parts[i].first;
    return parts[i].second(std::max(time - begin, 0.0));
  };
}

Schedule product(Schedule a, Schedule b) {
  require_part("product", a);
  require_part("product", b);
  return [a = std::move(a), b = std::move(b)](double time) { return a(time) * b(time); };
}

}  // namespace schedule

Plateau::Plateau(PlateauOptions options) : options_(options) {
  if (!(options.factor > 0 && options.factor < 1))
    throw ValueError(fmt::format("Plateau: the factor is {}; it must lie between 0 and 1", options.factor));
  if (options.patience < 0 || options.cooldown < 0 || !(options.min_delta >= 0) ||
      !(options.smallest >= 0 && options.smallest <= 1))
    throw ValueError(fmt::format(
        "Plateau: patience {}, cooldown {}, min_delta {}, smallest {}; they are at least 0, and the last at "
        "most 1",
        options.patience, options.cooldown, options.min_delta, options.smallest));
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
