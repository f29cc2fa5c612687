#pragma once
// Active<T>, a number that puts what happens to it on the tape of its thread: reverse mode, the gradient of one result
// for any number of inputs at a small multiple of its cost. Real is Active<double>.
//
//   Recording recording;
//   Real x = recording.input(2.0), y = recording.input(3.0);
//   Real z = x * y + sin(x);
//   recording.backward(z);
//   recording.grad(x);  // y + cos(x)

#include <limits>
#include <tapegrad/scalar/expression.hpp>
#include <tapegrad/scalar/tape.hpp>

namespace tapegrad::scalars {

template <class T>
class Recording;
template <class T = double, int N = 1>
class Adjoints;

/// T is float, double, long double, a Dual or an Active. A copy is the same value of the tape; an Active made from a
/// number is a constant, and costs what the number costs. Made outside of any recording, all are constants.
template <class T>
class Active : public detail::NoDoubleAlone {
 public:
  using Value = T;
  using Result = Active;
  static constexpr int kArguments = 1;

  constexpr Active() = default;
  /// A constant.
  template <class U>
  requires(detail::depth<U> <= detail::depth<T> && std::is_convertible_v<const U&, T>) constexpr Active(const U& value)
      : value_(static_cast<T>(value)) {}
  template <class U>
  requires(std::is_arithmetic_v<U> && !std::is_convertible_v<const U&, T>) constexpr Active(U value) : value_(value) {}
  /// One statement for the whole expression.
  template <class E>
  requires(std::same_as<typename E::Result, Active> && !std::same_as<E, Active>)
      [[gnu::always_inline]] Active(const E& e)
      : value_(e.value()) {
    record(e);
  }

  [[gnu::always_inline]] const T& value() const { return value_; }
  /// Whether it is a constant: no gradient is computed for it.
  bool is_constant() const { return epoch_ == 0; }
  Index index() const { return index_; }

  /// The whole part; it has no derivative to lose.
  template <std::integral U>
  explicit operator U() const {
    return static_cast<U>(value_);
  }
  explicit operator bool() const { return value_ != 0; }

  // What an expression has.
  [[gnu::always_inline]] Epoch epochs() const { return epoch_; }
  template <class Sink>
  [[gnu::always_inline]] void push(const T& g, Sink& sink) const {
    sink(*this, g);
  }

  friend bool vanishes(const Active& x) {
    using detail::vanishes;
    return x.is_constant() && vanishes(x.value_);
  }
  [[gnu::always_inline]] friend auto innermost(const Active& x) {
    using detail::innermost;
    return innermost(x.value_);
  }

 private:
  template <class>
  friend class Recording;
  template <class, int>
  friend class Adjoints;
  template <class>
  friend class Statement;

  struct Writer {
    char* top;
    Epoch epoch;
    unsigned char count = 0;
    [[gnu::always_inline]] void operator()(const Active& argument, const T& partial) {
      if (argument.epoch_ != epoch) [[unlikely]] {
        if (argument.epoch_ == 0) return;
        detail::Tape<T>::of_thread().require_recorded(argument.epoch_, argument.index_);
      }
      detail::put_argument(top, partial, argument.index_);
      top += detail::kArgumentBytes<T>;
      ++count;
    }
  };

  template <class E>
  [[gnu::always_inline]] void record(const E& e) {
    static_assert(E::kArguments < 256, "the expression has more than 255 Active values; take it apart");
    if (e.epochs() == 0) return;
    constexpr std::size_t kMost = E::kArguments * detail::kArgumentBytes<T> + 1;
    detail::Cursor<T>& at = detail::cursor<T>;
    if (static_cast<std::size_t>(at.bottom - at.top) < kMost) [[unlikely]]
      detail::Tape<T>::make_room(kMost);
    Writer writer{at.top, at.epoch};
    e.push(T(1), writer);
    *--at.bottom = static_cast<char>(writer.count);
    at.top = writer.top;
    index_ = ++at.index;
    epoch_ = at.epoch;
  }

  T value_{};
  Index index_ = 0;
  Epoch epoch_ = 0;
};

using Real = Active<double>;

}  // namespace tapegrad::scalars
