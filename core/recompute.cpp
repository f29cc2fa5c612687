#include <tapegrad/core/error.hpp>
#include <tapegrad/core/recompute.hpp>
#include <utility>

namespace tapegrad {
namespace {

[[noreturn]] void refuse_other_run() {
  throw ValueError(
      "checkpoint: the function did something else when it was computed again (drew other random numbers, or used its "
      "state otherwise); it must do the same each time");
}

}  // namespace

LoggedRun::LoggedRun(RunLog& log, Mode mode) : log_(log), mode_(mode), outer_(std::exchange(innermost, this)) {}
LoggedRun::~LoggedRun() { innermost = outer_; }

void LoggedRun::require_finished() const {
  if (mode_ == Mode::repeat && (at_ != log_.draws.size() || carried_ != log_.carried.size())) refuse_other_run();
}

Rng::State LoggedRun::draw(Rng& rng, std::uint64_t words) {
  if (mode_ == Mode::repeat) {
    if (at_ == log_.draws.size() || log_.draws[at_].words - used_ < words) refuse_other_run();
    Rng::State from = log_.draws[at_].from;
    from.position += used_;
    used_ += words;
    if (used_ == log_.draws[at_].words) ++at_, used_ = 0;
    return from;
  }
  const Rng::State from = outer_ ? outer_->draw(rng, words) : rng.advance(words);
  if (!log_.draws.empty()) {
    RunLog::Draw& last = log_.draws.back();
    if (last.from.seed == from.seed && last.from.position + last.words == from.position) {
      last.words += words;
      return from;
    }
  }
  log_.draws.push_back({from, words});
  return from;
}

Rng::State LoggedRun::next(const Rng& rng) const {
  if (mode_ == Mode::record) return outer_ ? outer_->next(rng) : rng.state_;
  if (at_ == log_.draws.size()) return rng.state_;
  Rng::State from = log_.draws[at_].from;
  from.position += used_;
  return from;
}

bool recomputing() {
  for (const LoggedRun* run = LoggedRun::innermost; run; run = run->outer_)
    if (run->mode_ == LoggedRun::Mode::repeat) return true;
  return false;
}

std::vector<Tensor> LoggedRun::carry_in(LoggedRun* run, std::vector<Tensor> now) {
  if (!run) return now;
  if (run->mode_ == Mode::record) {
    now = carry_in(run->outer_, std::move(now));
    run->log_.carried.push_back({now, {}});
    ++run->carried_;
    return now;
  }
  if (run->carried_ == run->log_.carried.size()) refuse_other_run();
  const std::vector<Tensor>& before = run->log_.carried[run->carried_++].before;
  const auto same = [](const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
    if (a.size() != b.size() || a.empty() || !a[0].defined()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!a[i].same_as(b[i])) return false;
    return true;
  };
  for (std::size_t i = 0; i < run->produced_.size(); ++i)
    if (same(run->log_.carried[i].after, before)) return run->produced_[i];
  return before;
}

bool LoggedRun::carry_out(LoggedRun* run, const std::vector<Tensor>& after) {
  if (!run) return true;
  if (run->mode_ == Mode::record) {
    run->log_.carried.back().after = after;
    return carry_out(run->outer_, after);
  }
  run->produced_.push_back(after);
  return false;
}

std::vector<Tensor> carry_in(std::vector<Tensor> now) {
  return LoggedRun::carry_in(LoggedRun::innermost, std::move(now));
}
bool carry_out(std::vector<Tensor> after) { return LoggedRun::carry_out(LoggedRun::innermost, after); }

}  // namespace tapegrad
