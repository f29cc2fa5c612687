#pragma once
// Recordings, what a thread's tape is used through, and adjoints, what is read from them.

#include <optional>
#include <span>
#include <tapegrad/scalar/active.hpp>

namespace tapegrad::scalars {

/// N adjoints of each value of a recording: N gradients, or rows of a Jacobian, in one sweep.
///
///   Adjoints<double, 2> adjoints(recording);
///   adjoints.add(y0, 1, 0);
///   adjoints.add(y1, 1, 1);
///   adjoints.sweep();
///   adjoints.of(x, 1);  // dy1/dx
template <class T, int N>
class Adjoints {
 public:
  explicit Adjoints(const Recording<T>& recording) : recording_(recording) {}

  /// Adds to the adjoint of y, before a sweep; nothing where y is a constant.
  void add(const Active<T>& y, const T& cotangent, int lane = 0) {
    if (y.is_constant()) return;
    const std::size_t place = recording_.place_of(y);
    fit();
    detail::lane_of(adjoints_[place], lane) += cotangent;
  }
  T of(const Active<T>& x, int lane = 0) const {
    if (x.is_constant()) return T(0);
    const std::size_t place = recording_.place_of(x);
    return place < adjoints_.size() ? detail::lane_of(adjoints_[place], lane) : T(0);
  }

  /// From the last statement to the first.
  void sweep() { sweep_down_to(recording_.start_.index); }
  /// To that position; the adjoints of what comes after it are 0 again, so that the recording can be rewound to it and
  /// go on. Those of what comes before are added up from sweep to sweep.
  void sweep(const typename detail::Tape<T>::Position& stop) {
    sweep_down_to(stop.index);
    for (std::size_t i = stop.index - recording_.start_.index; i < adjoints_.size(); ++i) adjoints_[i] = {};
  }
  void clear() { adjoints_.clear(); }

 private:
  friend class Recording<T>;
  using Adjoint = std::conditional_t<N == 1, T, detail::Lanes<T, N>>;

  void fit() {
    if (adjoints_.size() < recording_.statements()) adjoints_.resize(recording_.statements());
  }
  void sweep_down_to(Index stop) {
    recording_.require_innermost();
    fit();
    recording_.tape_.sweep(adjoints_.data(), recording_.start_.index, stop);
  }

  const Recording<T>& recording_;
  std::vector<Adjoint> adjoints_;
};

/// An argument of a statement, by their places among the statements, and the derivative for it: none where a function
/// given to external() is asked for it.
template <class T>
struct Dependence {
  std::size_t result, argument;
  std::optional<T> partial;
};

/// A part of the tape of this thread: from its construction to its end, what is done to values that depend on its
/// inputs is recorded. At its end the tape is as it was, and keeps its memory for the next one; its values are
/// constants no longer, and refused where they are used.
///
/// Recordings nest. An inner one has inputs of its own and refuses values of the outer: its gradients are plain
/// numbers, which could not depend on them. To differentiate a derivative, nest the types: Active<Active<double>>.
template <class T = double>
class Recording {
 public:
  /// A state of the recording, to go back to.
  using Position = typename detail::Tape<T>::Position;

  Recording() : tape_(detail::Tape<T>::of_thread()), start_(tape_.begin()) {
    adjoints_.adjoints_ = std::move(tape_.spare_adjoints);
  }
  ~Recording() {
    adjoints_.clear();
    if (tape_.spare_adjoints.capacity() < adjoints_.adjoints_.capacity())
      tape_.spare_adjoints = std::move(adjoints_.adjoints_);
    tape_.end(start_);
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// A value that gradients are wanted for.
  Active<T> input(const T& value) {
    Active<T> x(value);
    make_input(x);
    return x;
  }
  /// Makes a value one, whatever it depended on before.
  void make_input(Active<T>& x) {
    require_innermost();
    x.index_ = new_statement(0);
    x.epoch_ = detail::cursor<T>.epoch;
  }

  /// A statement with derivatives given by hand: a value, what it depends on, and the derivative for each.
  Active<T> statement(const T& value, std::span<const Active<T>> arguments, std::span<const T> partials);

  /// Results that a function of plain numbers has, whose gradient is asked of `pull` in each sweep: from a cotangent
  /// for each result to a gradient for each argument.
  std::vector<Active<T>> external(std::span<const T> values, std::span<const Active<T>> arguments,
                                  std::function<void(const T* cotangents, T* gradients)> pull);

  Position position() const {
    require_innermost();
    return tape_.here();
  }
  /// Forgets what was recorded since; its memory is used again. GraphError for a position that was itself forgotten.
  void rewind(const Position& to) {
    require_innermost();
    tape_.rewind(to);
  }

  /// The gradient of y, for grad(). ValueError where several are given and another number of cotangents.
  void backward(const Active<T>& y) {
    const T one(1);
    backward(std::span(&y, 1), std::span(&one, 1));
  }
  void backward(std::span<const Active<T>> y, std::span<const T> cotangents);
  /// Of the last backward(); 0 where y does not depend on x, and for constants.
  T grad(const Active<T>& x) const { return adjoints_.of(x); }

  /// What each statement depends on: the tape as a graph.
  std::vector<Dependence<T>> dependences() const;
  /// Which of the statements() a value is, from 0. GraphError for a value of another recording, and a constant.
  std::size_t place_of(const Active<T>& x) const {
    if (x.is_constant()) detail::fail_constant();
    tape_.require_recorded(x.epoch_, x.index_);
    return x.index_ - start_.index - 1;
  }

  /// How many statements, with its inputs, and how many bytes of the tape they take.
  std::size_t statements() const { return detail::cursor<T>.index - start_.index; }
  std::size_t bytes() const { return tape_.bytes_since(start_); }

 private:
  template <class, int>
  friend class Adjoints;

  void require_innermost() const { tape_.require_recorded(start_.epoch, start_.index); }

  static Index new_statement(std::size_t arguments) {
    detail::Cursor<T>& at = detail::cursor<T>;
    const std::size_t bytes = arguments * detail::kArgumentBytes<T> + 1;
    if (static_cast<std::size_t>(at.bottom - at.top) < bytes) detail::Tape<T>::make_room(bytes);
    *--at.bottom = static_cast<char>(arguments);
    return ++at.index;
  }

  detail::Tape<T>& tape_;
  Position start_;
  Adjoints<T> adjoints_{*this};
};

// ---- definitions ----------------------------------------------------------------------------------------------------

template <class T>
Active<T> Recording<T>::statement(const T& value, std::span<const Active<T>> arguments, std::span<const T> partials) {
  if (partials.size() != arguments.size())
    detail::fail_size("statement(): the list of partial derivatives", partials.size(), arguments.size());
  require_innermost();
  for (const Active<T>& x : arguments)
    if (!x.is_constant()) tape_.require_recorded(x.epoch_, x.index_);
  // As many as a statement holds; the sum so far is the first argument of the next.
  constexpr std::size_t kMost = 255;
  Active<T> sum(value);
  for (std::size_t i = 0; i < arguments.size();) {
    if (arguments[i].is_constant()) {
      ++i;
      continue;
    }
    const Active<T> before = sum;
    if (detail::Cursor<T>& at = detail::cursor<T>;
        at.bottom - at.top < std::ptrdiff_t(kMost * detail::kArgumentBytes<T> + 1))
      detail::Tape<T>::make_room(kMost * detail::kArgumentBytes<T> + 1);
    typename Active<T>::Writer writer{detail::cursor<T>.top, detail::cursor<T>.epoch};
    if (!before.is_constant()) writer(before, T(1));
    for (; i < arguments.size() && writer.count < kMost; ++i) writer(arguments[i], partials[i]);
    sum.index_ = new_statement(0);
    *detail::cursor<T>.bottom = static_cast<char>(writer.count);
    detail::cursor<T>.top = writer.top;
    sum.epoch_ = detail::cursor<T>.epoch;
  }
  return sum;
}

template <class T>
std::vector<Active<T>> Recording<T>::external(std::span<const T> values, std::span<const Active<T>> arguments,
                                              std::function<void(const T* cotangents, T* gradients)> pull) {
  require_innermost();
  detail::External<T> external{detail::cursor<T>.index, {}, values.size(), std::move(pull)};
  for (const Active<T>& x : arguments) {
    if (!x.is_constant()) tape_.require_recorded(x.epoch_, x.index_);
    external.inputs.push_back(x.is_constant() ? 0 : x.index_);
  }
  std::vector<Active<T>> results;
  for (const T& value : values) results.push_back(input(value));
  tape_.add_external(std::move(external));
  return results;
}

template <class T>
std::vector<Dependence<T>> Recording<T>::dependences() const {
  require_innermost();
  std::vector<Dependence<T>> all;
  tape_.for_each_argument(start_.index, [&](Index result, Index argument, const T* partial) {
    if (argument > start_.index)
      all.push_back({result - start_.index - 1, argument - start_.index - 1,
                     partial ? std::optional<T>(*partial) : std::nullopt});
  });
  return all;
}

template <class T>
void Recording<T>::backward(std::span<const Active<T>> y, std::span<const T> cotangents) {
  if (cotangents.size() != y.size())
    detail::fail_size("backward(): the list of cotangents", cotangents.size(), y.size());
  require_innermost();
  adjoints_.clear();
  for (std::size_t i = 0; i < y.size(); ++i) adjoints_.add(y[i], cotangents[i]);
  adjoints_.sweep();
}

}  // namespace tapegrad::scalars
