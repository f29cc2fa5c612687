#pragma once
// How an optimiser changes one parameter. Most rules treat each element alike: those are an ElementwiseRule, which
// needs nothing but the formula for one stretch of elements; large parameters are then spread over threads, and of
// row-sparse gradients, as embeddings have, only the rows that occur are touched.
//
// The optimisers' rules and their hyper-parameters. Where `weight_decay` is not said to be decoupled, it is added to
// the gradient as weight_decay · p.
//
// Rules with second moments square gradients in the parameter's dtype. Where the square overflows (|g| from 5.8e20 in
// f32 with beta2 = 0.999, from 1.8e19 in Adagrad) the moment stays infinite and the element no longer moves: clip
// before, or train in f64. Where it underflows (|g| below 2.6e-23 in f32) g counts as 0 beside eps.

#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/tensor.hpp>
#include <utility>
#include <vector>

namespace tapegrad::optim {

/// What to do with a gradient of which only some rows are stored.
enum class SparseUpdate {
  lazy,  ///< change, and decay the moments of, only the rows that occur
  exact  ///< treat the other rows' gradients as the zeros they are
};

/// What a rule is told of a step.
struct StepInfo {
  std::int64_t step = 1;   ///< of this parameter, from 1
  double rate_factor = 1;  ///< of a schedule
};

/// How parameters step along their gradients.
class Rule {
 public:
  virtual ~Rule() = default;
  /// "adam"
  virtual std::string_view name() const = 0;
  /// Names of the tensors, of the parameter's shape and zero at first, that it keeps with each parameter.
  virtual std::span<const std::string_view> slots() const = 0;
  virtual double lr() const = 0;
  /// `gradient` as update() takes it, so that update() needs no memory.
  virtual Tensor prepared(const Tensor& gradient) const { return gradient; }
  /// `gradient` is prepared, and has the parameter's shape and dtype; it may be row-sparse.
  virtual void update(Tensor& parameter, const Tensor& gradient, std::span<Tensor> slots,
                      const StepInfo& info) const = 0;
};

/// A rule from the formula F, which has
///   F::name       its name
///   F::slots      a std::array of the names of its slots
///   lr            the learning rate
///   `template <class T> auto bind(const StepInfo&) const`
///                 gives a function (T* p, const T* g, T* slot..., std::int64_t n) that updates n elements.
template <class F>
class ElementwiseRule final : public Rule {
 public:
  explicit ElementwiseRule(F formula, SparseUpdate sparse = SparseUpdate::lazy)
      : formula_(std::move(formula)), sparse_(sparse) {}

  std::string_view name() const override { return F::name; }
  std::span<const std::string_view> slots() const override { return F::slots; }
  double lr() const override { return formula_.lr; }

  Tensor prepared(const Tensor& gradient) const override {
    return gradient.row_sparse() && sparse_ == SparseUpdate::lazy ? gradient : gradient.to_dense().contiguous();
  }

  void update(Tensor& parameter, const Tensor& gradient, std::span<Tensor> slots, const StepInfo& info) const override {
    dispatch_floating(parameter.dtype(), [&]<class T>() {
      const auto step = formula_.template bind<T>(info);
      T* p = parameter.mutable_data<T>().data();
      std::array<T*, kSlots> s{};
      for (std::size_t i = 0; i < kSlots; ++i) s[i] = slots[i].template mutable_data<T>().data();
      if (const RowSparse* sparse = gradient.row_sparse())
        update_rows<T>(step, p, *sparse, s);
      else
        update_all<T>(step, p, gradient, s);
    });
  }

 private:
  static constexpr std::size_t kSlots = F::slots.size();

  template <class T, class Step>
  static void run(const Step& step, T* p, const T* g, const std::array<T*, kSlots>& s, std::int64_t offset,
                  std::int64_t n) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { step(p + offset, g, (s[I] + offset)..., n); }
    (std::make_index_sequence<kSlots>{});
  }

  template <class T, class Step>
  static void update_all(const Step& step, T* p, const Tensor& gradient, const std::array<T*, kSlots>& s) {
    constexpr std::int64_t kChunk = std::int64_t{1} << 16;
    const T* g = gradient.data<T>().data();
    const std::int64_t n = gradient.numel();
    for_blocks(n, kChunk, n > 2 * kChunk,
               [&](std::int64_t begin, std::int64_t end) { run<T>(step, p, g + begin, s, begin, end - begin); });
  }

  template <class T, class Step>
  static void update_rows(const Step& step, T* p, const RowSparse& sparse, const std::array<T*, kSlots>& s) {
    const std::span<const std::int64_t> rows = sparse.indices.data<std::int64_t>();
    if (rows.empty()) return;
    const T* g = sparse.values.data<T>().data();
    const std::int64_t width = sparse.values.numel() / std::ssize(rows);
    for (const std::int64_t row : rows) {
      run<T>(step, p, g, s, row * width, width);
      g += width;
    }
  }

  F formula_;
  SparseUpdate sparse_;
};

/// v = momentum · v + g; p -= lr · v, or lr · (g + momentum · v) with Nesterov's momentum.
struct Sgd {
  double lr = 1e-2, momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  SparseUpdate sparse = SparseUpdate::lazy;
};

/// Kingma and Ba 2015.
struct Adam {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  SparseUpdate sparse = SparseUpdate::lazy;
};

/// Adam with decoupled weight decay, p -= lr · weight_decay · p: Loshchilov and Hutter 2019.
struct AdamW {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-2;
  SparseUpdate sparse = SparseUpdate::lazy;
};

/// Adam with the largest second moment so far: Reddi, Kale and Kumar 2018.
struct AmsGrad {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  SparseUpdate sparse = SparseUpdate::lazy;
};

/// Adam with Nesterov's momentum: Dozat 2016, with the momentum warm-up of its section on schedules.
struct NAdam {
  double lr = 2e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0, momentum_decay = 4e-3;
  SparseUpdate sparse = SparseUpdate::lazy;
};

/// Tieleman and Hinton 2012; with momentum as Graves 2013 if it is not 0.
struct RmsProp {
  double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
  SparseUpdate sparse = SparseUpdate::lazy;
};

/// Duchi, Hazan and Singer 2011.
struct Adagrad {
  double lr = 1e-2, eps = 1e-10, weight_decay = 0;
  SparseUpdate sparse = SparseUpdate::lazy;
};

/// Zeiler 2012.
struct Adadelta {
  double lr = 1, rho = 0.9, eps = 1e-6, weight_decay = 0;
  SparseUpdate sparse = SparseUpdate::lazy;
};

/// Chen et al. 2023; weight decay is decoupled.
struct Lion {
  double lr = 1e-4, beta1 = 0.9, beta2 = 0.99, weight_decay = 0;
  SparseUpdate sparse = SparseUpdate::lazy;
};

/// Throw ValueError if a hyper-parameter is outside its range. A rule of one's own has such a function too, in its own
/// namespace.
std::shared_ptr<const Rule> make_rule(const Sgd& rule);
std::shared_ptr<const Rule> make_rule(const Adam& rule);
std::shared_ptr<const Rule> make_rule(const AdamW& rule);
std::shared_ptr<const Rule> make_rule(const AmsGrad& rule);
std::shared_ptr<const Rule> make_rule(const NAdam& rule);
std::shared_ptr<const Rule> make_rule(const RmsProp& rule);
std::shared_ptr<const Rule> make_rule(const Adagrad& rule);
std::shared_ptr<const Rule> make_rule(const Adadelta& rule);
std::shared_ptr<const Rule> make_rule(const Lion& rule);

}  // namespace tapegrad::optim
