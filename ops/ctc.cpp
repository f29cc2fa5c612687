// Connectionist temporal classification (Graves et al. 2006): a forward recurrence over the steps, in logarithms and in
// f64. It is made of other operations, so that its gradients are right to any order.

#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <vector>

namespace tapegrad {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

Tensor whole(const char* name, const Tensor& x, const Shape& shape) {
  if (x.dtype() != i64 && x.dtype() != i32)
    throw DTypeError(std::string("ctc_loss: ") + name + " are " + describe(x) + "; cast them to i64");
  if (x.shape() != shape)
    throw ShapeError(std::string("ctc_loss: ") + name + " are " + to_string(x.shape()) + "; one a sample is " +
                     to_string(shape));
  return cast(x, i64).contiguous();
}

/// A batch of targets, each with blanks around and between its classes: [N, 2 S + 1] states. In front of them stand two
/// more: the second is where all paths start.
constexpr std::int64_t kInFront = 2, kStart = 1;
struct States {
  Tensor classes;  ///< of each state, i64
  Tensor skips;    ///< whether a path may come from two states before: from another class, past a blank
  Tensor last;     ///< [N, 2]: the states in which a path may end
};

States states_of(const Tensor& targets, const Tensor& lengths, std::int64_t blank, std::int64_t classes) {
  const std::int64_t samples = targets.shape()[0], longest = targets.shape()[1], states = 2 * longest + 1;
  States s{full({samples, states}, static_cast<double>(blank), i64), zeros({samples, states}, boolean),
           zeros({samples, 2}, i64)};
  const auto given = targets.data<std::int64_t>(), length = lengths.data<std::int64_t>();
  std::int64_t* label = s.classes.mutable_data<std::int64_t>().data();
  bool* skip = s.skips.mutable_data<bool>().data();
  std::int64_t* last = s.last.mutable_data<std::int64_t>().data();
  for (std::int64_t n = 0; n < samples; ++n) {
    const std::int64_t count = length[static_cast<std::size_t>(n)];
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t c = given[static_cast<std::size_t>(n * longest + i)], at = n * states + 2 * i + 1;
      if (c < 0 || c >= classes || c == blank)
        throw IndexError("ctc_loss: target " + std::to_string(c) + " of sample " + std::to_string(n) +
                         " is not one of the " + std::to_string(classes) + " classes, or is the blank, " +
                         std::to_string(blank));
      label[at] = c;
      skip[at] = i == 0 || label[at - 2] != c;
    }
    last[2 * n] = 2 * count + kInFront;  // the last blank; before it the last class, or where paths start
    last[2 * n + 1] = 2 * count + kInFront - 1;
  }
  return s;
}

Tensor require_lengths(const char* name, const Tensor& lengths, std::int64_t samples, std::int64_t most) {
  const Tensor checked = whole(name, lengths, {samples});
  for (const std::int64_t length : checked.data<std::int64_t>())
    if (length < 0 || length > most)
      throw ValueError(std::string("ctc_loss: ") + name + " have " + std::to_string(length) + "; from 0 to " +
                       std::to_string(most) + " is expected");
  return checked;
}

}  // namespace

Tensor ctc_loss(const Tensor& log_shares, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CtcOptions& options) {
  if (log_shares.rank() == 2 && targets.rank() == 1) {
    const Tensor loss = ctc_loss(unsqueeze(log_shares, 1), unsqueeze(targets, 0), reshape(input_lengths, {1}),
                                 reshape(target_lengths, {1}), options);
    return options.reduction == Reduce::none ? reshape(loss, Shape{}) : loss;
  }
  if (log_shares.rank() != 3 || targets.rank() != 2)
    throw ShapeError("ctc_loss: log_shares are " + to_string(log_shares.shape()) + ", targets " +
                     to_string(targets.shape()) + "; [T, N, C] and [N, S] are expected, or [T, C] and [S]");
  const std::int64_t steps = log_shares.shape()[0], samples = log_shares.shape()[1], classes = log_shares.shape()[2];
  if (options.blank < 0 || options.blank >= classes)
    throw ValueError("ctc_loss: blank is " + std::to_string(options.blank) + ", not one of the " +
                     std::to_string(classes) + " classes");
  const Tensor ids = whole("targets", targets, {samples, targets.shape()[1]});
  const Tensor lengths = require_lengths("target_lengths", target_lengths, samples, targets.shape()[1]);
  const Tensor ends = unsqueeze(require_lengths("input_lengths", input_lengths, samples, steps), -1);
  const States s = states_of(ids, lengths, options.blank, classes);
  const std::int64_t count = s.classes.shape()[1];

  const Tensor says = gather(cast(log_shares, f64), -1, broadcast_to(unsqueeze(s.classes, 0), {steps, samples, count}));
  const Tensor never = full({samples, kInFront}, kNever, f64);
  Tensor paths = pad(zeros({samples, 1}, f64), {{kStart, count + kInFront - kStart - 1}}, PadMode::constant, kNever);
  for (std::int64_t t = 0; t < steps; ++t) {
    const Tensor stay = slice(paths, -1, kInFront), move = slice(paths, -1, kInFront - 1, count + kInFront - 1);
    const Tensor jump = where(s.skips, slice(paths, -1, 0, count), kNever);
    const Tensor reached = logsumexp(stack({stay, move, jump}), {0}) + select(says, 0, t);
    paths = where(ends > t, concat({never, reached}, -1), paths);
  }
  Tensor losses = -logsumexp(gather(paths, -1, s.last), {-1});
  if (options.zero_infinity) losses = where(losses == -kNever, 0, losses);
  losses = cast(losses, log_shares.dtype());
  if (options.reduction == Reduce::mean) losses = losses / maximum(cast(lengths, losses.dtype()), 1);
  return reduce(losses, options.reduction);
}

}  // namespace tapegrad
