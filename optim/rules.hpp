#pragma once
// The optimisers' rules and their hyper-parameters. Where `weight_decay` is not said to be decoupled, it is added to
// the gradient as weight_decay · p.
//
// Rules with second moments square gradients in the parameter's dtype. Where the square overflows (|g| from 5.8e20 in
// f32 with beta2 = 0.999, from 1.8e19 in Adagrad) the moment stays infinite and the element no longer moves: clip
// before, or train in f64. Where it underflows (|g| below 2.6e-23 in f32) g counts as 0 beside eps.

#include <memory>
#include <tapegrad/optim/rule.hpp>

namespace tapegrad::optim {

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
