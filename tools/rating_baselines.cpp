#include "rating_baselines.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <limits>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>

namespace tapegrad::tools {
namespace {

using Rows = Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

/// The best numbers of one side, row by row of `solved`, beside those of the other as they stand.
void solve_side(std::span<const Rating> ratings, double mean, double penalty, std::int32_t Rating::*own,
                std::int32_t Rating::*other, Rows solved, Rows fixed) {
  const Eigen::Index width = solved.cols();
  std::vector<Eigen::MatrixXd> squares(static_cast<std::size_t>(solved.rows()), Eigen::MatrixXd::Zero(width, width));
  Eigen::MatrixXd sums = Eigen::MatrixXd::Zero(solved.rows(), width);
  for (const Rating& r : ratings) {
    Eigen::VectorXd x = fixed.row(r.*other).transpose();
    const double target = r.value - mean - x(0);
    x(0) = 1;  // what the own bias is multiplied with
    squares[static_cast<std::size_t>(r.*own)] += x * x.transpose() + penalty * Eigen::MatrixXd::Identity(width, width);
    sums.row(r.*own) += target * x;
  }
  // Biases are shrunk by a few ratings' weight, too, whatever the penalty.
  for (Eigen::Index i = 0; i < solved.rows(); ++i) {
    Eigen::MatrixXd& a = squares[static_cast<std::size_t>(i)];
    a.diagonal().array() += 1e-9;
    a(0, 0) += 5;
    solved.row(i) = a.llt().solve(sums.row(i).transpose()).transpose();
  }
}

}  // namespace

AlternatingLeastSquares::AlternatingLeastSquares(std::span<const Rating> ratings, std::int64_t user_count,
                                                 std::int64_t item_count, const Options& options)
    : width(1 + options.factors),
      users(static_cast<std::size_t>(user_count * width)),
      items(static_cast<std::size_t>(item_count * width)) {
  for (const Rating& r : ratings) mean += r.value / static_cast<double>(ratings.size());
  Rng rng(options.seed);
  const Tensor start = 0.1 * randn({item_count, width}, f64, rng);
  items = start.values();
  for (std::size_t i = 0; i < items.size(); i += static_cast<std::size_t>(width)) items[i] = 0;
  const Rows user_rows(users.data(), user_count, width), item_rows(items.data(), item_count, width);
  for (int round = 0; round < options.rounds; ++round) {
    solve_side(ratings, mean, options.penalty, &Rating::user, &Rating::item, user_rows, item_rows);
    solve_side(ratings, mean, options.penalty, &Rating::item, &Rating::user, item_rows, user_rows);
  }
}

double AlternatingLeastSquares::predict(const Rating& asked) const {
  const double* const user = users.data() + asked.user * width;
  const double* const item = items.data() + asked.item * width;
  double answer = mean + user[0] + item[0];
  for (std::int64_t f = 1; f < width; ++f) answer += user[f] * item[f];
  return answer;
}

AlternatingLeastSquares fit_als(std::span<const Rating> train, std::span<const Rating> validation, std::int64_t users,
                                std::int64_t items, std::int64_t factors, std::uint64_t seed) {
  double best = 0, least = std::numeric_limits<double>::infinity();
  for (const double penalty : {0.003, 0.01, 0.03, 0.1, 0.2, 0.4}) {
    const AlternatingLeastSquares fit(train, users, items, {.factors = factors, .penalty = penalty, .seed = seed});
    double error = 0;
    for (const Rating& r : validation) error += (fit.predict(r) - r.value) * (fit.predict(r) - r.value);
    if (error < least) least = error, best = penalty;
  }
  std::vector<Rating> both(train.begin(), train.end());
  both.insert(both.end(), validation.begin(), validation.end());
  return {both, users, items, {.factors = factors, .penalty = best, .seed = seed}};
}

}  // namespace tapegrad::tools
