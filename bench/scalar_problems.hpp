#pragma once
// Functions that AD benchmarks differentiate, as templates over the number. Inputs and data are drawn from a seed. A
// problem's constructor takes its size, the published one unless another is given; value(x) is the function.

#include <array>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace scalar_problems {

using std::size_t;

class Draws {
 public:
  double normal() { return std::normal_distribution<double>()(random_); }
  double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  std::vector<double> normals(size_t count, double scale = 1) {
    std::vector<double> x(count);
    for (double& v : x) v = scale * normal();
    return x;
  }
  std::vector<double> uniforms(size_t count, double low, double high) {
    std::vector<double> x(count);
    for (double& v : x) v = uniform(low, high);
    return x;
  }

 private:
  std::mt19937_64 random_{1};
};

template <class T>
T log_sum_exp(const std::vector<T>& x) {
  using std::exp, std::log;
  T most = x[0];
  for (const T& v : x)
    if (v > most) most = v;
  T sum = 0;
  for (const T& v : x) sum += exp(v - most);
  return most + log(sum);
}

/// H. H. Rosenbrock, 1960, in its chained form.
struct Rosenbrock {
  explicit Rosenbrock(size_t n = 1000) : inputs(Draws().uniforms(n, 0.5, 1.5)) {}
  template <class T>
  T value(const std::vector<T>& x) const {
    T sum = 0;
    for (size_t i = 0; i + 1 < x.size(); ++i) {
      const T a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
      sum += 100 * a * a + b * b;
    }
    return sum;
  }
  std::vector<double> inputs;
};

/// Prices of European calls: F. Black and M. Scholes, 1973. Of each: spot, strike, volatility, rate, time.
struct BlackScholes {
  explicit BlackScholes(size_t options = 1000) : inputs(Draws().uniforms(5 * options, 0.5, 1.5)) {
    constexpr double kScale[] = {100, 100, 0.3, 0.03, 1};
    for (size_t i = 0; i < inputs.size(); ++i) inputs[i] *= kScale[i % 5];
  }
  template <class T>
  T value(const std::vector<T>& x) const {
    using std::erfc, std::exp, std::log, std::sqrt;
    constexpr double kRootHalf = 0.70710678118654752440;
    T total = 0;
    for (size_t i = 0; i < x.size(); i += 5) {
      const T &spot = x[i], &strike = x[i + 1], &volatility = x[i + 2], &rate = x[i + 3], &time = x[i + 4];
      const T spread = volatility * sqrt(time);
      const T d1 = (log(spot / strike) + (rate + 0.5 * volatility * volatility) * time) / spread, d2 = d1 - spread;
      total += spot * (0.5 * erfc(-d1 * kRootHalf)) - strike * exp(-rate * time) * (0.5 * erfc(-d2 * kRootHalf));
    }
    return total;
  }
  std::vector<double> inputs;
};

/// ln det by elimination without pivoting, of a matrix with a heavy diagonal.
struct LogDeterminant {
  explicit LogDeterminant(size_t rows = 100) : rows_(rows), inputs(Draws().uniforms(rows_ * rows_, 0.5, 1.5)) {
    for (size_t i = 0; i < rows_; ++i) inputs[i * rows_ + i] += static_cast<double>(rows_);
  }
  template <class T>
  T value(std::vector<T> a) const {
    using std::log;
    T sum = 0;
    for (size_t k = 0; k < rows_; ++k) {
      const T inverse = 1 / a[k * rows_ + k];
      for (size_t i = k + 1; i < rows_; ++i) {
        const T factor = a[i * rows_ + k] * inverse;
        for (size_t j = k + 1; j < rows_; ++j) a[i * rows_ + j] -= factor * a[k * rows_ + j];
      }
      sum += log(a[k * rows_ + k]);
    }
    return sum;
  }
  size_t rows_;
  std::vector<double> inputs;
};

struct LogSumExp {
  explicit LogSumExp(size_t n = 1000) : inputs(Draws().normals(n)) {}
  template <class T>
  T value(const std::vector<T>& x) const {
    return log_sum_exp(x);
  }
  std::vector<double> inputs;
};

/// |A x - b|² / 2.
struct LeastSquares {
  explicit LeastSquares(size_t rows = 200, size_t columns = 50) : inputs(draws.normals(columns)) {
    a = draws.normals(rows * columns);
    b = draws.normals(rows);
  }
  template <class T>
  T value(const std::vector<T>& x) const {
    T sum = 0;
    for (size_t i = 0; i < b.size(); ++i) {
      T residual = -b[i];
      for (size_t j = 0; j < x.size(); ++j) residual += a[i * x.size() + j] * x[j];
      sum += residual * residual;
    }
    return 0.5 * sum;
  }
  Draws draws;
  std::vector<double> inputs, a, b;
};

/// The sum of squared distances of points to their nearest centre; the centres are the inputs.
struct KMeans {
  explicit KMeans(size_t points = 1000, size_t centres = 10, size_t axes = 10)
      : axes_(axes), inputs(draws.normals(centres * axes_)), points_(draws.normals(points * axes)) {}
  template <class T>
  T value(const std::vector<T>& x) const {
    T sum = 0;
    for (size_t p = 0; p < points_.size(); p += axes_) {
      T nearest = distance(x, 0, p);
      for (size_t c = axes_; c < x.size(); c += axes_) {
        const T here = distance(x, c, p);
        if (here < nearest) nearest = here;
      }
      sum += nearest;
    }
    return sum;
  }
  template <class T>
  T distance(const std::vector<T>& x, size_t centre, size_t point) const {
    T sum = 0;
    for (size_t i = 0; i < axes_; ++i) {
      const T difference = x[centre + i] - points_[point + i];
      sum += difference * difference;
    }
    return sum;
  }
  size_t axes_;
  Draws draws;
  std::vector<double> inputs, points_;
};

/// Log-posterior of a Gaussian mixture with a Wishart prior, up to a constant: F. Srajer, Z. Kukelova and A.
/// Fitzgibbon, 2018. Inputs: logits of the weights; means; of each precision's square root, the logarithms of its
/// diagonal and what is below it.
struct GaussianMixture {
  explicit GaussianMixture(size_t points = 1000, size_t axes = 10, size_t parts = 5)
      : axes_(axes),
        parts_(parts),
        inputs(draws.normals(parts_ * (1 + axes_ + triangle()), 0.5)),
        points_(draws.normals(points * axes)) {}
  size_t triangle() const { return axes_ * (axes_ + 1) / 2; }
  template <class T>
  T value(const std::vector<T>& x) const {
    using std::exp;
    const T* means = &x[parts_];
    const T* roots = means + parts_ * axes_;
    std::vector<T> diagonal(parts_ * axes_), log_determinant(parts_, T(0));
    T prior = 0;
    for (size_t k = 0; k < parts_; ++k) {
      const T* root = roots + k * triangle();
      for (size_t i = 0; i < axes_; ++i) {
        diagonal[k * axes_ + i] = exp(root[i]);
        log_determinant[k] += root[i];
        prior += diagonal[k * axes_ + i] * diagonal[k * axes_ + i];
      }
      for (size_t i = axes_; i < triangle(); ++i) prior += root[i] * root[i];
    }
    T sum = 0;
    std::vector<T> logs(parts_), centred(axes_), whitened(axes_);
    for (size_t p = 0; p < points_.size(); p += axes_) {
      for (size_t k = 0; k < parts_; ++k) {
        for (size_t i = 0; i < axes_; ++i) centred[i] = points_[p + i] - means[k * axes_ + i];
        for (size_t i = 0; i < axes_; ++i) whitened[i] = diagonal[k * axes_ + i] * centred[i];
        const T* below = roots + k * triangle() + axes_;
        for (size_t i = 0; i < axes_; ++i)
          for (size_t j = i + 1; j < axes_; ++j) whitened[j] += *below++ * centred[i];
        T squares = 0;
        for (const T& w : whitened) squares += w * w;
        logs[k] = x[k] + log_determinant[k] - 0.5 * squares;
      }
      sum += log_sum_exp(logs);
    }
    const std::vector<T> weights(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(parts_));
    return sum - static_cast<double>(points_.size() / axes_) * log_sum_exp(weights) + 0.5 * prior;
  }
  size_t axes_, parts_;
  Draws draws;
  std::vector<double> inputs, points_;
};

template <class T>
using Vector3 = std::array<T, 3>;

template <class T, class U>
T dot(const Vector3<T>& a, const Vector3<U>& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
template <class T>
Vector3<T> cross(const Vector3<T>& a, const Vector3<T>& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// The squared reprojection error: B. Triggs et al., 2000. Of each camera: rotation vector, centre, focal length,
/// principal point and two of radial distortion; then points in space.
struct BundleAdjustment {
  static constexpr size_t kCamera = 11;
  explicit BundleAdjustment(size_t cameras = 49, size_t points = 7776, size_t observations = 31843)
      : cameras_(cameras), observations_(observations) {
    for (size_t i = 0; i < cameras_; ++i)
      for (size_t j = 0; j < kCamera; ++j)
        inputs.push_back(j == 6 ? 500 : j == 5 ? -10 : draws.normal() * (j >= 9 ? 0.01 : 0.1));
    for (size_t i = 0; i < 3 * points; ++i) inputs.push_back(draws.normal());
    seen = draws.normals(2 * observations_);
  }
  template <class T>
  T value(const std::vector<T>& x) const {
    const size_t points = (x.size() - cameras_ * kCamera) / 3;
    T sum = 0;
    for (size_t i = 0; i < observations_; ++i) {
      const T* camera = &x[i % cameras_ * kCamera];
      const T* point = &x[cameras_ * kCamera + i * 7 % points * 3];
      const Vector3<T> away{point[0] - camera[3], point[1] - camera[4], point[2] - camera[5]};
      const Vector3<T> at = rotate({camera[0], camera[1], camera[2]}, away);
      const T u = at[0] / at[2], v = at[1] / at[2], squared = u * u + v * v;
      const T stretch = camera[6] * (1 + camera[9] * squared + camera[10] * squared * squared);
      const T right = u * stretch + camera[7] - seen[2 * i], down = v * stretch + camera[8] - seen[2 * i + 1];
      sum += right * right + down * down;
    }
    return sum;
  }
  /// O. Rodrigues, 1840.
  template <class T>
  static Vector3<T> rotate(const Vector3<T>& by, const Vector3<T>& x) {
    using std::cos, std::sin, std::sqrt;
    const T angle = sqrt(dot(by, by)), c = cos(angle), s = sin(angle);
    const Vector3<T> axis{by[0] / angle, by[1] / angle, by[2] / angle}, around = cross(axis, x);
    const T along = dot(axis, x) * (1 - c);
    return {x[0] * c + around[0] * s + axis[0] * along, x[1] * c + around[1] * s + axis[1] * along,
            x[2] * c + around[2] * s + axis[2] * along};
  }
  size_t cameras_, observations_;
  Draws draws;
  std::vector<double> inputs, seen;
};

/// Squared distances of points to a hand's skin: J. Taylor et al., 2014. A wrist with rotation and translation, five
/// fingers of four bones with four angles each: 26 inputs. Each vertex is moved by three bones.
struct HandTracking {
  static constexpr size_t kFingers = 5, kJoints = 4, kBones = 1 + kFingers * kJoints;
  explicit HandTracking(size_t vertices = 544) : inputs(draws.normals(6 + 4 * kFingers, 0.2)) {
    for (size_t i = 0; i < vertices; ++i) {
      const size_t finger = i % kFingers, joint = i / kFingers % kJoints;
      const double a = draws.uniform(0.1, 1), b = draws.uniform(0.1, 1), c = draws.uniform(0.1, 1), sum = a + b + c;
      weights.push_back({a / sum, b / sum, c / sum});
      bones.push_back({0, bone(finger, joint), bone(finger, joint > 0 ? joint - 1 : 0)});
    }
    rest = draws.normals(3 * vertices);
    seen = draws.normals(3 * vertices);
  }
  static size_t bone(size_t finger, size_t joint) { return 1 + finger * kJoints + joint; }

  /// A rotation, row by row, and a translation.
  template <class T>
  struct Pose {
    std::array<Vector3<T>, 3> rows;
    Vector3<T> at;
    template <class U>
    Vector3<T> operator()(const Vector3<U>& x) const {
      return {dot(rows[0], x) + at[0], dot(rows[1], x) + at[1], dot(rows[2], x) + at[2]};
    }
    Pose operator*(const Pose& inner) const {
      Pose product;
      for (size_t i = 0; i < 3; ++i) {
        for (size_t j = 0; j < 3; ++j)
          product.rows[i][j] =
              rows[i][0] * inner.rows[0][j] + rows[i][1] * inner.rows[1][j] + rows[i][2] * inner.rows[2][j];
      }
      product.at = (*this)(inner.at);
      return product;
    }
  };
  /// By angles around x, y and z, in this order.
  template <class T>
  static Pose<T> pose(const T& x, const T& y, const T& z, const Vector3<T>& at) {
    using std::cos, std::sin;
    const T cx = cos(x), sx = sin(x), cy = cos(y), sy = sin(y), cz = cos(z), sz = sin(z);
    return {{{{cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx},
              {sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx},
              {-sy, cy * sx, cy * cx}}},
            at};
  }
  template <class T>
  T value(const std::vector<T>& x) const {
    std::vector<Pose<T>> poses(kBones);
    poses[0] = pose<T>(x[0], x[1], x[2], {x[3], x[4], x[5]});
    for (size_t f = 0; f < kFingers; ++f) {
      const T* angles = &x[6 + 4 * f];
      const double side = 0.3 * (static_cast<double>(f) - 2);
      poses[bone(f, 0)] = poses[0] * pose<T>(0, 0, 0, {side, 1, 0});
      poses[bone(f, 1)] = poses[bone(f, 0)] * pose<T>(angles[0], 0, angles[1], {0, 0.5, 0});
      for (size_t j = 2; j < kJoints; ++j)
        poses[bone(f, j)] = poses[bone(f, j - 1)] * pose<T>(angles[j], 0, 0, {0, 0.4, 0});
    }
    T sum = 0;
    for (size_t v = 0; v < weights.size(); ++v) {
      const Vector3<double> vertex{rest[3 * v], rest[3 * v + 1], rest[3 * v + 2]};
      Vector3<T> skin{T(0), T(0), T(0)};
      for (size_t b = 0; b < 3; ++b) {
        const Vector3<T> moved = poses[bones[v][b]](vertex);
        for (size_t i = 0; i < 3; ++i) skin[i] += weights[v][b] * moved[i];
      }
      for (size_t i = 0; i < 3; ++i) {
        const T difference = skin[i] - seen[3 * v + i];
        sum += difference * difference;
      }
    }
    return sum;
  }
  Draws draws;
  std::vector<double> inputs, rest, seen;
  std::vector<Vector3<double>> weights;
  std::vector<std::array<size_t, 3>> bones;
};

/// Negative log-likelihood of a text of characters in bits, by an LSTM whose gates see their own unit alone: the
/// benchmark of Srajer, Kukelova and Fitzgibbon. Of each layer weights and biases of four gates, then three vectors
/// that scale what goes in and what comes out.
struct Lstm {
  static constexpr size_t kGates = 4;
  explicit Lstm(size_t characters = 1024, size_t layers = 2, size_t bits = 14)
      : characters_(characters),
        layers_(layers),
        bits_(bits),
        inputs(draws.normals(layers_ * 2 * kGates * bits_ + 3 * bits_, 0.5)) {
    for (size_t i = 0; i < characters_ * bits_; ++i) text.push_back(draws.uniform(0, 1) < 0.5 ? 0 : 1);
  }
  template <class T>
  T value(const std::vector<T>& x) const {
    using std::exp, std::log, std::tanh;
    const auto sigmoid = [](const T& z) -> T { return 1 / (1 + exp(-z)); };
    const T* scale = &x[layers_ * 2 * kGates * bits_];
    std::vector<T> hidden(layers_ * bits_, T(0)), cell(layers_ * bits_, T(0)), signal(bits_);
    T sum = 0;
    for (size_t c = 0; c + 1 < characters_; ++c) {
      for (size_t i = 0; i < bits_; ++i) signal[i] = text[c * bits_ + i] * scale[i];
      for (size_t l = 0; l < layers_; ++l) {
        const T* weight = &x[l * 2 * kGates * bits_];
        const T* bias = weight + kGates * bits_;
        for (size_t i = 0; i < bits_; ++i) {
          T &h = hidden[l * bits_ + i], &s = cell[l * bits_ + i];
          const T forget = sigmoid(signal[i] * weight[i] + bias[i]);
          const T in = sigmoid(h * weight[bits_ + i] + bias[bits_ + i]);
          const T out = sigmoid(signal[i] * weight[2 * bits_ + i] + bias[2 * bits_ + i]);
          const T change = tanh(h * weight[3 * bits_ + i] + bias[3 * bits_ + i]);
          s = s * forget + in * change;
          h = out * tanh(s);
          signal[i] = h;
        }
      }
      T total = 2;
      for (size_t i = 0; i < bits_; ++i) {
        signal[i] = signal[i] * scale[bits_ + i] + scale[2 * bits_ + i];
        total += exp(signal[i]);
      }
      const T log_total = log(total);
      for (size_t i = 0; i < bits_; ++i) sum += text[(c + 1) * bits_ + i] * (signal[i] - log_total);
    }
    return -sum / static_cast<double>(characters_ * bits_);
  }
  size_t characters_, layers_, bits_;
  Draws draws;
  std::vector<double> inputs, text;
};

/// |x|² at the end of a weather of forty variables: E. N. Lorenz, 1996, by the classical Runge-Kutta method. Inputs:
/// the state at first, and the forcing.
struct Ode {
  explicit Ode(size_t steps = 100, size_t variables = 40) : steps_(steps), inputs(Draws().normals(variables)) {
    inputs.push_back(8);
  }
  template <class T>
  T value(const std::vector<T>& x) const {
    const size_t n = x.size() - 1;
    const double step = 0.01;
    const auto slope = [&](const std::vector<T>& y) {
      std::vector<T> s(n);
      for (size_t i = 0; i < n; ++i) s[i] = (y[(i + 1) % n] - y[(i + n - 2) % n]) * y[(i + n - 1) % n] - y[i] + x[n];
      return s;
    };
    const auto ahead = [&](const std::vector<T>& y, double by, const std::vector<T>& s) {
      std::vector<T> z(n);
      for (size_t i = 0; i < n; ++i) z[i] = y[i] + by * s[i];
      return z;
    };
    std::vector<T> y(x.begin(), x.end() - 1);
    for (size_t t = 0; t < steps_; ++t) {
      const std::vector<T> a = slope(y), b = slope(ahead(y, step / 2, a)), c = slope(ahead(y, step / 2, b)),
                           d = slope(ahead(y, step, c));
      for (size_t i = 0; i < n; ++i) y[i] += step / 6 * (a[i] + 2 * (b[i] + c[i]) + d[i]);
    }
    T sum = 0;
    for (const T& v : y) sum += v * v;
    return sum;
  }
  size_t steps_;
  std::vector<double> inputs;
};

}  // namespace scalar_problems
