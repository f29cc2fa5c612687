#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <limits>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/scalar/program.hpp>

namespace tapegrad::scalars {

using detail::kSamples;
constexpr auto kBlock = static_cast<std::size_t>(kSamples);

namespace detail {
namespace {

thread_local Recorder* recorder = nullptr;

/// A kernel of two operands.
template <auto f>
void both(const double* const* in, double* out) {
  for (int i = 0; i < kSamples; ++i) out[i] = static_cast<double>(f(in[0][i], in[1][i]));
}

}  // namespace

Recorder::Recorder() : enclosing_(recorder) { recorder = this; }
Recorder::~Recorder() { recorder = enclosing_; }
Recorder& Recorder::current() {
  if (!recorder) fail_stale();
  return *recorder;
}

Traced Recorder::input(double value) {
  Traced x(value);
  ++inputs_;
  x.index_ = static_cast<Index>(entries_.size());
  x.epoch_ = epoch_;
  entries_.emplace_back();
  return x;
}

Index Recorder::number(const Traced& x) {
  if (x.epoch_ == epoch_) return x.index_;
  if (!x.is_constant()) fail_stale();
  const auto [known, added] =
      constants_.try_emplace(std::bit_cast<std::uint64_t>(x.number_), static_cast<Index>(entries_.size()));
  if (added) entries_.push_back({.value = x.number_});
  return known->second;
}

Index Recorder::add(Kernel kernel, std::span<const Traced> operands) {
  Entry entry{.kernel = kernel, .count = static_cast<std::uint8_t>(operands.size())};
  for (std::size_t i = 0; i < operands.size(); ++i) entry.operands[i] = number(operands[i]);
  if (entries_.size() >= std::numeric_limits<Index>::max()) fail_full();
  entries_.push_back(entry);
  return static_cast<Index>(entries_.size() - 1);
}

Traced trace(Kernel kernel, std::span<const Traced> operands, double value) {
  Traced result(value);
  if (std::all_of(operands.begin(), operands.end(), [](const Traced& x) { return x.is_constant(); })) return result;
  Recorder& to = Recorder::current();
  result.index_ = to.add(kernel, operands);
  result.epoch_ = to.epoch_;
  return result;
}

bool trace_relation(std::string_view relation, Kernel kernel, const Traced& a, const Traced& b, bool holds) {
  if (a.is_constant() && b.is_constant()) return holds;
  Recorder& to = Recorder::current();
  const Traced operands[] = {a, b};
  to.entries_[to.add(kernel, operands)].comparison = static_cast<std::int32_t>(to.comparisons_.size());
  to.comparisons_.push_back({relation, a.number_, b.number_, holds});
  return holds;
}

Program Recorder::finish(std::span<const Traced> outputs) const {
  Program program;
  program.inputs_ = inputs_;
  program.comparisons_ = comparisons_;
  std::vector<Entry> entries = entries_;
  std::vector<Index> results;
  for (const Traced& y : outputs) {
    if (!y.is_constant() && y.epoch_ != epoch_) fail_stale();
    results.push_back(y.is_constant() ? static_cast<Index>(entries.size()) : y.index_);
    if (y.is_constant()) entries.push_back({.value = y.number_});
  }
  // From the last to the first: what is needed, and by which instruction last.
  constexpr std::size_t kNever = 0, kAlways = ~std::size_t{0};
  std::vector<std::size_t> last_use(entries.size(), kNever);
  for (const Index y : results) last_use[y] = kAlways;
  for (std::size_t i = entries.size(); i-- > 1;) {
    if (last_use[i] == kNever && entries[i].comparison < 0) continue;
    for (std::size_t k = 0; k < entries[i].count; ++k)
      last_use[entries[i].operands[k]] = std::max(last_use[entries[i].operands[k]], i);
  }
  // Inputs and constants keep their slots; a result gets one that is free again.
  std::vector<Index> slot(entries.size(), 0), free;
  Index next = static_cast<Index>(inputs_);
  for (std::size_t i = 1; i <= inputs_; ++i) slot[i] = static_cast<Index>(i - 1);
  for (std::size_t i = inputs_ + 1; i < entries.size(); ++i)
    if (!entries[i].kernel && last_use[i] != kNever) {
      slot[i] = next++;
      program.constants_.push_back({slot[i], entries[i].value});
    }
  for (std::size_t i = inputs_ + 1; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (!entry.kernel || (last_use[i] == kNever && entry.comparison < 0)) continue;
    Program::Instruction instruction{entry.kernel, {}, 0, entry.comparison};
    if (free.empty()) free.push_back(next++);
    slot[i] = instruction.result = free.back();  // before those of its operands are free: kernels do not alias
    free.pop_back();
    for (std::size_t k = 0; k < entry.count; ++k) {
      const Index operand = entry.operands[k];
      instruction.operands[k] = slot[operand];
      if (entries[operand].kernel && last_use[operand] == i) {
        free.push_back(slot[operand]);
        last_use[operand] = kAlways;  // once
      }
    }
    if (last_use[i] == kNever) free.push_back(slot[i]);
    program.instructions_.push_back(instruction);
  }
  for (const Index y : results) program.outputs_.push_back(slot[y]);
  program.slots_ = next;
  return program;
}

}  // namespace detail

double Traced::value() const {
  constexpr auto same = [](double a, double b) { return a == b || (a != a && b != b); };
  detail::trace_relation("is", detail::both<same>, *this, Traced(number_), true);
  return number_;
}

Traced guarded(const Traced& cotangent, const Traced& gradient) {
  constexpr auto choose = [](double g, double d) { return g == 0 ? g : d; };
  if (cotangent.is_constant() && cotangent.number_ != 0) return gradient;
  const Traced operands[] = {cotangent, gradient};
  return detail::trace(detail::both<choose>, operands, choose(cotangent.number_, gradient.number_));
}

Traced carried(const Traced& partial, const Traced& cotangent) {
  // A sweep leaves out statements with an adjoint of 0, whatever their slopes are.
  constexpr auto product = [](double d, double g) { return g == 0 ? 0 : d * g; };
  if (partial.is(1)) return cotangent;
  if (cotangent.is(1)) return partial;
  const Traced operands[] = {partial, cotangent};
  return detail::trace(detail::both<product>, operands, product(partial.number_, cotangent.number_));
}

bool Traced::equal(const Traced& a, const Traced& b) {
  constexpr auto relation = [](double x, double y) { return x == y; };
  return detail::trace_relation("==", detail::both<relation>, a, b, relation(a.number_, b.number_));
}
bool Traced::less(const Traced& a, const Traced& b) {
  constexpr auto relation = [](double x, double y) { return x < y; };
  return detail::trace_relation("<", detail::both<relation>, a, b, relation(a.number_, b.number_));
}
bool Traced::less_equal(const Traced& a, const Traced& b) {
  constexpr auto relation = [](double x, double y) { return x <= y; };
  return detail::trace_relation("<=", detail::both<relation>, a, b, relation(a.number_, b.number_));
}

// ---- replays --------------------------------------------------------------------------------------------------------

void Program::run_block(double* slots, std::span<const double> inputs, std::span<double> outputs,
                        std::int32_t (&diverged)[kSamples]) const {
  const std::size_t samples = inputs_ ? inputs.size() / inputs_ : outputs.size() / outputs_.size();
  // The last block is filled up with its first sample.
  for (std::size_t s = 0; s < kBlock; ++s)
    for (std::size_t i = 0; i < inputs_; ++i) slots[i * kBlock + s] = inputs[(s < samples ? s : 0) * inputs_ + i];
  std::fill(std::begin(diverged), std::end(diverged), -1);
  for (const Instruction& step : instructions_) {
    const double* operands[detail::kMostOperands];
    for (std::size_t k = 0; k < detail::kMostOperands; ++k) operands[k] = slots + step.operands[k] * kBlock;
    double* result = slots + step.result * kBlock;
    step.kernel(operands, result);
    if (step.comparison < 0) continue;
    const double expected = comparisons_[static_cast<std::size_t>(step.comparison)].holds;
    for (std::size_t s = 0; s < kBlock; ++s)
      if (result[s] != expected && diverged[s] < 0) diverged[s] = step.comparison;
  }
  for (std::size_t s = 0; s < samples; ++s)
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      outputs[s * outputs_.size() + i] =
          diverged[s] < 0 ? slots[outputs_[i] * kBlock + s] : std::numeric_limits<double>::quiet_NaN();
}

std::size_t Program::samples_of(std::span<const double> inputs, std::size_t outputs) const {
  const std::size_t samples = inputs_ ? inputs.size() / inputs_ : 1;
  if (samples * inputs_ != inputs.size())
    throw ValueError(fmt::format("Program: {} inputs are no whole number of samples of {}", inputs.size(), inputs_));
  if (outputs != samples * outputs_.size())
    detail::fail_size("Program: the memory for outputs", outputs, samples * outputs_.size());
  return samples;
}

std::vector<Program::Divergence> Program::run(std::span<const double> inputs, std::span<double> outputs) const {
  const std::size_t samples = samples_of(inputs, outputs.size());
  std::vector<std::int32_t> diverged(samples, -1);
  // As many blocks in a chunk as make its work worth a thread's start, and its slots' filling.
  const std::size_t steps = instructions_.size() + constants_.size() + 1, blocks = (samples + kBlock - 1) / kBlock;
  const std::size_t chunk = std::clamp<std::size_t>(20000 / steps, 1, 64);
  for_blocks(static_cast<std::int64_t>(blocks), static_cast<std::int64_t>(chunk), steps * blocks > 10000,
             [&](std::int64_t first, std::int64_t last) {
               std::vector<double> slots(slots_ * kBlock);
               for (const Constant& c : constants_) std::fill_n(slots.data() + c.slot * kBlock, kBlock, c.value);
               for (auto b = static_cast<std::size_t>(first); b < static_cast<std::size_t>(last); ++b) {
                 const std::size_t start = b * kBlock, count = std::min(kBlock, samples - start);
                 std::int32_t found[kSamples];
                 run_block(slots.data(), inputs.subspan(start * inputs_, count * inputs_),
                           outputs.subspan(start * outputs_.size(), count * outputs_.size()), found);
                 std::copy_n(found, count, diverged.begin() + static_cast<std::ptrdiff_t>(start));
               }
             });
  std::vector<Divergence> all;
  for (std::size_t s = 0; s < samples; ++s)
    if (diverged[s] >= 0) all.push_back({s, static_cast<std::size_t>(diverged[s])});
  return all;
}

std::vector<double> Program::operator()(std::span<const double> inputs) const {
  std::vector<double> outputs((inputs_ ? inputs.size() / inputs_ : 1) * outputs_.size());
  const std::vector<Divergence> all = run(inputs, outputs);
  if (!all.empty()) {
    const Comparison& c = comparisons_[all[0].comparison];
    throw ValueError(fmt::format(
        "Program: in sample {} (of {}, {} of them) a comparison goes another way than recorded: number {}, {} {} {}, "
        "was {}; record a Program there, or ask replay() which samples these are",
        all[0].sample, inputs_ ? inputs.size() / inputs_ : 1, all.size(), all[0].comparison, c.a, c.relation, c.b,
        c.holds));
  }
  return outputs;
}

std::vector<std::size_t> Program::replay(std::span<const double> inputs, std::span<double> outputs) const {
  std::vector<std::size_t> samples;
  for (const Divergence& d : run(inputs, outputs)) samples.push_back(d.sample);
  return samples;
}

}  // namespace tapegrad::scalars
