#pragma once
// A model of tables: what a linear model says of a row, and what hidden layers add to it.

#include <limits>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <vector>

namespace tapegrad::nn::models {

/// Sizes of a TableModel.
struct TableModelOptions {
  std::int64_t features = 0;
  std::int64_t outputs = 1;
  std::vector<std::int64_t> hidden{64, 32};
  double dropout = 0.2;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the outputs, which follow from the classes, and the generator.
  static constexpr auto fields() {
    using Self = TableModelOptions;
    constexpr Range kFeatures{1, std::numeric_limits<std::int32_t>::max()};
    return std::tuple{Setting{"features", &Self::features, "Of a row", kFeatures},
                      Setting{"hidden", &Self::hidden, "Widths of the hidden layers, as in --hidden 64 32"},
                      Setting{"dropout", &Self::dropout, "After each hidden layer"}};
  }
};

/// Rows [B, features] to [B, outputs]: Linear, plus an mlp whose last layer starts at 0, so that the model starts as
/// the linear one (wide and deep: Cheng et al. 2016). Without hidden layers it is the linear one.
struct TableModel : Layer<TableModel> {
  /// ValueError if a size is below 1.
  TableModel(Owner owner, const MemberName& name, const TableModelOptions& options);
  explicit TableModel(const TableModelOptions& options) : TableModel(kNoOwner, "", options) {}
  Tensor forward(const Tensor& rows);

  Linear linear;
  ModuleList<Linear> hidden{*this, "hidden"};
  Dropout dropout;
  ModuleList<Linear> correction{*this, "correction"};  ///< one, after the last hidden layer; none without any
};

}  // namespace tapegrad::nn::models
