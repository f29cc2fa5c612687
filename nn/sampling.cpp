#include <tapegrad/nn/sampling.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tapegrad/core/error.hpp>

namespace tapegrad::nn {

std::int64_t sample_token(const Tensor& logits, const SamplingOptions& options, Rng& rng) {
  if (logits.rank() != 1 || logits.numel() == 0)
    throw ShapeError("sample_token: logits " + to_string(logits.shape()) + ", expected [V]");
  if (!(options.temperature >= 0) || options.top_k < 0 || !(options.top_p > 0 && options.top_p <= 1))
    throw ValueError(
        fmt::format("sample_token: temperature {}, top_k {} and top_p {}; expected one of 0 or more, 0 or "
                    "more, and in (0, 1]",
                    options.temperature, options.top_k, options.top_p));
  const std::vector<double> values = logits.values();
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  const double best = values[order[0]];
  if (!std::isfinite(best)) throw ValueError("sample_token: no logit is finite");
  if (options.temperature == 0) return static_cast<std::int64_t>(order[0]);

  if (options.top_k > 0) order.resize(std::min(order.size(), static_cast<std::size_t>(options.top_k)));
  std::vector<double> shares;
  for (const std::size_t token : order) shares.push_back(std::exp((values[token] - best) / options.temperature));
  const double all = std::accumulate(shares.begin(), shares.end(), 0.0);
  double kept = 0;
  std::size_t count = 0;
  while (count < shares.size() && kept < options.top_p * all) kept += shares[count++];

  double left = rng.uniform() * kept;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    left -= shares[i];
    if (left < 0) return static_cast<std::int64_t>(order[i]);
  }
  return static_cast<std::int64_t>(order[count - 1]);
}

}  // namespace tapegrad::nn
