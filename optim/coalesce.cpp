#include <algorithm>
#include <tapegrad/optim/rule.hpp>

namespace tapegrad::optim {

UniqueRows coalesce(const RowSparse& sparse) {
  const std::span<const std::int64_t> indices = sparse.indices.data<std::int64_t>();
  // Where each row of the parameter went, counted from 1; zeros again when done, so that a call costs only its own
  // rows.
  thread_local std::vector<std::uint32_t> place;
  UniqueRows unique;
  unique.rows.reserve(indices.size());
  for (const std::int64_t index : indices) {
    const auto row = static_cast<std::size_t>(index);
    if (row >= place.size()) place.resize(row + 1);
    if (place[row]) continue;
    unique.rows.push_back(index);
    place[row] = static_cast<std::uint32_t>(unique.rows.size());
  }

  const Tensor all = sparse.values.contiguous();
  if (unique.rows.size() == indices.size()) {
    unique.values = all;
  } else {
    unique.values = empty(all.shape().with(0, std::ssize(unique.rows)), all.dtype());
    dispatch_floating(all.dtype(), [&]<class T>() {
      const auto width = static_cast<std::size_t>(all.numel() / std::ssize(indices));
      const T* from = all.data<T>().data();
      T* to = unique.values.mutable_data<T>().data();
      std::size_t filled = 0;
      for (std::size_t i = 0; i < indices.size(); ++i, from += width) {
        const std::size_t slot = place[static_cast<std::size_t>(indices[i])] - 1;
        T* row = to + slot * width;
        if (slot == filled) {
          std::copy_n(from, width, row);
          ++filled;
        } else {
          for (std::size_t j = 0; j < width; ++j) row[j] += from[j];
        }
      }
    });
  }
  for (const std::int64_t row : unique.rows) place[static_cast<std::size_t>(row)] = 0;
  return unique;
}

}  // namespace tapegrad::optim
