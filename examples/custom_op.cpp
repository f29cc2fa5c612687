// Two operations of a program's own, declared as the library's are and checked by the same checker.

#include <iostream>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradient_check.hpp>

namespace my {

using namespace tapegrad;
using formula::constant, formula::sin, formula::square;  // of numbers; Tensors bring their own

struct Snake {
  static constexpr OpInfo info{
      .name = "snake", .formula = "y = x + sin²(a x) / a", .inputs = {"x"}, .flops = 16, .domain = {{-3, 3}}};
  struct Attrs {
    double a = 1;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"a", &Attrs::a, "frequency of the waves"}}; }
  };
  static auto value(const auto& x, const Attrs& at) {
    const auto a = constant<decltype(x)>(at.a);
    return x + square(sin(x * a)) / a;
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto& /*y: not saved*/, const Attrs& at) {
    return g * (1 + sin(x * constant<decltype(x)>(2 * at.a)));
  }
};

struct SquaredDistances {
  struct In {
    Tensor x, y;
  };
  struct Out {
    Tensor d;
  };
  using Kept = In;
  static constexpr OpInfo info{.name = "squared_distances",
                               .formula = "d[i, j] = Σ over k of (x[i, k] - y[j, k])²",
                               .group = Group::contraction};

  static Out shapes(const In& in) {
    const Shape &x = in.x.shape(), &y = in.y.shape();
    if (x.rank() != 2 || y.rank() != 2 || x[1] != y[1])
      throw ShapeError("squared_distances: x is " + to_string(x) + " and y " + to_string(y) +
                       "; expected [N, D] and [M, D]");
    return {op::spec({x[0], y[0]}, in.x.dtype())};
  }

  static Kept forward(const In& in, Out& out) {
    dispatch_floating(in.x.dtype(), [&]<class T>() {
      const std::int64_t n = in.x.size(0), m = in.y.size(0), width = in.x.size(1);
      const auto x = in.x.data<T>(), y = in.y.data<T>();  // inputs come dense, unless the op declares takes_strides
      const auto d = out.d.mutable_data<T>();
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < m; ++j) {
          T sum = 0;
          for (std::int64_t k = 0; k < width; ++k) {
            const T difference =
                x[static_cast<std::size_t>(i * width + k)] - y[static_cast<std::size_t>(j * width + k)];
            sum += difference * difference;
          }
          d[static_cast<std::size_t>(i * m + j)] = sum;
        }
    });
    return in;
  }

  // 2 Σ over j of g[i, j] (x[i] - y[j]), and the same from the other side.
  static In pull(const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const auto& [x, y] = kept;
    In result;
    if (wanted(&In::x)) result.x = 2 * (x * sum(g.d, {1}, true) - matmul(g.d, y));
    if (wanted(&In::y)) result.y = 2 * (y * sum(transpose(g.d), {1}, true) - matmul(transpose(g.d), x));
    return result;
  }

  static std::vector<SampleOf<SquaredDistances>> samples(Rng& rng) {
    const auto draw = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{draw({2, 3}), draw({4, 3})}}, {{transpose(draw({3, 2})), draw({1, 3})}}, {{draw({0, 2}), draw({3, 2})}}};
  }
  static std::vector<BadInputOf<SquaredDistances>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({3, 2})}, {}, "squared_distances: x is [2, 3] and y [3, 2]; expected [N, D]"}};
  }
};

using Ops = OpList<Snake, SquaredDistances>;

Tensor snake(const Tensor& x, double a = 1) { return Ops::apply<Snake>(Snake::Attrs{a}, x); }
Tensor squared_distances(const Tensor& x, const Tensor& y) { return Ops::apply<SquaredDistances>({x, y}).d; }

}  // namespace my

int main() {
  using namespace tapegrad;
  const Tensor x = parameter(tensor({0, 1, 2, 3}, {2, 2})), centres = tensor({0, 0, 2, 2}, {2, 2});
  const Tensor loss = sum(my::snake(my::squared_distances(x, centres), 0.5));
  std::cout << grad(loss, x) << '\n';

  for (const OpEntry& op : my::Ops::entries) {
    const testing::OpCheckResult result = testing::check_op(op, 3);
    std::cout << result.op << ": " << result.samples << " samples, orders proven: " << result.orders << '\n';
    for (const std::string& failure : result.failures) std::cout << failure << '\n';
    if (!result.ok()) return 1;
  }
}
