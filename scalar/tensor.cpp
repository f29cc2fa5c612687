#include <algorithm>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/structural.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/scalar/tensor.hpp>

namespace tapegrad::scalars {

using detail::ScalarFunction;
using Vector = ScalarFunction::Vector;

namespace {

struct FunctionAttrs {
  std::string function = "f";
  std::shared_ptr<const ScalarFunction> f{};
  Shape shape{};
  bool operator==(const FunctionAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"function", &FunctionAttrs::function, "name that it was given"}};
  }
};

Vector elements_of(const std::vector<Tensor>& x) {
  Vector all;
  for (const Tensor& t : x) {
    const Vector own = t.values();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

void fill(Tensor& y, const Vector& values) {
  dispatch_floating(y.dtype(), [&]<class T>() {
    std::transform(values.begin(), values.end(), y.mutable_data<T>().begin(),
                   [](double v) { return static_cast<T>(v); });
  });
}

std::int64_t count(const std::vector<Tensor>& x) {
  std::int64_t total = 0;
  for (const Tensor& t : x) total += t.numel();
  return total;
}

/// The parts of a gradient for all inputs, one after the other.
template <class In>
std::vector<Tensor> parts_of(const Tensor& all, const op::Wanted<In>& wanted) {
  std::vector<Tensor> parts(wanted.count(&In::x));
  std::int64_t start = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Shape& shape = wanted.shape(&In::x, i);
    if (wanted(&In::x, i)) parts[i] = reshape(slice(all, 0, start, start + shape.numel()), shape);
    start += shape.numel();
  }
  return parts;
}

// The derivatives of the sum of u · gradient(x, g).
struct ScalarSecond {
  struct In {
    Tensor u, g;
    std::vector<Tensor> x;
  };
  struct Out {
    Tensor inputs, cotangents;
  };
  using Attrs = FunctionAttrs;
  static constexpr OpInfo info{
      .name = "scalar_function_second", .formula = "d/dx and d/dg of u · d(g · f(x...))/dx", .group = Group::pointwise};
  static Out shapes(const Attrs&, const In& in) {
    return {op::spec({count(in.x)}, in.g.dtype()), op::spec(in.g.shape(), in.g.dtype())};
  }
  static void forward(const Attrs& a, const In& in, Out& out) {
    const ScalarFunction::Second found = a.f->second(elements_of(in.x), in.g.values(), in.u.values());
    fill(out.inputs, found.inputs);
    fill(out.cotangents, found.cotangents);
  }
  static In pull(const Attrs& a, const Out&, op::Wanted<In>) {
    throw GraphError("scalar_op: a third derivative of '" + a.function +
                     "' was asked for; it has two. Write the function on tensors, or differentiate it with nested "
                     "scalars");
  }
};

struct ScalarGradient {
  struct In {
    Tensor g;
    std::vector<Tensor> x;
  };
  struct Out {
    Tensor d;  // [elements of all x]
  };
  using Kept = In;
  using Attrs = FunctionAttrs;
  static constexpr OpInfo info{
      .name = "scalar_function_gradient", .formula = "d(g · f(x...))/dx", .group = Group::pointwise};
  static Out shapes(const Attrs&, const In& in) { return {op::spec({count(in.x)}, in.g.dtype())}; }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    fill(out.d, a.f->gradient(elements_of(in.x), in.g.values()));
    return in;
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& u, op::Wanted<In> wanted) {
    const auto second = tapegrad::apply<ScalarSecond>(a, {u.d, kept.g, kept.x});
    return {second.cotangents, parts_of(second.inputs, wanted)};
  }
};

struct ScalarValue {
  struct In {
    std::vector<Tensor> x;
  };
  struct Out {
    Tensor y;
  };
  using Kept = In;
  using Attrs = FunctionAttrs;
  static constexpr OpInfo info{.name = "scalar_function", .formula = "y = f(x...)", .group = Group::pointwise};

  static Out shapes(const Attrs& a, const In& in) { return {op::spec(a.shape, in.x[0].dtype())}; }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const Vector y = a.f->value(elements_of(in.x));
    if (std::ssize(y) != a.shape.numel())
      throw ValueError("scalar_op: '" + a.function + "' returned " + std::to_string(y.size()) +
                       " numbers for a result of shape " + to_string(a.shape) +
                       "; give the shape in ScalarOpOptions::shape");
    fill(out.y, y);
    return in;
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    return {parts_of(tapegrad::apply<ScalarGradient>(a, {g.y, kept.x}).d, wanted)};
  }
};

}  // namespace

Tensor detail::run_scalar_op(std::shared_ptr<const ScalarFunction> f, const ScalarOpOptions& options, bool elementwise,
                             std::vector<Tensor> inputs) {
  FunctionAttrs attributes{options.name, std::move(f), options.shape};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) throw ValueError("scalar_op: input " + std::to_string(i) + " is undefined");
    if (inputs[i].dtype() != inputs[0].dtype() || !is_floating(inputs[i].dtype()))
      throw DTypeError("scalar_op: inputs 0 and " + std::to_string(i) + " of '" + options.name + "' are " +
                       std::string(name_of(inputs[0].dtype())) + " and " + std::string(name_of(inputs[i].dtype())) +
                       "; expected one floating dtype, see cast()");
  }
  if (elementwise) {
    attributes.shape = inputs[0].shape();
    for (const Tensor& t : inputs) attributes.shape = broadcast_shapes("elementwise", attributes.shape, t.shape());
    for (Tensor& t : inputs)
      if (t.shape() != attributes.shape) t = broadcast_to(t, attributes.shape);
  }
  return tapegrad::apply<ScalarValue>(std::move(attributes), {std::move(inputs)}).y;
}

std::vector<Real> tensor_function(Recording<>& recording, const TensorFunction& f, std::span<const Real> x) {
  return tensor_function(recording, f, x, Shape{std::ssize(x)});
}
std::vector<Real> tensor_function(Recording<>& recording, const TensorFunction& f, std::span<const Real> x,
                                  const Shape& shape) {
  if (shape.numel() != std::ssize(x))
    throw ShapeError("tensor_function: " + std::to_string(x.size()) + " scalars are no tensor of shape " +
                     to_string(shape));
  Vector values;
  for (const Real& v : x) values.push_back(v.value());
  Tensor input = reshape(tensor(values, f64), shape);
  input.set_requires_grad(true);
  const Tensor y = [&] {
    const GradMode on(true);
    return f(std::span(&input, 1));
  }();
  return recording.external(y.values(), x, [input, y](const double* cotangents, double* gradients) {
    const auto n = static_cast<std::size_t>(y.numel());
    const Tensor cotangent = reshape(tensor(Vector(cotangents, cotangents + n), y.dtype()), y.shape());
    std::fill_n(gradients, input.numel(), 0.0);
    if (!y.requires_grad()) return;
    const Tensor slopes =
        grad(std::span(&y, 1), std::span(&input, 1), std::span(&cotangent, 1), {.retain_graph = true})[0];
    if (!slopes.defined()) return;
    const Vector d = slopes.values();
    std::copy(d.begin(), d.end(), gradients);
  });
}

}  // namespace tapegrad::scalars
