// Every op of the registry, with every attribute set to what cannot be meant: there is a result, or an exception of the
// library that says why not. Never another exception, a crash, or memory without end.

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/convolution.hpp>
#include <tapegrad/ops/pooling.hpp>
#include <tapegrad/ops/resample.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>

#include "little_memory.hpp"

namespace tapegrad {
namespace {

using tests::LittleMemory;

const std::vector<std::string>& numbers() {
  static const std::vector<std::string> all{"-9223372036854775808",
                                            "-1099511627776",
                                            "-2147483649",
                                            "-2",
                                            "-1",
                                            "0",
                                            "1",
                                            "2147483647",
                                            "2147483648",
                                            "4294967296",
                                            "1099511627776",
                                            "4611686018427387904",
                                            "9223372036854775807",
                                            "nan",
                                            "inf",
                                            "-inf",
                                            "-0.5",
                                            "1e-300",
                                            "1e300"};
  return all;
}

/// What an attribute is set to: numbers, lists of them of every length, and `given` with each of its numbers replaced.
std::vector<std::string> values_for(const std::string& given) {
  std::vector<std::string> all = numbers();
  for (const std::string& number : numbers()) {
    std::string list;
    for (int length = 1; length <= 9; ++length) {
      list += (length > 1 ? "," : "") + number;
      all.push_back("[" + list + "]");
    }
  }
  all.emplace_back("[]");
  if (given.starts_with('[')) {
    for (std::size_t begin = 1; begin + 1 < given.size();) {
      const std::size_t end = given.find_first_of(",]", begin);
      for (const std::string& number : numbers()) all.push_back(given.substr(0, begin) + number + given.substr(end));
      begin = end + 1;
    }
    if (given.size() > 2) all.push_back(given.substr(0, given.size() - 1) + ",1]");  // one too many
  }
  return all;
}

std::string text_of(const OpEntry& op, std::span<const Tensor> inputs, const NamedValues& attributes) {
  std::string text(op.info().name);
  for (const Tensor& x : inputs) text += " " + (x.defined() ? describe(x) : "none");
  for (const auto& [name, value] : attributes) text += " " + name + "=" + value;
  return text;
}

/// Runs the op and its gradient rules.
void run(const OpEntry& op, std::span<const Tensor> given, const NamedValues& attributes) {
  const std::string what = text_of(op, given, attributes);
  std::vector<Tensor> inputs;
  for (const Tensor& x : given) inputs.push_back(x.defined() && is_floating(x.dtype()) ? parameter(x) : x);
  try {
    constexpr std::int64_t kMany = 1 << 20;  // of a view, which takes no memory
    for (const Tensor& y : op.call(inputs, attributes))
      if (y.numel() < kMany && y.requires_grad()) y.backward(ones_like(y), {.retain_graph = true});
  } catch (const Error& error) {
    EXPECT_GT(std::string(error.what()).size(), 10u) << what;
  } catch (const std::exception& error) {
    ADD_FAILURE() << what << ": not an exception of the library: " << error.what();
  }
}

class AttributeSweep : public ::testing::TestWithParam<const OpEntry*> {};

TEST_P(AttributeSweep, GivesAResultOrAnErrorOfTheLibrary) {
  const OpEntry& op = *GetParam();
  Rng rng(3);
  const LittleMemory little;
  for (const Sample& sample : op.samples(rng))
    for (const AttributeInfo& attribute : op.attributes())
      for (const std::string& value : values_for(attribute.default_value)) {
        NamedValues attributes = sample.attributes;
        std::erase_if(attributes, [&](const auto& named) { return named.first == attribute.name; });
        attributes.emplace_back(attribute.name, value);
        run(op, sample.inputs, attributes);
      }
}

TEST_P(AttributeSweep, TakesOrRefusesEveryDtype) {
  const OpEntry& op = *GetParam();
  Rng rng(3);
  const LittleMemory little;
  constexpr DType kAll[] = {f32, f64, i64, i32, u8, boolean};
  for (const Sample& sample : op.samples(rng))
    for (const DType first : kAll)
      for (const DType rest : kAll) {
        std::vector<Tensor> inputs;
        for (const Tensor& x : sample.inputs)
          inputs.push_back(x.defined() ? cast(x, inputs.empty() ? first : rest) : x);
        run(op, inputs, sample.attributes);
      }
}

TEST_P(AttributeSweep, RefusesUndefinedInputs) {
  const OpEntry& op = *GetParam();
  Rng rng(3);
  const std::vector<Sample> samples = op.samples(rng);
  for (std::size_t i = 0; i < samples[0].inputs.size(); ++i) {
    std::vector<Tensor> inputs = samples[0].inputs;
    inputs[i] = Tensor();
    run(op, inputs, samples[0].attributes);
  }
  run(op, {}, samples[0].attributes);
}

INSTANTIATE_TEST_SUITE_P(Ops, AttributeSweep, ::testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         [](const auto& test) { return std::string(test.param->info().name); });

// ---- what is no op of the registry
// --------------------------------------------------------------------------------------

using Integer = std::int64_t;

TEST(SizeSweep, FunctionsOfSizesGiveAResultOrAnErrorOfTheLibrary) {
  const LittleMemory little;
  const Tensor x = ones({2, 3}), none = ones({0, 3}), image = ones({1, 2, 4, 4}), ids = zeros({3}, i64);
  const Tensor kernel = ones({2, 2, 2, 2});
  using Function = std::function<void(Integer, Integer)>;
  const std::vector<Function> functions{
      [&](Integer a, Integer) { arange(a); },
      [&](Integer a, Integer b) { arange(static_cast<double>(a), static_cast<double>(b), 1e-3); },
      [&](Integer a, Integer b) { arange(0, static_cast<double>(a), static_cast<double>(b), f64); },
      [&](Integer a, Integer) { linspace(0, 1, a); },
      [&](Integer a, Integer) { eye(a); },
      [&](Integer a, Integer b) {
        full({a, b}, 1);
      },
      [&](Integer a, Integer b) {
        rand({a, b});
      },
      [&](Integer a, Integer) { randperm(a); },
      [&](Integer a, Integer b) { randint(a, b, {2}); },
      [&](Integer a, Integer b) {
        split(x, {a, b}, 1);
      },
      [&](Integer a, Integer b) {
        split(x, {a, b, 3}, 1);
      },
      [&](Integer a, Integer) { split(x, a, 1), split(none, a, 0); },
      [&](Integer a, Integer) { chunk(x, a, 1), chunk(none, a, 0); },
      [&](Integer a, Integer b) { roll(x, a, static_cast<int>(b)); },
      [&](Integer a, Integer b) {
        tile(x, {a, b}), tile(none, {a, b});
      },
      [&](Integer a, Integer b) {
        tile(none, {b, a, b});
      },
      [&](Integer a, Integer) { repeat(x, a, 1), repeat(none, a, 0); },
      [&](Integer a, Integer) { repeat(none, a, 1).contiguous(); },
      [&](Integer a, Integer b) {
        expand(x, {a, b, 3}), expand(none, {a, b, 3});
      },
      [&](Integer a, Integer b) {
        (void)expand(none, {a, b, 3}).contiguous();
      },
      [&](Integer a, Integer b) {
        reshape(x, {a, b}), reshape(none, {a, b});
      },
      [&](Integer a, Integer b) {
        reshape(none, {a, b, 0});
      },
      [&](Integer a, Integer b) {
        pad(x, {{a, b}}), pad(none, {{a, b}, {b, a}});
      },
      [&](Integer a, Integer b) {
        pad(x, {{a, b}}, PadMode::reflect);
      },
      [&](Integer a, Integer b) {
        pad(x, {{a, b}}, PadMode::replicate);
      },
      [&](Integer a, Integer) { one_hot(ids, a), one_hot(zeros({0}, i64), a); },
      [&](Integer a, Integer) { bincount(ids, a), bincount(full({2}, static_cast<double>(a), i64)); },
      [&](Integer a, Integer b) {
        interpolate(image, {.size = {a, b}});
      },
      [&](Integer a, Integer) { interpolate(image, {.scale_factor = static_cast<double>(a)}); },
      [&](Integer a, Integer b) {
        unfold(image, {2, 2}, {.stride = a, .padding = b});
      },
      [&](Integer a, Integer b) {
        unfold(image, {a, b}, {.dilation = {b, a}});
      },
      [&](Integer a, Integer b) {
        fold(ones({1, 4, 9}), {a, b}, {2, 2});
      },
      [&](Integer a, Integer b) { conv2d(image, kernel, {.stride = a, .padding = b}); },
      [&](Integer a, Integer b) { conv2d(image, kernel, {.dilation = a, .groups = b}); },
      [&](Integer a, Integer) { conv2d(image, kernel, {.stride = a, .padding = Padding::same()}); },
      [&](Integer a, Integer b) { conv_transpose2d(image, kernel, {.stride = a, .output_padding = b}); },
      [&](Integer a, Integer b) { conv_transpose2d(image, kernel, {.padding = b, .dilation = a}); },
      [&](Integer a, Integer b) {
        max_pool2d(image, {a, b}, {.stride = b, .padding = a});
      },
      [&](Integer a, Integer b) {
        avg_pool2d(image, {a, a}, {.stride = b, .ceil_mode = true});
      },
      [&](Integer a, Integer b) {
        adaptive_avg_pool2d(image, {a, b});
      },
      [&](Integer a, Integer b) {
        x.at({a, b});
      },
      [&](Integer a, Integer b) {
        at(x, Slice{a, b, a}, Slice{b, a, b});
      },
      [&](Integer a, Integer b) {
        at(none, Slice{a, b, a}, b);
      },
  };
  constexpr Integer kFirst = std::numeric_limits<Integer>::min(), kLast = std::numeric_limits<Integer>::max();
  const std::vector<Integer> sizes{
      kFirst,           -(Integer{1} << 40), -1,        0,    1, 2, 3, Integer{1} << 31, Integer{1} << 40,
      Integer{1} << 60, Integer{1} << 62,    kLast - 1, kLast};
  for (std::size_t f = 0; f < functions.size(); ++f)
    for (const Integer a : sizes)
      for (const Integer b : sizes) try {
          functions[f](a, b);
        } catch (const Error&) {
        } catch (const std::exception& error) {
          ADD_FAILURE() << "function " << f << " of " << a << " and " << b << ": " << error.what();
        }
}

TEST(SizeSweep, AListOfTheWrongLengthIsRefusedWhereAllAreDefaults) {
  const Tensor image = ones({1, 2, 4, 4}), kernel = ones({2, 2, 2, 2});
  EXPECT_THROW(conv2d(image, kernel, {.stride = {1, 1, 1}}), ValueError);
  EXPECT_THROW(conv2d(image, kernel, {.dilation = {1, 1, 1}}), ValueError);
  EXPECT_THROW(conv_transpose2d(image, kernel, {.padding = {0, 0, 0}}), ValueError);
  EXPECT_THROW(conv_transpose2d(image, kernel, {.output_padding = {0, 0, 0}}), ValueError);
  EXPECT_THROW(max_pool2d(image, 2, {.padding = {0, 0, 0}}), ValueError);
  EXPECT_THROW(max_pool2d(image, 2, {.dilation = {1, 1, 1}}), ValueError);
  EXPECT_THROW(avg_pool2d(image, 2, {.padding = {0, 0, 0}}), ValueError);
  EXPECT_THROW(unfold(image, 2, {.stride = {1, 1, 1}}), ValueError);
  EXPECT_THROW(fold(ones({1, 4, 9}), {4, 4}, 2, {.padding = {0, 0, 0}}), ValueError);
}

}  // namespace
}  // namespace tapegrad
