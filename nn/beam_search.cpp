#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/beam_search.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn {
namespace {

struct Candidate {
  std::int64_t row = 0;
  std::int32_t token = 0;
  double log_probability = 0;
};

/// The best `count` ways to go on from the rows whose probabilities so far are given.
std::vector<Candidate> best_of(const Tensor& logits, const std::vector<Hypothesis>& rows, std::size_t count) {
  const std::vector<double> next = log_softmax(cast(logits, f32), 1).values();
  const auto width = static_cast<std::size_t>(logits.size(1));
  std::vector<Candidate> all;
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t token = 0; token < width; ++token)
      all.push_back({static_cast<std::int64_t>(r), static_cast<std::int32_t>(token),
                     rows[r].log_probability + next[r * width + token]});
  count = std::min(count, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(count), [](const auto& a, const auto& b) {
    if (a.log_probability != b.log_probability) return a.log_probability > b.log_probability;
    return std::pair(a.row, a.token) < std::pair(b.row, b.token);
  });
  all.resize(count);
  return all;
}

}  // namespace

std::vector<Hypothesis> beam_search(const BeamStep& step, std::int32_t start, std::int32_t end,
                                    const BeamOptions& options) {
  if (options.beams < 1 || options.longest < 1 || !(options.length_penalty >= 0))
    throw ValueError(
        fmt::format("beam_search: {} beams, {} tokens and a length penalty of {}; they are at least 1, 1, 0",
                    options.beams, options.longest, options.length_penalty));
  const NoGrad no_grad;
  const auto beams = static_cast<std::size_t>(options.beams);
  const auto divisor = [&](std::size_t length) {
    return std::pow((5 + static_cast<double>(length)) / 6, options.length_penalty);
  };
  const auto by_score = [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; };
  std::vector<Hypothesis> alive(1), done;
  std::vector<std::int32_t> tokens{start};
  std::vector<std::int64_t> parents{0};
  for (std::int64_t length = 0; length < options.longest && !alive.empty(); ++length) {
    std::vector<Hypothesis> next;
    // Twice as many, so that beams are full whatever ends.
    const std::vector<Candidate> candidates = best_of(step(tokens, parents), alive, 2 * beams);
    tokens.clear();
    parents.clear();
    for (std::size_t i = 0; i < candidates.size() && next.size() < beams; ++i) {
      const Candidate& c = candidates[i];
      Hypothesis grown = alive[static_cast<std::size_t>(c.row)];
      grown.log_probability = c.log_probability;
      grown.score = c.log_probability / divisor(grown.tokens.size() + 1);
      if (c.token == end) {
        if (i < beams) done.push_back(std::move(grown));
        continue;
      }
      grown.tokens.push_back(c.token);
      next.push_back(std::move(grown));
      tokens.push_back(c.token);
      parents.push_back(c.row);
    }
    alive = std::move(next);
    std::ranges::stable_sort(done, by_score);
    if (done.size() > beams) done.resize(beams);
    // Probabilities only fall: the best that could still come.
    const auto limit = static_cast<std::size_t>(options.longest);
    if (done.size() == beams && !alive.empty() && alive.front().log_probability / divisor(limit) <= done.back().score)
      return done;
  }
  done.insert(done.end(), alive.begin(), alive.end());
  std::ranges::stable_sort(done, by_score);
  if (done.size() > beams) done.resize(beams);
  return done;
}

}  // namespace tapegrad::nn
