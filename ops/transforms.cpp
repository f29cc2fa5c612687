#include <algorithm>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/op/internal/forward.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/transforms.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {

void detail::refuse_arity(std::size_t given, std::size_t taken) {
  throw ValueError("a function of " + std::to_string(taken) + (taken == 1 ? " tensor" : " tensors") + " was given " +
                   std::to_string(given));
}

Tensor TensorFunction::operator()(std::span<const Tensor> inputs) const {
  Tensor result = call_(inputs);
  if (!result.defined()) throw ValueError("a function of tensors returned an undefined Tensor; return its result");
  return result;
}

namespace {

/// One call of a function, on inputs of which it can be differentiated.
class Call {
 public:
  Call(const char* name, const TensorFunction& f, const std::vector<Tensor>& inputs, const TransformOptions& options)
      : name_(name), recorded_(options.create_graph) {
    for (const Tensor& input : inputs) arguments_.push_back(argument(input));
    value_ = f(arguments_);
    if (!is_floating(value_.dtype()))
      throw DTypeError(std::string(name) + ": the function returned " + describe(value_) +
                       ", which has no derivative; only f32 and f64 do");
  }

  const std::vector<Tensor>& arguments() const { return arguments_; }
  const Tensor& value() const { return value_; }

  void require_single() const {
    if (value_.numel() != 1)
      throw ShapeError(std::string(name_) + ": the function returned " + describe(value_) +
                       ", not one element; reduce it with sum() or mean()");
  }
  void require_floating() const {
    for (const Tensor& a : arguments_)
      if (!is_floating(a.dtype()))
        throw DTypeError(std::string(name_) + ": the input " + describe(a) +
                         " has no derivative; let the function close over it");
  }
  /// Refuses tangents or vectors that do not match the arguments.
  void require_like_arguments(const std::vector<Tensor>& given, const char* what) const {
    if (given.size() != arguments_.size())
      throw ValueError(std::string(name_) + ": " + std::to_string(arguments_.size()) + " inputs and " +
                       std::to_string(given.size()) + " " + what + "; give one for each input");
    for (std::size_t i = 0; i < given.size(); ++i)
      if (given[i].defined() && given[i].shape() != arguments_[i].shape())
        throw ShapeError(std::string(name_) + ": input " + std::to_string(i) + " is " + describe(arguments_[i]) +
                         ", its entry in the " + what + " " + describe(given[i]) + "; the shapes must be equal");
  }

  /// Of `output` (the value, or gradients of it) with respect to each of `targets`; undefined where it does not depend
  /// on one.
  static std::vector<Tensor> pull(std::span<const Tensor> outputs, std::span<const Tensor> cotangents,
                                  std::span<const Tensor> targets, bool create_graph) {
    std::vector<Tensor> reached, weights, wanted;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].defined() && outputs[i].requires_grad() && cotangents[i].defined()) {
        reached.push_back(outputs[i]);
        weights.push_back(cotangents[i]);
      }
    for (const Tensor& t : targets)
      if (t.requires_grad()) wanted.push_back(t);
    std::vector<Tensor> all(targets.size());
    if (reached.empty() || wanted.empty()) return all;
    // Retained, because the function may close over a graph that is the caller's.
    std::vector<Tensor> found = grad(reached, wanted, weights, {.retain_graph = true, .create_graph = create_graph});
    auto next = found.begin();
    for (std::size_t i = 0; i < targets.size(); ++i)
      if (targets[i].requires_grad()) all[i] = std::move(*next++);
    return all;
  }

  std::vector<Tensor> gradients(const Tensor& cotangent, bool create_graph) const {
    return pull({&value_, 1}, {&cotangent, 1}, arguments_, create_graph);
  }

  bool recorded() const { return recorded_; }
  /// As results leave: without a record unless it was asked for.
  Tensor out(const Tensor& t) const { return recorded_ ? t : t.detach(); }
  /// Zeros in place of an undefined gradient.
  Tensor out(const Tensor& gradient, const Tensor& like) const {
    if (!gradient.defined()) return is_floating(like.dtype()) ? zeros_like(like) : Tensor();
    return out(gradient.to_dense());
  }

 private:
  Tensor argument(const Tensor& input) const {
    Tensor dense = input.to_dense();
    if (!is_floating(dense.dtype())) return dense;
    // A node of the call's own, so that what f closes over does not count as its argument.
    return recorded_ && dense.requires_grad() ? reshape(dense, dense.shape()) : parameter(dense);
  }

  const GradMode on_{true};
  const char* name_;
  const bool recorded_;
  std::vector<Tensor> arguments_;
  Tensor value_;
};

/// A call's derivative, as a map of tangents of the arguments.
class Pushforwards {
 public:
  explicit Pushforwards(const Call& call) : call_(call), pass_(call.value(), call.arguments()) {
    if (pass_.complete()) return;
    // The pulled-back cotangent Jᵀu is linear in u, so its own gradient against the tangent is J · tangent, whatever u
    // is.
    u_ = parameter(ones_like(call.value()));
    pulled_ = call.gradients(u_, true);
  }

  /// Of one evaluation, in evaluations of the function, roughly.
  double cost() const { return pass_.complete() ? 1 : 3; }

  Tensor operator()(const std::vector<Tensor>& tangents) const {
    if (u_.defined()) return Call::pull(pulled_, tangents, {&u_, 1}, call_.recorded())[0];
    const GradMode mode(call_.recorded());
    return pass_.push(tangents);
  }

 private:
  const Call& call_;
  const internal::ForwardPass pass_;
  Tensor u_;
  std::vector<Tensor> pulled_;
};

Tensor one_hot(const Tensor& like, std::int64_t position) {
  Tensor t = zeros_like(like);
  dispatch_floating(t.dtype(), [&]<class T>() { t.mutable_data<T>()[static_cast<std::size_t>(position)] = T{1}; });
  return t;
}

Shape joined(const Shape& a, const Shape& b) {
  std::vector<std::int64_t> dims(a.begin(), a.end());
  dims.insert(dims.end(), b.begin(), b.end());
  return Shape(dims);
}

/// All derivatives of the value with respect to each argument, a tangent for each of the arguments' elements.
std::vector<Tensor> columns(const Call& call, const Pushforwards& push) {
  std::vector<Tensor> blocks;
  for (std::size_t i = 0; i < call.arguments().size(); ++i) {
    const Tensor& argument = call.arguments()[i];
    std::vector<Tensor> found, tangents(call.arguments().size());
    for (std::int64_t column = 0; column < argument.numel(); ++column) {
      tangents[i] = one_hot(argument, column);
      found.push_back(reshape(call.out(push(tangents), call.value()), {-1}));
    }
    const Shape shape = joined(call.value().shape(), argument.shape());
    blocks.push_back(found.empty() ? zeros(shape, argument.dtype()) : reshape(stack(found, 1), shape));
  }
  return blocks;
}

/// All derivatives of the elements of `of`, a computed tensor of the call, with respect to each argument.
std::vector<Tensor> rows(const Call& call, const Tensor& of) {
  std::vector<std::vector<Tensor>> found(call.arguments().size());
  for (std::int64_t row = 0; row < of.numel(); ++row) {
    const Tensor cotangent = one_hot(of, row);
    const auto gradients = Call::pull({&of, 1}, {&cotangent, 1}, call.arguments(), call.recorded());
    for (std::size_t i = 0; i < found.size(); ++i) found[i].push_back(call.out(gradients[i], call.arguments()[i]));
  }
  std::vector<Tensor> blocks;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Tensor& argument = call.arguments()[i];
    const Shape shape = joined(of.shape(), argument.shape());
    blocks.push_back(found[i].empty() ? zeros(shape, argument.dtype()) : reshape(stack(found[i]), shape));
  }
  return blocks;
}

}  // namespace

Pullback vjp(const TensorFunction& f, const std::vector<Tensor>& inputs, const Tensor& cotangent,
             const TransformOptions& options) {
  const Call call("vjp", f, inputs, options);
  if (!cotangent.defined()) call.require_single();
  const Tensor weight = cotangent.defined() ? cotangent : ones_like(call.value());
  if (weight.shape() != call.value().shape())
    throw ShapeError("vjp: the cotangent " + describe(weight) + " has not the shape of the value, " +
                     describe(call.value()));
  Pullback result{call.out(call.value()), call.gradients(weight, options.create_graph)};
  for (std::size_t i = 0; i < inputs.size(); ++i)
    result.gradients[i] = call.out(result.gradients[i], call.arguments()[i]);
  return result;
}

ValueAndGradient vjp(const TensorFunction& f, const Tensor& input, const Tensor& cotangent,
                     const TransformOptions& options) {
  Pullback all = vjp(f, std::vector{input}, cotangent, options);
  return {all.value, all.gradients[0]};
}

Pushforward jvp(const TensorFunction& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents,
                const TransformOptions& options) {
  const Call call("jvp", f, inputs, options);
  call.require_like_arguments(tangents, "tangents");
  return {call.out(call.value()), call.out(Pushforwards(call)(tangents), call.value())};
}

Pushforward jvp(const TensorFunction& f, const Tensor& input, const Tensor& tangent, const TransformOptions& options) {
  return jvp(f, std::vector{input}, std::vector{tangent}, options);
}

std::vector<Tensor> hvp(const TensorFunction& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& vectors,
                        const TransformOptions& options) {
  const Call call("hvp", f, inputs, options);
  call.require_single();
  call.require_like_arguments(vectors, "vectors");
  const std::vector<Tensor> first = call.gradients(ones_like(call.value()), true);
  std::vector<Tensor> second = Call::pull(first, vectors, call.arguments(), options.create_graph);
  for (std::size_t i = 0; i < second.size(); ++i) second[i] = call.out(second[i], call.arguments()[i]);
  return second;
}

Tensor hvp(const TensorFunction& f, const Tensor& input, const Tensor& vector, const TransformOptions& options) {
  return hvp(f, std::vector{input}, std::vector{vector}, options)[0];
}

std::vector<Tensor> jacobian(const TensorFunction& f, const std::vector<Tensor>& inputs,
                             const TransformOptions& options) {
  const Call call("jacobian", f, inputs, options);
  call.require_floating();
  std::int64_t elements = 0;
  for (const Tensor& a : call.arguments()) elements += a.numel();
  // A backward pass costs about two evaluations.
  if (elements < 2 * call.value().numel()) {
    const Pushforwards push(call);
    if (push.cost() * static_cast<double>(elements) < 2 * static_cast<double>(call.value().numel()))
      return columns(call, push);
  }
  return rows(call, call.value());
}

Tensor jacobian(const TensorFunction& f, const Tensor& input, const TransformOptions& options) {
  return jacobian(f, std::vector{input}, options)[0];
}

std::vector<std::vector<Tensor>> hessian(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                         const TransformOptions& options) {
  const Call call("hessian", f, inputs, options);
  call.require_floating();
  call.require_single();
  const std::vector<Tensor> first = call.gradients(ones_like(call.value()), true);
  std::vector<std::vector<Tensor>> blocks;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    blocks.push_back(rows(call, first[i].defined() ? first[i].to_dense() : zeros_like(call.arguments()[i])));
  return blocks;
}

Tensor hessian(const TensorFunction& f, const Tensor& input, const TransformOptions& options) {
  return hessian(f, std::vector{input}, options)[0][0];
}

}  // namespace tapegrad
