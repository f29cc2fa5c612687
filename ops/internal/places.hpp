#pragma once
// Elements of a tensor that indices of its rank name along one axis: gather and what scatters.

#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/ops/internal/indexed.hpp>
#include <tapegrad/ops/internal/positions.hpp>
#include <tapegrad/ops/internal/slab.hpp>
#include <vector>

namespace tapegrad {

/// Throws unless the indices fit x.
void check_places(const char* op, int axis, const Tensor& x, const Tensor& indices);
/// Throws unless source has a value for each index as well.
void check_scattered(const char* op, int axis, const internal::WritesIndexed::In& in);

/// Where in x the indices point.
class Places {
 public:
  Places(const char* op, int given_axis, const Shape& x, const Tensor& indices);

  /// Calls `visit(i, place)` for each index i in row-major order; parts that share no place run on several threads.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for_each_part([&](const auto& walk) { walk(visit); });
  }

  /// Calls `body(walk)` for each of those parts; `walk(visit)` then visits the part.
  template <class Body>
  void for_each_part(const Body& body) const {
    if (indices_.numel() == 0) return;
    const std::int64_t* index = positions_of(indices_).data();
    const std::int64_t block = of_.count * of_.inner;
    constexpr std::int64_t kParallelElements = 1 << 16, kParts = 16;
    const auto walk = [&](std::int64_t begin, std::int64_t end, const auto& visit) {
      std::int64_t i = begin * block;
      for (std::int64_t o = begin; o < end; ++o) {
        const std::int64_t base = outer_[static_cast<std::size_t>(o)];
        if (of_.inner == 1) {
          for (std::int64_t j = 0; j < of_.count; ++j, ++i) visit(i, base + index[i] * step_);
          continue;
        }
        for (std::int64_t j = 0; j < of_.count; ++j)
          for (std::int64_t k = 0; k < of_.inner; ++k, ++i)
            visit(i, base + index[i] * step_ + inner_[static_cast<std::size_t>(k)]);
      }
    };
    const std::int64_t parts = indices_.numel() < kParallelElements || of_.outer < kParts ? 1 : kParts;
    for_chunks(parts, parts > 1, [&](std::int64_t c) {
      body([&](const auto& visit) { walk(of_.outer * c / parts, of_.outer * (c + 1) / parts, visit); });
    });
  }

 private:
  Slab of_;
  std::int64_t step_;
  Tensor indices_;
  std::vector<std::int64_t> outer_, inner_;
};

}  // namespace tapegrad
