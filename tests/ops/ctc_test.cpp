#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradients.hpp>

namespace tapegrad::tests {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Labels = std::vector<std::int64_t>;

constexpr double kInf = std::numeric_limits<double>::infinity();

/// What a path of classes spells.
Labels spelt(const Labels& path, std::int64_t blank) {
  Labels word;
  for (std::size_t i = 0; i < path.size(); ++i)
    if (path[i] != blank && (i == 0 || path[i] != path[i - 1])) word.push_back(path[i]);
  return word;
}

/// -ln of the sum over all paths of `steps` classes that spell the target.
double over_all_paths(const Tensor& logs, std::int64_t sample, std::int64_t steps, const Labels& target,
                      std::int64_t blank) {
  const std::int64_t samples = logs.shape()[1], classes = logs.shape()[2];
  const std::vector<double> x = logs.values();
  const auto count = static_cast<std::int64_t>(std::pow(classes, steps));
  double sum = 0;
  for (std::int64_t code = 0; code < count; ++code) {
    Labels path;
    double log = 0;
    for (std::int64_t t = 0, rest = code; t < steps; ++t, rest /= classes) {
      path.push_back(rest % classes);
      log += x[static_cast<std::size_t>((t * samples + sample) * classes + path.back())];
    }
    if (spelt(path, blank) == target) sum += std::exp(log);
  }
  return -std::log(sum);
}

TEST(Ctc, IsTheSumOverAllPaths) {
  Rng rng(1);
  const Tensor x = randn({5, 4, 3}, f64, rng);
  const Tensor logs = log_softmax(x);
  for (const std::int64_t blank : {0, 2}) {
    const std::int64_t a = blank == 0 ? 1 : 0, b = blank == 0 ? 2 : 1;
    const std::vector<Labels> words = {{a, b}, {a, a}, {}, {b, a, b}};
    Tensor targets = zeros({4, 3}, i64);
    for (std::size_t n = 0; n < 4; ++n)
      for (std::size_t i = 0; i < words[n].size(); ++i) targets.mutable_data<std::int64_t>()[n * 3 + i] = words[n][i];
    const Labels steps = {5, 4, 3, 5};
    const Tensor inputs = copy_of(steps), lengths = tensor({2, 2, 0, 3}, i64);
    const std::vector<double> losses =
        ctc_loss(logs, targets, inputs, lengths, {.blank = blank, .reduction = Reduce::none}).values();
    double mean = 0;
    for (std::size_t n = 0; n < 4; ++n) {
      const double wanted = over_all_paths(logs, static_cast<std::int64_t>(n), steps[n], words[n], blank);
      EXPECT_NEAR(losses[n], wanted, 1e-13) << n;
      mean += wanted / std::max<double>(static_cast<double>(words[n].size()), 1) / 4;
    }
    EXPECT_NEAR(ctc_loss(logs, targets, inputs, lengths, {.blank = blank}).item(), mean, 1e-13);
    EXPECT_THAT([&](const Tensor& t) { return ctc_loss(log_softmax(t), targets, inputs, lengths, {.blank = blank}); },
                testing::HasCorrectGradients({x}, {.order = 3}));
  }
}

TEST(Ctc, TargetsThatDoNotFitAreInfinitelyUnlikely) {
  const Tensor logs = parameter(log_softmax(zeros({2, 3}, f64)).detach());
  const Tensor targets = tensor({1, 1}, i64), steps = scalar(2, i64), length = scalar(2, i64);
  EXPECT_EQ(ctc_loss(logs, targets, steps, length).item(), kInf);  // a blank has to stand between
  const Tensor loss = ctc_loss(logs, targets, steps, length, {.zero_infinity = true});
  EXPECT_EQ(loss.item(), 0);
  EXPECT_THAT(grad(loss, logs).values(), Each(0));
  EXPECT_EQ(ctc_loss(logs, targets, scalar(0, i64), scalar(0, i64)).item(), 0);
  EXPECT_EQ(ctc_loss(logs, targets, steps, scalar(1, i64), {.reduction = Reduce::none}).shape(), Shape{});
}

TEST(Ctc, KeepsItsDigitsInF32) {
  const Tensor even = log_softmax(zeros({1000, 1, 4}));
  // All paths but those of blanks alone, so to speak: with one class as target, n (n + 1) / 2 paths of n steps.
  const double wanted = 1000 * std::log(4.) - std::log(1000. * 1001 / 2);
  const Tensor loss = ctc_loss(even, tensor({1}, {1, 1}, i64), tensor({1000}, i64), tensor({1}, i64));
  EXPECT_NEAR(loss.item(), wanted, 1e-6 * wanted);
}

TEST(Ctc, SaysWhatIsExpected) {
  const Tensor logs = zeros({4, 2, 3}), targets = ones({2, 2}, i64), n = full({2}, 2, i64);
  EXPECT_THAT(
      [&] { ctc_loss(zeros({4}), targets, n, n); },
      ThrowsMessage<ShapeError>(HasSubstr("ctc_loss: log_shares are [4], targets [2, 2]; [T, N, C] and [N, S]")));
  EXPECT_THAT([&] { ctc_loss(logs, cast(targets, f32), n, n); },
              ThrowsMessage<DTypeError>(HasSubstr("ctc_loss: targets are f32 [2, 2]; cast them to i64")));
  EXPECT_THAT([&] { ctc_loss(logs, targets, full({3}, 2, i64), n); },
              ThrowsMessage<ShapeError>(HasSubstr("input_lengths are [3]; one a sample is [2]")));
  EXPECT_THAT([&] { ctc_loss(logs, targets, full({2}, 5, i64), n); },
              ThrowsMessage<ValueError>(HasSubstr("input_lengths have 5; from 0 to 4 is expected")));
  EXPECT_THAT([&] { ctc_loss(logs, targets, n, full({2}, -1, i64)); },
              ThrowsMessage<ValueError>(HasSubstr("target_lengths have -1; from 0 to 2 is expected")));
  EXPECT_THAT(
      [&] {
        ctc_loss(logs, zeros({2, 2}, i64), n, n);
      },
      ThrowsMessage<IndexError>(HasSubstr("target 0 of sample 0 is not one of the 3 classes, or is the blank")));
  EXPECT_THAT([&] { ctc_loss(logs, targets, n, n, {.blank = 3}); },
              ThrowsMessage<ValueError>(HasSubstr("blank is 3, not one of the 3 classes")));
}

}  // namespace
}  // namespace tapegrad::tests
