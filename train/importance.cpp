#include <tapegrad/train/importance.hpp>

#include <fmt/format.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::train {

std::vector<double> permutation_importance(const std::function<double(const Tensor& inputs)>& cost,
                                           const Tensor& inputs, std::span<const data::FeatureGroup> groups,
                                           const PermutationOptions& options) {
  if (options.repeats < 1)
    throw ValueError(fmt::format("permutation_importance: {} repeats; at least 1 is needed", options.repeats));
  const NoGrad no_grad;
  const double plain = cost(inputs);
  std::vector<double> importance;
  std::vector<std::int64_t> order = data::all_rows(inputs.size(0));
  std::uint64_t stream = 0;
  for (const data::FeatureGroup& group : groups) {
    const std::int64_t end = group.first + group.count;
    if (group.first < 0 || group.count < 1 || end > inputs.size(1))
      throw IndexError(fmt::format("permutation_importance: the features {} to {} of {}; there are {}", group.first,
                                   end - 1, group.name, inputs.size(1)));
    double sum = 0;
    for (std::int64_t i = 0; i < options.repeats; ++i) {
      data::shuffle(order, options.seed, stream++);
      const Tensor shuffled = index_select(slice(inputs, 1, group.first, end), 0, copy_of(order));
      sum += cost(concat({slice(inputs, 1, 0, group.first), shuffled, slice(inputs, 1, end, inputs.size(1))}, 1));
    }
    importance.push_back(sum / static_cast<double>(options.repeats) - plain);
  }
  return importance;
}

}  // namespace tapegrad::train
