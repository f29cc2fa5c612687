#pragma once
// The lanes of a slab, each as a contiguous row: kernels that walk along an axis are written for rows only. Where lanes
// are columns, some adjoining ones are copied at a time, so that whole cache lines are read and written.

#include <algorithm>
#include <memory>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/internal/slab.hpp>

namespace tapegrad::kernels {

/// Some adjoining lanes, one thread's work at a time.
struct LaneGroup {
  const Slab& slab;
  std::int64_t first, lanes;

  bool rows() const { return slab.inner == 1; }
  /// Of the first element; in a group of columns they all belong to one outer position.
  std::int64_t offset() const {
    return rows() ? first * slab.count : first / slab.inner * slab.count * slab.inner + first % slab.inner;
  }
};

/// Calls `body(group)` for groups that cover the slab; which they are depends on its shape alone.
template <class Body>
void for_lane_groups(const Slab& s, const Body& body) {
  constexpr std::int64_t kElements = 1 << 14, kColumns = 16, kParallelElements = 1 << 16;
  const bool parallel = s.numel() >= kParallelElements;
  if (s.inner == 1) {
    for_blocks(s.outer, rows_of(kElements, s.count), parallel, [&](std::int64_t first, std::int64_t last) {
      body(LaneGroup{s, first, last - first});
    });
    return;
  }
  for_columns(s, kColumns, parallel, [&](std::int64_t o, std::int64_t begin, std::int64_t columns) {
    body(LaneGroup{s, o * s.inner + begin, columns});
  });
}

/// The lanes of a group, to be read.
template <class T>
class LaneReader {
 public:
  LaneReader(const LaneGroup& g, const T* x) : count_(g.slab.count), rows_(x + g.offset()) {
    if (g.rows()) return;
    copy_ = std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(g.lanes * count_));
    for (std::int64_t i = 0; i < count_; ++i)
      for (std::int64_t l = 0; l < g.lanes; ++l)
        copy_[static_cast<std::size_t>(l * count_ + i)] = rows_[i * g.slab.inner + l];
    rows_ = copy_.get();
  }
  LaneReader(const LaneReader&) = delete;
  LaneReader& operator=(const LaneReader&) = delete;

  const T* operator[](std::int64_t lane) const { return rows_ + lane * count_; }

 private:
  std::int64_t count_;
  const T* rows_;
  std::unique_ptr<T[]> copy_;
};

/// The lanes of a group, to be written; copied to their places when it is destroyed.
template <class T>
class LaneWriter {
 public:
  LaneWriter(const LaneGroup& g, T* y) : group_(g), target_(y + g.offset()), rows_(target_) {
    if (g.rows()) return;
    copy_ = std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(g.lanes * g.slab.count));
    rows_ = copy_.get();
  }
  ~LaneWriter() {
    if (group_.rows()) return;
    for (std::int64_t i = 0; i < group_.slab.count; ++i)
      for (std::int64_t l = 0; l < group_.lanes; ++l)
        target_[i * group_.slab.inner + l] = copy_[static_cast<std::size_t>(l * group_.slab.count + i)];
  }
  LaneWriter(const LaneWriter&) = delete;
  LaneWriter& operator=(const LaneWriter&) = delete;

  T* operator[](std::int64_t lane) { return rows_ + lane * group_.slab.count; }

 private:
  const LaneGroup& group_;
  T* target_;
  T* rows_;
  std::unique_ptr<T[]> copy_;
};

/// y[lane] = body(row), the row having slab.count elements.
template <class T, class Y, class Body>
void reduce_lanes(const Slab& s, const T* x, Y* y, const Body& body) {
  for_lane_groups(s, [&](const LaneGroup& group) {
    const LaneReader<T> in(group, x);
    for (std::int64_t l = 0; l < group.lanes; ++l) y[group.first + l] = body(in[l]);
  });
}

/// body(row, out) for each lane, both having slab.count elements.
template <class T, class Y, class Body>
void map_lanes(const Slab& s, const T* x, Y* y, const Body& body) {
  for_lane_groups(s, [&](const LaneGroup& group) {
    const LaneReader<T> in(group, x);
    LaneWriter<Y> out(group, y);
    for (std::int64_t l = 0; l < group.lanes; ++l) body(in[l], out[l]);
  });
}

}  // namespace tapegrad::kernels
