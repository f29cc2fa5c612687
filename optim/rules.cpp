#include <tapegrad/optim/rules.hpp>

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/error.hpp>

namespace tapegrad::optim {
namespace {

// Each formula below is one fused pass. Its constants are computed in double and rounded once.

struct SgdFormula : Sgd {
  static constexpr std::string_view name = "sgd";
  static constexpr std::array<std::string_view, 0> slots{};
  template <class T>
  auto bind(const StepInfo& info) const {
    return [rate = T(lr * info.rate_factor), decay = T(weight_decay)](T* __restrict p, const T* __restrict g,
                                                                      std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) p[i] -= rate * (g[i] + decay * p[i]);
    };
  }
};

struct MomentumFormula : Sgd {
  static constexpr std::string_view name = "sgd";
  static constexpr std::array<std::string_view, 1> slots{"velocity"};
  template <class T>
  auto bind(const StepInfo& info) const {
    // p -= lr (a g + b v): plain momentum has a = 0, b = 1, Nesterov's a = 1, b = momentum.
    return [rate = T(lr * info.rate_factor), decay = T(weight_decay), mu = T(momentum), a = T(nesterov ? 1 : 0),
            b = T(nesterov ? momentum : 1)](T* __restrict p, const T* __restrict g, T* __restrict v, std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const T d = g[i] + decay * p[i];
        v[i] = mu * v[i] + d;
        p[i] -= rate * (a * d + b * v[i]);
      }
    };
  }
};

// p -= rate · m̂ / (sqrt(v̂) + eps), with the corrections of the moments' start from zero folded into two factors.
template <class T>
struct AdamStep {
  template <class Hyper>
  AdamStep(const Hyper& h, const StepInfo& info)
      : rate(T(h.lr * info.rate_factor / (1 - std::pow(h.beta1, info.step)))),
        root(T(1 / std::sqrt(1 - std::pow(h.beta2, info.step)))),
        b1(T(h.beta1)),
        b2(T(h.beta2)),
        c1(T(1 - h.beta1)),
        c2(T(1 - h.beta2)),
        eps(T(h.eps)) {}
  T rate, root, b1, b2, c1, c2, eps;
};

struct AdamFormula : Adam {
  static constexpr std::string_view name = "adam";
  static constexpr std::array<std::string_view, 2> slots{"m", "v"};
  template <class T>
  auto bind(const StepInfo& info) const {
    return [s = AdamStep<T>(*this, info), decay = T(weight_decay)](T* __restrict p, const T* __restrict gradient,
                                                                   T* __restrict m, T* __restrict v, std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const T g = gradient[i] + decay * p[i];
        m[i] = s.b1 * m[i] + s.c1 * g;
        v[i] = s.b2 * v[i] + s.c2 * g * g;
        p[i] -= s.rate * m[i] / (std::sqrt(v[i]) * s.root + s.eps);
      }
    };
  }
};

struct AdamWFormula : AdamW {
  static constexpr std::string_view name = "adamw";
  static constexpr std::array<std::string_view, 2> slots{"m", "v"};
  template <class T>
  auto bind(const StepInfo& info) const {
    return [s = AdamStep<T>(*this, info), keep = T(1 - lr * info.rate_factor * weight_decay)](
               T* __restrict p, const T* __restrict g, T* __restrict m, T* __restrict v, std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        m[i] = s.b1 * m[i] + s.c1 * g[i];
        v[i] = s.b2 * v[i] + s.c2 * g[i] * g[i];
        p[i] = keep * p[i] - s.rate * m[i] / (std::sqrt(v[i]) * s.root + s.eps);
      }
    };
  }
};

struct AmsGradFormula : AmsGrad {
  static constexpr std::string_view name = "amsgrad";
  static constexpr std::array<std::string_view, 3> slots{"m", "v", "largest_v"};
  template <class T>
  auto bind(const StepInfo& info) const {
    return [s = AdamStep<T>(*this, info), decay = T(weight_decay)](T* __restrict p, const T* __restrict gradient,
                                                                   T* __restrict m, T* __restrict v,
                                                                   T* __restrict largest, std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const T g = gradient[i] + decay * p[i];
        m[i] = s.b1 * m[i] + s.c1 * g;
        v[i] = s.b2 * v[i] + s.c2 * g * g;
        largest[i] = v[i] > largest[i] ? v[i] : largest[i];
        p[i] -= s.rate * m[i] / (std::sqrt(largest[i]) * s.root + s.eps);
      }
    };
  }
};

struct NAdamFormula : NAdam {
  static constexpr std::string_view name = "nadam";
  static constexpr std::array<std::string_view, 2> slots{"m", "v"};

  double momentum_at(std::int64_t step) const {
    return beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(step) * momentum_decay));
  }

  template <class T>
  auto bind(const StepInfo& info) const {
    double product = 1;  // below 1e-17 it no longer counts
    for (std::int64_t t = 1; t <= info.step && product > 1e-17; ++t) product *= momentum_at(t);
    const double now = momentum_at(info.step), next = momentum_at(info.step + 1), rate = lr * info.rate_factor;
    return [s = AdamStep<T>(*this, info), decay = T(weight_decay), of_g = T(rate * (1 - now) / (1 - product)),
            of_m = T(rate * next / (1 - product * next))](T* __restrict p, const T* __restrict gradient,
                                                          T* __restrict m, T* __restrict v, std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const T g = gradient[i] + decay * p[i];
        m[i] = s.b1 * m[i] + s.c1 * g;
        v[i] = s.b2 * v[i] + s.c2 * g * g;
        p[i] -= (of_g * g + of_m * m[i]) / (std::sqrt(v[i]) * s.root + s.eps);
      }
    };
  }
};

struct RmsPropFormula : RmsProp {
  static constexpr std::string_view name = "rmsprop";
  static constexpr std::array<std::string_view, 1> slots{"v"};
  template <class T>
  auto bind(const StepInfo& info) const {
    return [rate = T(lr * info.rate_factor), decay = T(weight_decay), a = T(alpha), c = T(1 - alpha), e = T(eps)](
               T* __restrict p, const T* __restrict gradient, T* __restrict v, std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const T g = gradient[i] + decay * p[i];
        v[i] = a * v[i] + c * g * g;
        p[i] -= rate * g / (std::sqrt(v[i]) + e);
      }
    };
  }
};

struct RmsPropMomentumFormula : RmsProp {
  static constexpr std::string_view name = "rmsprop";
  static constexpr std::array<std::string_view, 2> slots{"v", "velocity"};
  template <class T>
  auto bind(const StepInfo& info) const {
    return [rate = T(lr * info.rate_factor), decay = T(weight_decay), a = T(alpha), c = T(1 - alpha), e = T(eps),
            mu = T(momentum)](T* __restrict p, const T* __restrict gradient, T* __restrict v, T* __restrict velocity,
                              std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const T g = gradient[i] + decay * p[i];
        v[i] = a * v[i] + c * g * g;
        velocity[i] = mu * velocity[i] + g / (std::sqrt(v[i]) + e);
        p[i] -= rate * velocity[i];
      }
    };
  }
};

struct AdagradFormula : Adagrad {
  static constexpr std::string_view name = "adagrad";
  static constexpr std::array<std::string_view, 1> slots{"sum"};
  template <class T>
  auto bind(const StepInfo& info) const {
    return [rate = T(lr * info.rate_factor), decay = T(weight_decay), e = T(eps)](
               T* __restrict p, const T* __restrict gradient, T* __restrict sum, std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const T g = gradient[i] + decay * p[i];
        sum[i] += g * g;
        p[i] -= rate * g / (std::sqrt(sum[i]) + e);
      }
    };
  }
};

struct AdadeltaFormula : Adadelta {
  static constexpr std::string_view name = "adadelta";
  static constexpr std::array<std::string_view, 2> slots{"v", "u"};
  template <class T>
  auto bind(const StepInfo& info) const {
    return [rate = T(lr * info.rate_factor), decay = T(weight_decay), r = T(rho), c = T(1 - rho), e = T(eps)](
               T* __restrict p, const T* __restrict gradient, T* __restrict v, T* __restrict u, std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const T g = gradient[i] + decay * p[i];
        v[i] = r * v[i] + c * g * g;
        const T d = std::sqrt((u[i] + e) / (v[i] + e)) * g;
        u[i] = r * u[i] + c * d * d;
        p[i] -= rate * d;
      }
    };
  }
};

struct LionFormula : Lion {
  static constexpr std::string_view name = "lion";
  static constexpr std::array<std::string_view, 1> slots{"m"};
  template <class T>
  auto bind(const StepInfo& info) const {
    const double step = lr * info.rate_factor;
    return [rate = T(step), keep = T(1 - step * weight_decay), b1 = T(beta1), c1 = T(1 - beta1), b2 = T(beta2),
            c2 = T(1 - beta2)](T* __restrict p, const T* __restrict g, T* __restrict m, std::int64_t n) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const T d = b1 * m[i] + c1 * g[i];
        const T sign = (d > 0 ? T(1) : T(0)) - (d < 0 ? T(1) : T(0));
        p[i] = keep * p[i] - rate * sign;
        m[i] = b2 * m[i] + c2 * g[i];
      }
    };
  }
};

struct Range {
  std::string_view name;
  double value;
  double below = std::numeric_limits<double>::infinity();
};

void require(std::string_view rule, std::initializer_list<Range> ranges) {
  for (const Range& r : ranges)
    if (!(r.value >= 0 && r.value < r.below))
      throw ValueError(fmt::format("{}: {} is {}; it must lie in [0, {})", rule, r.name, r.value, r.below));
}

template <class Formula, class Hyper>
std::shared_ptr<const Rule> elementwise(const Hyper& hyper) {
  return std::make_shared<ElementwiseRule<Formula>>(Formula{hyper}, hyper.sparse);
}

template <class Hyper>
void require_adam(std::string_view rule, const Hyper& h) {
  require(
      rule,
      {{"lr", h.lr}, {"beta1", h.beta1, 1}, {"beta2", h.beta2, 1}, {"eps", h.eps}, {"weight_decay", h.weight_decay}});
}

}  // namespace

std::shared_ptr<const Rule> make_rule(const Sgd& rule) {
  require("sgd", {{"lr", rule.lr}, {"momentum", rule.momentum}, {"weight_decay", rule.weight_decay}});
  if (rule.nesterov && rule.momentum == 0) throw ValueError("sgd: nesterov needs a momentum above 0");
  return rule.momentum == 0 ? elementwise<SgdFormula>(rule) : elementwise<MomentumFormula>(rule);
}

std::shared_ptr<const Rule> make_rule(const Adam& rule) {
  require_adam("adam", rule);
  return elementwise<AdamFormula>(rule);
}

std::shared_ptr<const Rule> make_rule(const AdamW& rule) {
  require_adam("adamw", rule);
  return elementwise<AdamWFormula>(rule);
}

std::shared_ptr<const Rule> make_rule(const AmsGrad& rule) {
  require_adam("amsgrad", rule);
  return elementwise<AmsGradFormula>(rule);
}

std::shared_ptr<const Rule> make_rule(const NAdam& rule) {
  require_adam("nadam", rule);
  require("nadam", {{"momentum_decay", rule.momentum_decay}});
  return elementwise<NAdamFormula>(rule);
}

std::shared_ptr<const Rule> make_rule(const RmsProp& rule) {
  require("rmsprop", {{"lr", rule.lr},
                      {"alpha", rule.alpha, 1},
                      {"eps", rule.eps},
                      {"weight_decay", rule.weight_decay},
                      {"momentum", rule.momentum}});
  return rule.momentum == 0 ? elementwise<RmsPropFormula>(rule) : elementwise<RmsPropMomentumFormula>(rule);
}

std::shared_ptr<const Rule> make_rule(const Adagrad& rule) {
  require("adagrad", {{"lr", rule.lr}, {"eps", rule.eps}, {"weight_decay", rule.weight_decay}});
  return elementwise<AdagradFormula>(rule);
}

std::shared_ptr<const Rule> make_rule(const Adadelta& rule) {
  require("adadelta", {{"lr", rule.lr}, {"rho", rule.rho, 1}, {"eps", rule.eps}, {"weight_decay", rule.weight_decay}});
  return elementwise<AdadeltaFormula>(rule);
}

std::shared_ptr<const Rule> make_rule(const Lion& rule) {
  require("lion",
          {{"lr", rule.lr}, {"beta1", rule.beta1, 1}, {"beta2", rule.beta2, 1}, {"weight_decay", rule.weight_decay}});
  return elementwise<LionFormula>(rule);
}

}  // namespace tapegrad::optim
