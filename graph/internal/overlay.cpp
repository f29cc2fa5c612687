#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/internal/overlay.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

// The largest magnitude among the elements; NaN if one is not finite.
std::optional<double> magnitude(const Statistics& s) {
  if (s.nan + s.inf > 0) return std::nan("");
  if (!s.min || !s.max) return std::nullopt;
  return std::max(std::abs(*s.min), std::abs(*s.max));
}

constexpr std::array<const char*, 5> kMarks{"▁", "▂", "▄", "▆", "█"};
// Upper ends of the levels of a cost, as shares of the largest in the picture.
constexpr std::array<double, 5> kShares{0.02, 0.1, 0.25, 0.5, 1};

Paint heat(int level) { return static_cast<Paint>(static_cast<int>(Paint::heat0) + level); }

// Where there are both; NaN is larger than anything.
std::optional<double> larger(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return std::isnan(*a) || *a > *b ? a : b;
}

// Costs add up, and are compared with the largest; the others spread over orders of magnitude.
bool is_logarithmic(Overlay overlay) { return overlay == Overlay::gradient_norm || overlay == Overlay::values; }

std::string quantity_text(Overlay overlay, double value) {
  switch (overlay) {
    case Overlay::time:
      return duration_text(value);
    case Overlay::saved_bytes:
      return bytes_text(value);
    default:
      return number_text(value);
  }
}

}  // namespace

OverlayScale::OverlayScale(const Sketch& sketch, const DrawOptions& options)
    : graph_(sketch.graph()), overlay_(options.overlay), joint_(options.pass == Pass::joint) {
  if (overlay_ == Overlay::none) return;
  if (overlay_ == Overlay::non_finite) first_bad_ = first_bad_vertex(graph_);
  for (const Item& item : sketch.items()) {
    for (const bool gradient : {false, true}) {
      if (options.pass == (gradient ? Pass::forward : Pass::backward)) continue;  // not in the picture
      const auto v = value(item, gradient);
      empty_ &= !v;
      if (!v || !(*v > 0) || !std::isfinite(*v)) continue;
      smallest_ = smallest_ == 0 ? *v : std::min(smallest_, *v);
      largest_ = std::max(largest_, *v);
    }
  }
}

std::optional<double> OverlayScale::value(const Item& item, bool gradient) const {
  std::optional<double> total;
  for (const VertexIndex member : item.members) {
    // A norm is one of the gradient, wherever it is drawn; what is saved is a matter of the value.
    const bool of_gradient = overlay_ == Overlay::gradient_norm || (gradient && overlay_ != Overlay::saved_bytes);
    if (joint_ && gradient != of_gradient) return std::nullopt;
    const auto vertex = of_gradient ? graph_.twin(member) : std::optional(member);
    if (!vertex) continue;
    const Vertex& v = graph_[*vertex];
    switch (overlay_) {
      case Overlay::none:
        break;
      case Overlay::gradient_norm:
        if (v.statistics) total = larger(total, v.statistics->norm);
        break;
      case Overlay::values:
        if (v.statistics) total = larger(total, magnitude(*v.statistics));
        break;
      case Overlay::time:
        if (v.seconds) total = total.value_or(0) + *v.seconds;
        break;
      case Overlay::saved_bytes:
        total = total.value_or(0) + v.saved_bytes;
        break;
      case Overlay::non_finite:
        if (v.statistics) total = total.value_or(0) + static_cast<double>(v.statistics->nan + v.statistics->inf);
        break;
    }
  }
  if (overlay_ == Overlay::saved_bytes && total == 0) return std::nullopt;
  return total;
}

// "−1.5 to 2, mean 0.25": of several vertices, the extremes alone.
std::string OverlayScale::range_of(const Item& item, bool gradient) const {
  Statistics all;
  std::size_t measured = 0;
  for (const VertexIndex member : item.members) {
    const auto vertex = gradient ? graph_.twin(member) : std::optional(member);
    if (!vertex || !graph_[*vertex].statistics) continue;
    const Statistics& s = *graph_[*vertex].statistics;
    if (!s.min || !s.max) continue;
    all.min = std::min(all.min.value_or(*s.min), *s.min);
    all.max = std::max(all.max.value_or(*s.max), *s.max);
    all.mean = s.mean;  // of a snapshot: it may be missing
    ++measured;
  }
  if (!all.min) return "no finite element";
  if (*all.min == *all.max) return fmt::format("all {}", number_text(*all.min));
  std::string text = fmt::format("{} to {}", number_text(*all.min), number_text(*all.max));
  if (measured == 1 && all.mean) text += fmt::format(", mean {}", number_text(*all.mean));
  return text;
}

int OverlayScale::level(double value) const {
  if (is_logarithmic(overlay_)) {
    if (largest_ <= smallest_) return 2;
    const double place = std::log(value / smallest_) / std::log(largest_ / smallest_);
    return std::clamp(static_cast<int>(5 * place), 0, 4);
  }
  int level = 0;
  while (level < 4 && value > kShares[static_cast<std::size_t>(level)] * largest_) ++level;
  return level;
}

std::optional<OverlayLabel> OverlayScale::label(const Item& item, bool gradient) const {
  const auto v = value(item, gradient);
  if (!v) return std::nullopt;
  if (overlay_ == Overlay::non_finite) {
    if (first_bad_) {
      const VertexIndex bad = *first_bad_;
      const bool bad_is_gradient = bad >= graph_.forward_size();
      const VertexIndex forward = graph_.value_of(bad);
      if (gradient == bad_is_gradient && std::binary_search(item.members.begin(), item.members.end(), forward)) {
        return OverlayLabel{fmt::format("✖ first of all: {} NaN or Inf", grouped(*v)), Paint::alert};
      }
    }
    if (*v == 0) return std::nullopt;
    return OverlayLabel{fmt::format("⚠ {} NaN or Inf", grouped(*v)), Paint::heat2};
  }
  const std::string what = overlay_ == Overlay::gradient_norm ? "‖∇‖ "
                           : overlay_ == Overlay::saved_bytes ? "saved "
                                                              : "";
  const std::string text =
      what + (overlay_ == Overlay::values ? range_of(item, gradient) : quantity_text(overlay_, *v));
  if (!std::isfinite(*v)) return OverlayLabel{text + " ✖", Paint::alert};
  if (*v == 0) return OverlayLabel{text + " ∅", Paint::rest};
  const int l = level(*v);
  return OverlayLabel{fmt::format("{} {}", text, kMarks[static_cast<std::size_t>(l)]), heat(l)};
}

std::vector<LegendEntry> OverlayScale::legend() const {
  std::vector<LegendEntry> entries;
  if (overlay_ == Overlay::non_finite) {
    entries.push_back({Outline::box, Paint::alert, "✖ first NaN or Inf"});
    entries.push_back({Outline::box, Paint::heat2, "⚠ NaN or Inf"});
  } else if (largest_ > 0) {
    const bool logarithmic = is_logarithmic(overlay_);
    double from = logarithmic ? smallest_ : 0;
    for (int l = 0; l < 5; ++l) {
      const double to = logarithmic ? smallest_ * std::pow(largest_ / smallest_, (l + 1) / 5.0)
                                    : kShares[static_cast<std::size_t>(l)] * largest_;
      entries.push_back({Outline::box, heat(l),
                         fmt::format("{} {}{} to {}", kMarks[static_cast<std::size_t>(l)],
                                     overlay_ == Overlay::values ? "largest element " : "",
                                     quantity_text(overlay_, from), quantity_text(overlay_, to))});
      from = to;
    }
  }
  return entries;
}

}  // namespace tapegrad::graph
