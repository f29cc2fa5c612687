#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradients.hpp>

namespace tapegrad {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using ::testing::ThrowsMessage;

Tensor draw(const Shape& shape, std::uint64_t seed = 1) {
  Rng rng(seed);
  return randn(shape, f64, rng);
}

/// Einstein's sum by its definition: a loop over all values of all letters.
std::vector<double> by_definition(const std::vector<std::string>& terms, const std::string& result,
                                  const std::vector<Tensor>& operands) {
  std::map<char, std::int64_t> extents;
  std::string letters = result;
  for (std::size_t t = 0; t < terms.size(); ++t)
    for (std::size_t i = 0; i < terms[t].size(); ++i) {
      auto& extent = extents[terms[t][i]];
      extent = std::max(extent, operands[t].shape()[static_cast<int>(i)]);
      if (letters.find(terms[t][i]) == std::string::npos) letters += terms[t][i];
    }
  std::int64_t count = 1, outer = 1;
  for (const char c : letters) count *= extents[c];
  for (const char c : result) outer *= extents[c];
  std::vector<double> sums(static_cast<std::size_t>(outer), 0);
  for (std::int64_t n = 0; n < count; ++n) {
    std::map<char, std::int64_t> at;
    std::int64_t rest = n;
    for (auto c = letters.rbegin(); c != letters.rend(); ++c) {
      at[*c] = rest % extents[*c];
      rest /= extents[*c];
    }
    double product = 1;
    for (std::size_t t = 0; t < terms.size(); ++t) {
      std::int64_t offset = 0;
      for (std::size_t i = 0; i < terms[t].size(); ++i) {
        const std::int64_t extent = operands[t].shape()[static_cast<int>(i)];
        offset = offset * extent + (extent == 1 ? 0 : at[terms[t][i]]);
      }
      product *= operands[t].values()[static_cast<std::size_t>(offset)];
    }
    std::int64_t offset = 0;
    for (const char c : result) offset = offset * extents[c] + at[c];
    sums[static_cast<std::size_t>(offset)] += product;
  }
  return sums;
}

struct Equation {
  std::vector<std::string> terms;
  std::string result;
  std::vector<Shape> shapes;
};

class Einsum : public ::testing::TestWithParam<Equation> {
 protected:
  std::string text() const {
    std::string all = GetParam().terms[0];
    for (std::size_t i = 1; i < GetParam().terms.size(); ++i) all += "," + GetParam().terms[i];
    return all + "->" + GetParam().result;
  }
  std::vector<Tensor> operands() const {
    std::vector<Tensor> all;
    for (const Shape& shape : GetParam().shapes) all.push_back(draw(shape, 7 + all.size()));
    return all;
  }
};

TEST_P(Einsum, IsWhatItsDefinitionSays) {
  const auto given = operands();
  const Tensor y = einsum(text(), given);
  EXPECT_THAT(y.values(), Pointwise(DoubleNear(1e-12), by_definition(GetParam().terms, GetParam().result, given)));
  EXPECT_EQ(y.rank(), static_cast<int>(GetParam().result.size()));
}

TEST_P(Einsum, HasGradientsToTheSecondOrder) {
  EXPECT_THAT([this](std::span<const Tensor> x) { return einsum(text(), x); },
              testing::HasCorrectGradients(operands(), {.order = 2}));
}

const Equation kEquations[] = {
    {{"i"}, "i", {{3}}},
    {{"ij"}, "ji", {{2, 3}}},
    {{"ij"}, "", {{2, 3}}},
    {{"ii"}, "i", {{3, 3}}},
    {{"ii"}, "", {{3, 3}}},
    {{"iji"}, "j", {{2, 3, 2}}},
    {{"iijj"}, "ij", {{2, 2, 3, 3}}},
    {{"iii"}, "i", {{3, 3, 3}}},
    {{"i", "i"}, "", {{4}, {4}}},
    {{"i", "j"}, "ji", {{2}, {3}}},
    {{"ij", "jk"}, "ik", {{2, 3}, {3, 4}}},
    {{"ij", "kj"}, "ki", {{2, 3}, {4, 3}}},
    {{"bij", "bjk"}, "bik", {{2, 2, 3}, {2, 3, 2}}},
    {{"bij", "bij"}, "b", {{3, 2, 2}, {3, 2, 2}}},
    {{"bhqd", "bhkd"}, "bhqk", {{2, 2, 2, 3}, {2, 2, 3, 3}}},
    {{"ij", "ij"}, "ij", {{2, 3}, {2, 3}}},
    {{"ij", "j", "k"}, "ik", {{2, 3}, {3}, {2}}},
    {{"i", "ij", "j"}, "", {{2}, {2, 3}, {3}}},
    {{"ij", "jk", "kl", "lm"}, "im", {{2, 3}, {3, 2}, {2, 4}, {4, 2}}},
    {{"ijk", "jl", "kl"}, "il", {{2, 3, 2}, {3, 2}, {2, 2}}},
    {{"ii", "ij"}, "j", {{3, 3}, {3, 2}}},
    {{"ij", "k"}, "i", {{2, 3}, {2}}},
    {{"ij", "jk"}, "ik", {{2, 1}, {3, 2}}},
    {{"ij", "ij"}, "i", {{2, 3}, {1, 3}}},
    {{"a", "a", "a", "a", "a"}, "a", {{3}, {3}, {3}, {3}, {3}}},
    {{"", "i"}, "i", {{}, {3}}},
    {{"ij", "jk"}, "ik", {{2, 0}, {0, 3}}},
};
INSTANTIATE_TEST_SUITE_P(Equations, Einsum, ::testing::ValuesIn(kEquations));

TEST(Kron, PutsBlocksInPlaceOfElements) {
  const Tensor a = tensor({1, 2, 3, 4}, {2, 2}, f64), b = tensor({0, 5, 6, 7}, {2, 2}, f64);
  EXPECT_THAT(kron(a, b).values(), ElementsAre(0, 5, 0, 10, 6, 7, 12, 14, 0, 15, 0, 20, 18, 21, 24, 28));
  EXPECT_THAT(kron(tensor({1, 2}), tensor({3, 4})).values(), ElementsAre(3, 4, 6, 8));
  EXPECT_EQ(kron(a, tensor({3, 4, 5}, f64)).shape(), (Shape{2, 6}));
  EXPECT_EQ(kron(draw({2, 1, 3, 1}), draw({1, 2, 2, 2})).shape(), (Shape{2, 2, 6, 2}));
  EXPECT_EQ(kron(scalar(3), scalar(4)).item(), 12);
  EXPECT_EQ(kron(zeros({0, 2}), a).shape(), (Shape{0, 4}));
  const Tensor p = parameter(a), q = parameter(b);
  EXPECT_THAT(grad(sum(kron(p, q)), p).values(), ElementsAre(18, 18, 18, 18));
  EXPECT_THAT(grad(sum(kron(p, q)), q).values(), ElementsAre(10, 10, 10, 10));
  EXPECT_THROW(kron(zeros({1, 1, 1, 1, 1}), a), ShapeError);
}

TEST(Cross, IsTheVectorProduct) {
  const Tensor a = tensor({1, 2, 3}, f64), b = tensor({4, 5, 6}, f64);
  EXPECT_THAT(cross(a, b).values(), ElementsAre(-3, 6, -3));
  EXPECT_THAT(cross(unsqueeze(a, 1), unsqueeze(b, 1), 0).values(), ElementsAre(-3, 6, -3));
  EXPECT_EQ(cross(draw({2, 3, 1}), draw({3, 4}), 1).shape(), (Shape{2, 3, 4}));
  const Tensor p = parameter(a), w = tensor({1, 2, 4}, f64);
  EXPECT_EQ(grad(sum(cross(p, b) * w), p).values(), cross(b, w).values());
  EXPECT_THAT(
      [&] {
        cross(a, zeros({2, 4}));
      },
      ThrowsMessage<ShapeError>(HasSubstr("cross: shapes [3] and [2, 4] do not broadcast")));
  EXPECT_THAT([&] { cross(zeros({4}), zeros({4})); },
              ThrowsMessage<ShapeError>(HasSubstr("cross: a is [4] and b [4]; both need extent 3 on axis 0")));
  EXPECT_THROW(cross(zeros({3, 1}), a, 0), ShapeError);
  EXPECT_THROW(cross(scalar(1), a), ShapeError);
  EXPECT_THROW(cross(a, b, 1), ValueError);
}

TEST(Einsum, WithoutAnArrowKeepsWhatOccursOnceInOrder) {
  const Tensor a = draw({2, 3}), b = draw({3, 2}, 2);
  EXPECT_EQ(einsum("ba", a).values(), transpose(a).values());
  EXPECT_EQ(einsum("ij,jk", a, b).values(), matmul(a, b).values());
  EXPECT_EQ(einsum("ij,ji", a, b).shape(), Shape{});
  EXPECT_NEAR(einsum(" ij , ji ", a, b).item(), trace(matmul(a, b)).item(), 1e-14);
}

TEST(Einsum, DotsStandForAxesThatBroadcast) {
  const Tensor a = draw({4, 2, 3}), b = draw({5, 1, 3, 2}, 2), v = draw({3}, 3);
  EXPECT_THAT(einsum("...ij,...jk->...ik", a, b).values(), Pointwise(DoubleNear(1e-13), matmul(a, b).values()));
  EXPECT_EQ(einsum("...ij,...jk", a, b).shape(), (Shape{5, 4, 2, 2}));
  EXPECT_EQ(einsum("...ij,...jk->ik...", a, b).shape(), (Shape{2, 2, 5, 4}));
  EXPECT_THAT(einsum("...i,i", a, v).values(), Pointwise(DoubleNear(1e-13), matmul(a, v).values()));
  EXPECT_EQ(einsum("...", v).values(), v.values());
  EXPECT_EQ(einsum("i...->...", a).values(), sum(a, {0}).values());
  const Tensor square = draw({2, 3, 3});
  EXPECT_EQ(einsum("...ii->...", square).values(), trace(square).values());
}

TEST(Einsum, ContractsManyOperandsInAnOrderThatStaysSmall) {
  // Left to right the first product alone would have 10^8 elements.
  const Tensor a = draw({10000}), b = draw({10000}, 2), c = draw({10000}, 3);
  const double wanted = sum(a * c).item() * sum(b).item();
  EXPECT_NEAR(einsum("i,j,i->", a, b, c).item(), wanted, 1e-9 * std::abs(wanted));
}

TEST(Einsum, TakesIntegersAsMatmulDoes) {
  const Tensor a = arange(4);
  EXPECT_EQ(einsum("i,i", a, a).item(), 14);
  EXPECT_EQ(einsum("i,i", a, a).dtype(), f32);
}

TEST(Einsum, RefusesWhatItCannotRead) {
  const Tensor a = zeros({2, 3}), b = zeros({4, 5});
  EXPECT_THAT([&] { einsum("ij,jk->ik", a, b); },
              ThrowsMessage<ShapeError>(HasSubstr("'j' is 3 elsewhere and 4 in operand 1, [4, 5]")));
  EXPECT_THAT([&] { einsum("ij,jk->ik", a); }, ThrowsMessage<ValueError>(HasSubstr("names 2 operands; 1 were given")));
  EXPECT_THAT([&] { einsum("ijk->i", a); },
              ThrowsMessage<ShapeError>(HasSubstr("gives operand 0 3 axes; it is [2, 3]")));
  EXPECT_THAT([&] { einsum("i->i", a); }, ThrowsMessage<ShapeError>(HasSubstr("gives operand 0 1 axis")));
  EXPECT_THAT([&] { einsum("ij->k", a); },
              ThrowsMessage<ValueError>(HasSubstr("the result names 'k', which no operand has")));
  EXPECT_THAT([&] { einsum("ij->ii", a); }, ThrowsMessage<ValueError>(HasSubstr("the result names 'i' twice")));
  EXPECT_THAT([&] { einsum("i1", a); }, ThrowsMessage<ValueError>(HasSubstr("'1' is not a letter")));
  EXPECT_THAT([&] { einsum("i..j", a); }, ThrowsMessage<ValueError>(HasSubstr("'.' is not a letter")));
  EXPECT_THAT([&] { einsum("ij->i->j", a); }, ThrowsMessage<ValueError>(HasSubstr("'-' is not a letter")));
  EXPECT_THAT([&] { einsum("...i...", a); },
              ThrowsMessage<ValueError>(HasSubstr("an operand has more than one '...'")));
  EXPECT_THAT([&] { einsum("...i->i", a); }, ThrowsMessage<ValueError>(HasSubstr("the result has no '...'")));
  EXPECT_THAT([&] { einsum("ii", a); }, ThrowsMessage<ShapeError>(HasSubstr("'i' is 2 elsewhere and 3")));
  EXPECT_THAT([&] { einsum("ii", zeros({1, 3})); }, ThrowsMessage<ShapeError>(HasSubstr("takes a diagonal along 'i'")));
  EXPECT_THAT([&] { einsum("ij", Tensor()); }, ThrowsMessage<ValueError>(HasSubstr("operand 0 is undefined")));
}

TEST(TensorDot, SumsOverPairsOfAxes) {
  const Tensor a = draw({2, 3, 4}), b = draw({4, 3, 5}, 2);
  EXPECT_THAT(tensordot(a, b, {1, 2}, {1, 0}).values(),
              Pointwise(DoubleNear(1e-12), by_definition({"ijk", "kjl"}, "il", {a, b})));
  EXPECT_THAT(tensordot(a, b, 1).values(), Pointwise(DoubleNear(1e-12), by_definition({"ijk", "klm"}, "ijlm", {a, b})));
  EXPECT_EQ(tensordot(a, b, {-1}, {0}).shape(), (Shape{2, 3, 3, 5}));
  EXPECT_EQ(tensordot(draw({2}), draw({3}), 0).shape(), (Shape{2, 3}));
  EXPECT_EQ(tensordot(a, a, 3).shape(), Shape{});
  EXPECT_NEAR(tensordot(a, a, {0, 1, 2}, {0, 1, 2}).item(), sum(square(a)).item(), 1e-12);
  EXPECT_THAT([](const Tensor& x, const Tensor& y) { return tensordot(x, y, {0}, {1}); },
              testing::HasCorrectGradients({draw({2, 2}), draw({3, 2})}, {.order = 2}));
}

TEST(TensorDot, RefusesAxesThatDoNotPair) {
  const Tensor a = zeros({2, 3}), b = zeros({3, 4});
  EXPECT_THAT([&] { tensordot(a, b, 2); },
              ThrowsMessage<ShapeError>(HasSubstr("axis 0 of a, [2, 3], is summed with axis 0 of b, [3, 4]")));
  EXPECT_THAT([&] { tensordot(a, b, 3); }, ThrowsMessage<ValueError>(HasSubstr("3 axes of [2, 3] and [3, 4]")));
  EXPECT_THAT([&] { tensordot(a, b, {0, 1}, {0}); }, ThrowsMessage<ValueError>(HasSubstr("2 axes of a and 1 of b")));
  EXPECT_THAT(
      [&] {
        tensordot(a, a, {0, -2}, {0, 1});
      },
      ThrowsMessage<ValueError>(HasSubstr("axes_a names axis 0 twice")));
  EXPECT_THROW(tensordot(a, b, {2}, {0}), ValueError);
}

TEST(Products, OfVectorsAndBatches) {
  const Tensor a = tensor({1, 2, 3}, f64), b = tensor({4, 5, 6}, f64);
  EXPECT_EQ(dot(a, b).item(), 32);
  EXPECT_THAT(outer(tensor({1, 2}, f64), a).values(), ElementsAre(1, 2, 3, 2, 4, 6));
  EXPECT_EQ(dot(zeros({0}), zeros({0})).item(), 0);
  const Tensor x = draw({2, 2, 3}), y = draw({2, 3, 4}, 2);
  EXPECT_EQ(bmm(x, y).values(), matmul(x, y).values());
  EXPECT_THAT([] { dot(zeros({2}), zeros({3})); },
              ThrowsMessage<ShapeError>(HasSubstr("dot: a is [2] and b [3]; two vectors of one length")));
  EXPECT_THAT([] { outer(zeros({2, 2}), zeros({3})); }, ThrowsMessage<ShapeError>(HasSubstr("outer: a is [2, 2]")));
  EXPECT_THAT(
      [] {
        bmm(zeros({1, 2, 3}), zeros({2, 3, 4}));
      },
      ThrowsMessage<ShapeError>(HasSubstr("bmm: a is [1, 2, 3] and b [2, 3, 4]")));
}

TEST(AddMm, ScalesBothTerms) {
  const Tensor a = tensor({1, 2, 3, 4}, {2, 2}, f64), b = tensor({0, 1, 1, 1}, {2, 2}, f64);
  const Tensor c = tensor({10, 20}, f64);
  EXPECT_THAT(addmm(c, a, b).values(), ElementsAre(12, 23, 14, 27));
  EXPECT_THAT(addmm(c, a, b, 0.5, 2).values(), ElementsAre(9, 16, 13, 24));
  EXPECT_THAT(addmm(full({2}, NAN, f64), a, b, 0).values(), ElementsAre(2, 3, 4, 7));
  EXPECT_THAT([](const Tensor& x, const Tensor& y, const Tensor& z) { return addmm(x, y, z, 0.5, 3); },
              testing::HasCorrectGradients({draw({2}), draw({3, 2}), draw({2, 2})}, {.order = 2}));
  EXPECT_THAT([&] { addmm(zeros({3}), a, b); },
              ThrowsMessage<ShapeError>(HasSubstr("c is [3]; it must broadcast to the product's shape, [2, 2]")));
  EXPECT_THAT(
      [&] {
        addmm(c, a, zeros({3, 2}));
      },
      ThrowsMessage<ShapeError>(HasSubstr("addmm: a is [2, 2] and b [3, 2]")));
}

}  // namespace
}  // namespace tapegrad
