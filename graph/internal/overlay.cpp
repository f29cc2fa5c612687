#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/internal/overlay.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

constexpr std::array<const char*, 5> kMarks{"▁", "▂", "▄", "▆", "█"};
// Upper ends of the levels of a cost, as shares of the largest in the picture.
constexpr std::array<double, 5> kShares{0.02, 0.1, 0.25, 0.5, 1};

Paint heat(int level) { return static_cast<Paint>(static_cast<int>(Paint::heat0) + level); }

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
      const auto v = value(item, gradient);
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
        if (v.statistics && v.statistics->norm) {
          const double norm = *v.statistics->norm;
          total = std::isnan(norm) || !total || norm > *total ? norm : *total;
        }
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

int OverlayScale::level(double value) const {
  if (overlay_ == Overlay::gradient_norm) {
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
  if (!std::isfinite(*v)) return OverlayLabel{fmt::format("{}{} ✖", what, quantity_text(overlay_, *v)), Paint::alert};
  if (*v == 0) return OverlayLabel{what + quantity_text(overlay_, 0) + " ∅", Paint::rest};
  const int l = level(*v);
  return OverlayLabel{fmt::format("{}{} {}", what, quantity_text(overlay_, *v), kMarks[static_cast<std::size_t>(l)]),
                      heat(l)};
}

std::vector<LegendEntry> OverlayScale::legend() const {
  std::vector<LegendEntry> entries;
  if (overlay_ == Overlay::non_finite) {
    entries.push_back({Outline::box, Paint::alert, "✖ first NaN or Inf"});
    entries.push_back({Outline::box, Paint::heat2, "⚠ NaN or Inf"});
  } else if (largest_ > 0) {
    double from = overlay_ == Overlay::gradient_norm ? smallest_ : 0;
    for (int l = 0; l < 5; ++l) {
      const double to = overlay_ == Overlay::gradient_norm ? smallest_ * std::pow(largest_ / smallest_, (l + 1) / 5.0)
                                                           : kShares[static_cast<std::size_t>(l)] * largest_;
      entries.push_back({Outline::box, heat(l),
                         fmt::format("{} {} to {}", kMarks[static_cast<std::size_t>(l)], quantity_text(overlay_, from),
                                     quantity_text(overlay_, to))});
      from = to;
    }
  }
  return entries;
}

}  // namespace tapegrad::graph
