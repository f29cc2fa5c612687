#include <tapegrad/testing/internal/slope.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapegrad::testing::internal {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kColumns = 4;  // central difference and three extrapolations: error of order h^8
constexpr std::size_t kWatched = 3;  // steps over which a kink shows

/// Ridders' scheme (1982) for one function: a row of extrapolations a step, of which the entry that agrees best with
/// the two it came from is kept.
class Extrapolation {
 public:
  void add(double central) {
    if (!std::isfinite(central)) {
      row_.clear();
      return;
    }
    std::vector<double> next{central};
    double power = 4;
    for (std::size_t j = 0; j + 1 < kColumns && j < row_.size(); ++j, power *= 4) {
      next.push_back((power * next[j] - row_[j]) / (power - 1));
      consider(next[j + 1], std::max(std::abs(next[j + 1] - next[j]), std::abs(next[j + 1] - row_[j])));
    }
    if (std::isnan(best_)) best_ = central;
    row_ = std::move(next);
  }
  double best() const { return best_; }
  double error() const { return error_; }

 private:
  void consider(double estimate, double error) {
    if (!(error <= error_)) return;
    best_ = estimate;
    error_ = error;
  }
  std::vector<double> row_;
  double best_ = kNaN, error_ = kInfinity;
};

/// One-sided slopes at the last steps. Where a derivative exists they approach each other in proportion to the step; at
/// a kink they do not.
class Sides {
 public:
  void add(double left, double right, double noise) {
    left_ = left, right_ = right, noise_ = noise;
    gaps_.push_back(std::abs(right - left));
    sizes_.push_back(std::max(std::abs(left), std::abs(right)));
  }
  double left() const { return left_; }
  double right() const { return right_; }
  bool kink() const {
    if (std::isfinite(left_) != std::isfinite(right_)) return true;
    if (gaps_.size() < kWatched) return false;
    return open() || jump();
  }

 private:
  bool open() const {
    const double before = gaps_[gaps_.size() - kWatched], now = gaps_.back();
    return now > 0.6 * before && now > 1e-4 * sizes_.back() && now > noise_;
  }
  // Both slopes grow as the step shrinks; at a symmetrical jump their gap would not show it.
  bool jump() const { return sizes_.back() > 3 * sizes_[sizes_.size() - kWatched] && sizes_.back() > noise_; }

  double left_ = kNaN, right_ = kNaN, noise_ = 0;
  std::vector<double> gaps_, sizes_;
};

}  // namespace

std::vector<Slope> measure_slopes(const std::function<std::vector<double>(double t)>& at,
                                  const std::vector<double>& middle, const SweepSteps& steps) {
  const std::size_t count = middle.size();
  std::vector<Extrapolation> estimates(count);
  std::vector<Sides> sides(count);
  double h = steps.first;
  for (int step = 0; step < steps.count; ++step, h /= 2) {
    const std::vector<double> after = at(h), before = at(-h);
    bool sure = true;
    for (std::size_t i = 0; i < count; ++i) {
      const double largest = std::max({steps.magnitude, std::abs(after[i]), std::abs(before[i]), std::abs(middle[i])});
      estimates[i].add((after[i] - before[i]) / (2 * h));
      sides[i].add((middle[i] - before[i]) / h, (after[i] - middle[i]) / h, 64 * steps.epsilon * largest / h);
      sure &= estimates[i].error() <= steps.absolute + steps.relative * std::abs(estimates[i].best());
    }
    if (sure && step + 1 >= static_cast<int>(kWatched)) break;
  }
  std::vector<Slope> slopes;
  for (std::size_t i = 0; i < count; ++i)
    slopes.push_back({estimates[i].best(), estimates[i].error(), sides[i].left(), sides[i].right(), sides[i].kink()});
  return slopes;
}

}  // namespace tapegrad::testing::internal
