#include <tapegrad/interchange/internal/onnx_sizes.hpp>

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <set>
#include <tapegrad/core/error.hpp>

namespace tapegrad::onnx {
namespace {

constexpr std::size_t kMostSizes = 4;

}  // namespace

SizeGrid::SizeGrid(std::vector<Size> sizes) : sizes_(std::move(sizes)) {
  if (sizes_.size() > kMostSizes)
    throw ValueError(fmt::format("onnx::save: {} sizes; at most {} can be open", sizes_.size(), kMostSizes));
  std::set<std::string> names;
  for (const Size& size : sizes_)
    if (size.name.empty() || !names.insert(size.name).second || size.least < 0)
      throw ValueError(
          fmt::format("onnx::save: the size '{}' of at least {}; each has a name of its own, and is not negative",
                      size.name, size.least));
  for (unsigned corner = 0; corner < 1U << sizes_.size(); ++corner) {
    Sizes point;
    for (std::size_t i = 0; i < sizes_.size(); ++i) point[sizes_[i].name] = sizes_[i].least + ((corner >> i) & 1U);
    points_.push_back(std::move(point));
  }
  // Far enough to tell a curve from a line, and different in each size.
  Sizes far;
  for (std::size_t i = 0; i < sizes_.size(); ++i)
    far[sizes_[i].name] = 2 * sizes_[i].least + 1 + static_cast<std::int64_t>(i);
  points_.push_back(std::move(far));
}

std::optional<Polynomial> SizeGrid::fit(std::span<const double> values, double tolerance) const {
  const unsigned corners = 1U << sizes_.size();
  // In steps from the first corner, a coefficient is the alternating sum over the corners below it.
  std::vector<double> steps(values.begin(), values.begin() + corners);
  for (std::size_t i = 0; i < sizes_.size(); ++i)
    for (unsigned corner = 0; corner < corners; ++corner)
      if ((corner >> i) & 1U) steps[corner] -= steps[corner ^ (1U << i)];
  // Each step is a size less its least one.
  Polynomial p;
  for (unsigned set = 0; set < corners; ++set)
    for (unsigned part = 0; part <= set; ++part) {
      if ((part & set) != part) continue;
      double coefficient = steps[set];
      for (std::size_t i = 0; i < sizes_.size(); ++i)
        if (((set & ~part) >> i) & 1U) coefficient *= -static_cast<double>(sizes_[i].least);
      p.terms[part] += coefficient;
    }
  for (std::size_t at = 0; at < points_.size(); ++at) {
    double value = 0;
    for (const auto& [set, coefficient] : p.terms) {
      double term = coefficient;
      for (std::size_t i = 0; i < sizes_.size(); ++i)
        if ((set >> i) & 1U) term *= static_cast<double>(points_[at].at(sizes_[i].name));
      value += term;
    }
    if (!(std::abs(value - values[at]) <= tolerance * std::abs(values[at]))) return std::nullopt;
  }
  double largest = 0;
  for (const auto& [set, coefficient] : p.terms) largest = std::max(largest, std::abs(coefficient));
  std::erase_if(p.terms, [&](const auto& term) { return std::abs(term.second) <= tolerance * largest; });
  return p;
}

std::string SizeGrid::describe(const Polynomial& p) const {
  std::string text;
  // Those of many sizes first.
  for (auto term = p.terms.rbegin(); term != p.terms.rend(); ++term) {
    const auto& [set, coefficient] = *term;
    std::vector<std::string> factors;
    if (std::abs(coefficient) != 1 || set == 0) factors.push_back(fmt::format("{}", std::abs(coefficient)));
    for (std::size_t i = 0; i < sizes_.size(); ++i)
      if ((set >> i) & 1U) factors.push_back(sizes_[i].name);
    const bool minus = coefficient < 0;
    text += (text.empty() ? (minus ? "-" : "") : (minus ? " - " : " + ")) + fmt::format("{}", fmt::join(factors, "*"));
  }
  return text.empty() ? "0" : text;
}

}  // namespace tapegrad::onnx
