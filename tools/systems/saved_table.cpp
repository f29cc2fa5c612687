#include "saved_table.hpp"

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::tools {

Tensor SavedTable::answers(const Tensor& outputs) const {
  return is_classifier() ? outputs / reading.temperature : reading.mean + reading.deviation * outputs;
}

std::unique_ptr<SavedTable::Model> SavedTable::make(Rng& rng) const {
  if (!(reading.temperature > 0)) throw ValueError("\"temperature\" is not above 0");
  if (!(reading.deviation > 0)) throw ValueError("\"deviation\" is not above 0");
  nn::models::TableModelOptions all = options;
  all.outputs = outputs();
  all.rng = &rng;
  return std::make_unique<Model>(all);
}

void SavedTable::read_files(const std::filesystem::path& folder) {
  encoder = data::TableEncoder::load(folder / kColumns);
  if (const auto width = std::ssize(encoder->feature_names()); width != options.features)
    throw IoError(fmt::format("{}: has {} features, where {} says {}", (folder / kColumns).string(), width, kConfig,
                              options.features));
}

Tensor by_column(const Tensor& features, const data::TableEncoder& encoder) {
  std::vector<Tensor> sums;
  for (const data::FeatureGroup& group : encoder.groups())
    sums.push_back(sum(slice(features, 1, group.first, group.first + group.count), {1}, true));
  return concat(sums, 1);
}

}  // namespace tapegrad::tools
