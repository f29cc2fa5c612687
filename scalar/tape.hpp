#pragma once
// The tape of a thread: statements in the order in which they were carried out, each with its arguments and the partial
// derivatives for them. Programs use it through a Recording.
//
// A chunk of it holds arguments from below, a partial derivative and an index each, and from above one byte a
// statement, the number of its arguments: what is free is between them, so that one comparison tells whether there is
// room.

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <tapegrad/scalar/failure.hpp>
#include <tapegrad/scalar/number.hpp>
#include <type_traits>
#include <vector>

namespace tapegrad::scalars {

/// Of a statement on its thread's tape, from 1; 0 for none.
using Index = std::uint32_t;

namespace detail {

/// Where a thread records next. Apart from its tape, because what has no destructor is reached without a guard.
template <class T>
struct Cursor {
  char* top = nullptr;     ///< behind the last argument
  char* bottom = nullptr;  ///< the number of arguments of the last statement
  Index index = 0;         ///< of the last statement
  Epoch epoch = 0;         ///< of what is recorded now; 0 while nothing is
};
template <class T>
inline constinit thread_local Cursor<T> cursor{};

inline constinit std::atomic<Epoch> next_epoch{1};
inline Epoch new_epoch() {
  const Epoch epoch = next_epoch.fetch_add(1, std::memory_order_relaxed);
  return epoch != 0 ? epoch : next_epoch.fetch_add(1, std::memory_order_relaxed);
}

template <class T>
inline constexpr std::size_t kArgumentBytes = sizeof(T) + sizeof(Index);

template <class T>
[[gnu::always_inline]] inline void put_argument(char* at, const T& partial, Index index) {
  std::memcpy(at, static_cast<const void*>(&partial), sizeof(T));
  std::memcpy(at + sizeof(T), &index, sizeof(Index));
}
template <class T>
[[gnu::always_inline]] inline void get_argument(const char* at, T& partial, Index& index) {
  std::memcpy(static_cast<void*>(&partial), at, sizeof(T));
  std::memcpy(&index, at + sizeof(T), sizeof(Index));
}

/// A function whose gradient is computed by a function of its own, when the sweep comes to it.
template <class T>
struct External {
  Index before;  ///< the last statement before its results, which have the indices that follow
  std::vector<Index> inputs;
  std::size_t results;
  std::function<void(const T* cotangents, T* gradients)> pull;
};

template <class T>
class Tape {
  static_assert(std::is_trivially_copyable_v<T>, "the number type of a tape must be one that memcpy copies");

 public:
  struct Position {
    Index index;
    Epoch epoch;
    std::size_t chunk;
    char *top, *bottom;
  };

  static Tape& of_thread() {
    thread_local Tape tape;
    return tape;
  }
  Tape() = default;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;
  ~Tape() { cursor<T> = {}; }

  /// Memory for the adjoints of the next recording: large blocks cost page faults each time they are allocated.
  std::vector<T> spare_adjoints;

  // ---- recordings ---------------------------------------------------------------------------------------------------

  Position begin() {
    if (chunks_.empty()) {
      add_chunk(0, 1);
      enter();
    }
    const Cursor<T>& at = cursor<T>;
    stretches_.push_back({new_epoch(), at.index + 1, true});
    cursor<T>.epoch = stretches_.back().epoch;
    return here();
  }
  /// Ends the recording that began there, and all within it.
  void end(const Position& start) {
    const std::size_t at = stretch_of(start.epoch);
    if (at == stretches_.size()) return;  // an enclosing one has ended
    stretches_.resize(at);
    go_to(start);
    cursor<T>.epoch = stretches_.empty() ? 0 : stretches_.back().epoch;
  }

  Position here() const {
    const Cursor<T>& at = cursor<T>;
    // Right after a rewind it is where the stretch before now ends: rewinding to it again adds no stretch.
    const std::size_t last = stretches_.size() - 1;
    const bool rewound = stretches_[last].first > at.index && !stretches_[last].begins_recording;
    return {at.index, stretches_[rewound ? last - 1 : last].epoch, chunk_, at.top, at.bottom};
  }
  /// Forgets what was recorded since. Earlier values stay; later ones are stale.
  void rewind(const Position& to) {
    const std::size_t at = stretch_of(to.epoch);
    if (at == stretches_.size() || to.index > last_of(at) || in_inner(at)) fail_position();
    stretches_.resize(at + 1);
    stretches_.push_back({new_epoch(), to.index + 1, false});  // what comes must not be taken for what was
    go_to(to);
    cursor<T>.epoch = stretches_.back().epoch;
  }

  /// Fails unless the value is of the innermost recording.
  void require_recorded(Epoch epoch, Index index) const {
    if (epoch == cursor<T>.epoch && epoch != 0) return;
    require_earlier(epoch, index);
  }

  /// Room for a statement of so many bytes.
  [[gnu::noinline]] static void make_room(std::size_t bytes) {
    if (cursor<T>.epoch == 0) fail_stale();
    Tape& tape = of_thread();
    tape.chunks_[tape.chunk_].leave(cursor<T>);
    const std::size_t next = tape.chunk_ + 1;
    if (next == tape.chunks_.size() || tape.chunks_[next].size < bytes) tape.add_chunk(next, bytes);
    if (cursor<T>.index > ~Index{0} - tape.chunks_[next].size) fail_full();  // with as many statements as may be in it
    tape.chunk_ = next;
    tape.enter();
  }

  void add_external(External<T> external) { externals_.push_back(std::move(external)); }

  // ---- the sweep ----------------------------------------------------------------------------------------------------

  /// Takes the adjoints of the statements after `stop` to their arguments; adjoints[0] is that of statement base + 1.
  /// Arguments up to `base` are left out.
  template <class Adjoint>
  void sweep(Adjoint* adjoints, Index base, Index stop) const {
    Walk walk{*this, chunk_, cursor<T>.top, cursor<T>.bottom, cursor<T>.index};
    for (std::size_t e = externals_.size(); e-- > 0 && externals_[e].before >= stop;) {
      walk.template down_to<Adjoint>(adjoints, base, externals_[e].before);
      pull_external(externals_[e], adjoints, base);
    }
    walk.template down_to<Adjoint>(adjoints, base, stop);
  }

  /// f(statement, argument, partial derivative) for what was recorded after `base`, the last statement first; the
  /// derivative is null where an external function is asked for it.
  template <class F>
  void for_each_argument(Index base, F&& f) const {
    std::size_t chunk = chunk_;
    const char *arguments = cursor<T>.top, *counts = cursor<T>.bottom;
    for (Index i = cursor<T>.index; i > base; --i) {
      while (chunks_[chunk].before == i) {
        --chunk;
        arguments = chunks_[chunk].top;
        counts = chunks_[chunk].bottom;
      }
      const std::size_t bytes = static_cast<unsigned char>(*counts++) * kArgumentBytes<T>;
      arguments -= bytes;
      for (std::size_t at = 0; at < bytes; at += kArgumentBytes<T>) {
        T partial;
        Index to;
        get_argument(arguments + at, partial, to);
        f(i, to, &partial);
      }
    }
    for (const External<T>& external : externals_)
      if (external.before >= base)
        for (std::size_t result = 0; result < external.results; ++result)
          for (const Index input : external.inputs)
            if (input > 0) f(static_cast<Index>(external.before + 1 + result), input, static_cast<const T*>(nullptr));
  }

  std::size_t bytes_since(const Position& start) const {
    std::size_t bytes = 0;
    for (std::size_t c = start.chunk; c <= chunk_; ++c) {
      const char* data = chunks_[c].data.get();
      const char* top = c == chunk_ ? cursor<T>.top : chunks_[c].top;
      const char* bottom = c == chunk_ ? cursor<T>.bottom : chunks_[c].bottom;
      bytes += static_cast<std::size_t>(top - (c == start.chunk ? start.top : data));
      bytes += static_cast<std::size_t>((c == start.chunk ? start.bottom : data + chunks_[c].size) - bottom);
    }
    return bytes;
  }

 private:
  struct Chunk {
    std::unique_ptr<char[]> data;
    std::size_t size;
    Index before = 0;  ///< the last statement before it
    char *top = nullptr, *bottom = nullptr;
    void leave(const Cursor<T>& at) {
      top = at.top;
      bottom = at.bottom;
    }
  };
  /// What was recorded from `first` on until the next began.
  struct Stretch {
    Epoch epoch;
    Index first;
    bool begins_recording;
  };

  struct Walk {
    const Tape& tape;
    std::size_t chunk;
    const char *top, *bottom;
    Index index;

    template <class Adjoint>
    void down_to(Adjoint* adjoints, Index base, Index stop) {
      while (index > stop) {
        const Index before = tape.chunks_[chunk].before;
        statements<Adjoint>(adjoints, base, before > stop ? before : stop);
        if (index > stop) {
          --chunk;
          top = tape.chunks_[chunk].top;
          bottom = tape.chunks_[chunk].bottom;
        }
      }
    }

    template <class Adjoint>
    void statements(Adjoint* adjoints, Index base, Index stop) {
      const char *arguments = top, *counts = bottom;
      Index i = index;
      for (; i > stop; --i) {
        const auto count = static_cast<unsigned char>(*counts++);
        const Adjoint g = adjoints[i - base - 1];
        const char* end = arguments;
        arguments -= count * kArgumentBytes<T>;
        if (vanishes(g)) continue;  // its statement is not used: a slope there may be infinite
        for (const char* a = arguments; a != end; a += kArgumentBytes<T>) {
          T partial;
          Index to;
          get_argument(a, partial, to);
          if (to > base) adjoints[to - base - 1] += carried(partial, g);
        }
      }
      top = arguments;
      bottom = counts;
      index = i;
    }
  };

  template <class Adjoint>
  void pull_external(const External<T>& external, Adjoint* adjoints, Index base) const {
    if constexpr (!std::same_as<Adjoint, T> &&
                  lanes<Adjoint> == 1) {  // what depends on what: all results on all inputs
      Adjoint all{};
      for (std::size_t i = 0; i < external.results; ++i) all += adjoints[external.before + i - base];
      for (const Index input : external.inputs)
        if (input > base) adjoints[input - base - 1] += all;
    } else {
      std::vector<T> cotangents(external.results), gradients(external.inputs.size());
      for (int lane = 0; lane < lanes<Adjoint>; ++lane) {
        for (std::size_t i = 0; i < cotangents.size(); ++i)
          cotangents[i] = lane_of(adjoints[external.before + i - base], lane);
        external.pull(cotangents.data(), gradients.data());
        for (std::size_t i = 0; i < gradients.size(); ++i)
          if (external.inputs[i] > base) lane_of(adjoints[external.inputs[i] - base - 1], lane) += gradients[i];
      }
    }
  }

  [[gnu::noinline]] void require_earlier(Epoch epoch, Index index) const {
    const std::size_t at = stretch_of(epoch);
    if (at == stretches_.size() || index > last_of(at)) fail_stale();
    if (in_inner(at)) fail_enclosing();
  }

  std::size_t stretch_of(Epoch epoch) const {
    std::size_t at = stretches_.size();
    while (at > 0 && stretches_[at - 1].epoch != epoch) --at;
    return at > 0 ? at - 1 : stretches_.size();
  }
  Index last_of(std::size_t stretch) const {
    return stretch + 1 < stretches_.size() ? stretches_[stretch + 1].first - 1 : cursor<T>.index;
  }
  /// Whether a recording has begun since that stretch.
  bool in_inner(std::size_t stretch) const {
    for (std::size_t at = stretch + 1; at < stretches_.size(); ++at)
      if (stretches_[at].begins_recording) return true;
    return false;
  }

  void add_chunk(std::size_t place, std::size_t bytes) {
    constexpr std::size_t kFirst = std::size_t{1} << 16, kMost = std::size_t{1} << 22;
    std::size_t size = place == 0 ? kFirst : chunks_[place - 1].size * 2;
    if (size > kMost) size = kMost;
    if (size < bytes) size = bytes;
    std::unique_ptr<char[]> data(new (std::nothrow) char[size]);
    if (!data) fail_memory(size);
    chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(place), Chunk{std::move(data), size});
  }
  void enter() {
    Chunk& chunk = chunks_[chunk_];
    chunk.before = cursor<T>.index;
    cursor<T>.top = chunk.data.get();
    cursor<T>.bottom = chunk.data.get() + chunk.size;
  }
  void go_to(const Position& to) {
    chunk_ = to.chunk;
    cursor<T>.top = to.top;
    cursor<T>.bottom = to.bottom;
    cursor<T>.index = to.index;
    while (!externals_.empty() && externals_.back().before >= to.index) externals_.pop_back();
  }

  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0;  ///< the one that is written to
  std::vector<Stretch> stretches_;
  std::vector<External<T>> externals_;
};

}  // namespace detail
}  // namespace tapegrad::scalars
