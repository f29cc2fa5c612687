// What a structural op's declaration means to the engine: lists, optional and fixed inputs, kept values.

#include <gmock/gmock.h>

#include <tapegrad/op/op_list.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradient_check.hpp>

namespace tapegrad {
namespace {

using ::testing::HasSubstr;

/// scale · Σ terms
struct Total {
  struct In {
    Tensor scale;
    std::vector<Tensor> terms;
  };
  struct Out {
    Tensor sum;
  };
  struct Kept {
    Tensor scale;
    std::vector<Tensor> terms;
  };
  static constexpr OpInfo info{.name = "total", .formula = "sum = scale Σ terms"};
  static void check(const In& in) {
    for (const Tensor& t : in.terms)
      if (t.shape() != in.terms[0].shape())
        throw ShapeError("total: a term is " + to_string(t.shape()) + ", another " + to_string(in.terms[0].shape()));
  }
  static Out shapes(const In& in) {
    return {op::spec(in.terms.empty() ? Shape{} : in.terms[0].shape(), in.scale.dtype())};
  }
  static Kept forward(const In& in, Out& out) {
    const NoGrad off;
    out.sum.fill(0);
    for (const Tensor& t : in.terms) out.sum.copy_from(out.sum + t * in.scale);
    return {in.scale, in.terms};
  }
  static In pull(const Kept& k, const Out& g, op::Wanted<In> wanted) {
    In d;
    if (wanted(&In::scale))
      for (const Tensor& t : k.terms) d.scale = d.scale.defined() ? d.scale + sum(g.sum * t) : sum(g.sum * t);
    for (std::size_t i = 0; i < wanted.count(&In::terms); ++i) {
      EXPECT_EQ(wanted.shape(&In::terms, i), g.sum.shape());
      d.terms.push_back(wanted(&In::terms, i) ? g.sum * k.scale : Tensor());
    }
    return d;
  }
  static std::vector<SampleOf<Total>> samples(Rng& rng) {
    const auto draw = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{draw({}), {draw({2}), draw({2}), draw({2}), draw({2}), draw({2})}}, {}},
            {{draw({}), {draw({0, 2})}}, {}}};
  }
  static std::vector<BadInputOf<Total>> bad_inputs() {
    return {{{ones({}), {ones({2}), ones({3})}}, {}, "total: a term is [3]"}};
  }
};

/// x[index] · factor + offset, where there is an offset.
struct Pick {
  struct In {
    Tensor x;
    op::Fixed index;
    op::Optional<> offset;
    op::Optional<op::Fixed> factor;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    op::Fixed index, factor;
  };
  static constexpr OpInfo info{.name = "pick", .formula = "y = x[index] factor + offset"};
  static Out shapes(const In& in) { return {op::spec(in.index.shape(), in.x.dtype())}; }
  static Kept forward(const In& in, Out& out) {
    const NoGrad off;
    Tensor y = take(in.x, in.index, 0);
    if (in.factor.defined()) y = y * in.factor;
    if (in.offset.defined()) y = y + in.offset;
    out.y.copy_from(y);
    return {in.index, in.factor};
  }
  static In pull(const Kept& k, const Out& g, op::Wanted<In> wanted) {
    In d;
    if (wanted(&In::x)) {
      const Tensor scaled = k.factor.defined() ? g.y * k.factor : g.y;
      const Tensor chosen = unsqueeze(k.index, 1) == arange(wanted.shape(&In::x)[0]);
      d.x = sum(unsqueeze(scaled, 1) * cast(chosen, wanted.dtype(&In::x)), {0});
    }
    d.offset = g.y;
    return d;
  }
  static std::vector<SampleOf<Pick>> samples(Rng& rng) {
    const Tensor x = randn({4}, f64, rng), index = copy_of(std::vector<std::int64_t>{2, 0, 2});
    return {{{x, index, {}, {}}, {}},
            {{x, index, randn({3}, f64, rng), {}}, {}},
            {{x, index, {}, randn({3}, f64, rng)}, {}}};
  }
  static std::vector<BadInputOf<Pick>> bad_inputs() { return {}; }
};

/// x², of which it keeps something that it should not.
template <bool kFirstOrder>
struct Squared {
  struct In {
    Tensor x;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    std::conditional_t<kFirstOrder, op::FirstOrder, Tensor> twice;
    Tensor x;
  };
  static constexpr OpInfo info{.name = "squared", .formula = "y = x²"};
  static Out shapes(const In& in) { return {op::spec(in.x.shape(), in.x.dtype())}; }
  static Kept forward(const In& in, Out& out) {
    const NoGrad off;
    out.y.copy_from(in.x * in.x);
    const Tensor twice = in.x * 2;
    return {std::conditional_t<kFirstOrder, op::FirstOrder, Tensor>(twice), in.x};
  }
  static In pull(const Kept& k, const Out& g, op::Wanted<In>) {
    if constexpr (kFirstOrder)
      return {g.y * (grad_enabled() && careful ? k.x * 2 : k.twice.value())};
    else
      return {g.y * k.twice};
  }
  static std::vector<SampleOf<Squared>> samples(Rng& rng) { return {{{randn({3}, f64, rng)}, {}}}; }
  static std::vector<BadInputOf<Squared>> bad_inputs() { return {}; }
  static inline bool careful = true;
};

using Ops = OpList<Total, Pick, Squared<true>, Squared<false>>;

TEST(Signature, TakesListsAndOptionalAndFixedInputs) {
  for (const OpEntry& entry : std::span(Ops::entries).first(3)) {
    const testing::OpCheckResult result = testing::check_op(entry, 3);
    EXPECT_EQ(result.orders, 3) << result.op << (result.ok() ? "" : result.failures[0]);
  }
  const OpRecord& total = *Ops::entries[0].record;
  EXPECT_TRUE(total.takes_list());
  EXPECT_EQ(input_name(total, 0), "scale");
  EXPECT_EQ(input_name(total, 3), "terms[2]");
  const OpRecord& pick = *Ops::entries[1].record;
  EXPECT_TRUE(pick.inputs[1].fixed && !pick.inputs[1].optional);
  EXPECT_TRUE(!pick.inputs[2].fixed && pick.inputs[2].optional);
  EXPECT_TRUE(pick.inputs[3].fixed && pick.inputs[3].optional);
}

TEST(Signature, RefusesAWrongNumberOfInputsAndUndefinedOnes) {
  const auto message = [](const OpEntry& op, const std::vector<Tensor>& inputs) -> std::string {
    try {
      op.call(inputs, {});
    } catch (const ValueError& e) {
      return e.what();
    }
    return "";
  };
  const Tensor one = ones({2}), index = zeros({2}, i64);
  EXPECT_EQ(message(Ops::entries[1], {one}), "pick: takes 2 to 4 inputs (x, index, offset, factor), got 1");
  EXPECT_EQ(message(Ops::entries[1], {one, Tensor()}), "pick: input 'index' is undefined");
  EXPECT_EQ(message(Ops::entries[1], {one, index}), "");
  EXPECT_EQ(message(Ops::entries[0], {one}), "total: takes 2 or more inputs (scale, terms), got 1");
  EXPECT_EQ(message(Ops::entries[0], {one, one, Tensor()}), "total: input 'terms[1]' is undefined");
}

TEST(Signature, RefusesToKeepAFloatingValueThatIsNeitherInputNorResult) {
  const Tensor x = parameter(ones({2}, f64));
  EXPECT_THAT([&] { tapegrad::apply<Squared<false>>({x}); },
              ::testing::ThrowsMessage<GraphError>(HasSubstr("squared: keeps f64 [2], which is neither")));
  EXPECT_EQ(tapegrad::apply<Squared<false>>({x.detach()}).y.at({0}), 1) << "which matters to gradients only";
}

TEST(Signature, FirstOrderValuesAreNotReadWhereGradientsAreRecorded) {
  const Tensor x = parameter(tensor({3}, f64));
  const Tensor y = tapegrad::apply<Squared<true>>({x}).y;
  Squared<true>::careful = false;
  EXPECT_THAT([&] { grad(y, x, {.create_graph = true}); }, ::testing::Throws<GraphError>());
  Squared<true>::careful = true;
  EXPECT_EQ(grad(y, x, {.create_graph = true}).item(), 6);
  EXPECT_EQ(grad(y, x).item(), 6);
}

TEST(Signature, AStridedInputIsKeptAsItWasGiven) {
  const Tensor x = parameter(arange(6, f64)), turned = transpose(reshape(x, {2, 3}));
  EXPECT_THAT(grad(sum(tapegrad::apply<Squared<true>>({turned}).y), x).values(),
              ::testing::ElementsAre(0, 2, 4, 6, 8, 10));
}

}  // namespace
}  // namespace tapegrad
