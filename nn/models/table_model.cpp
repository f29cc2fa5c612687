#include <tapegrad/nn/models/table_model.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>

namespace tapegrad::nn::models {

TableModel::TableModel(Owner owner, const MemberName& name, const TableModelOptions& options)
    : Layer(owner, name),
      linear(*this, "linear", options.features, options.outputs, {.rng = options.rng}),
      dropout(*this, "dropout", options.dropout) {
  std::int64_t width = options.features;
  for (const std::int64_t next : options.hidden) {
    hidden.emplace_back(width, next, LinearOptions{.weight_init = init::kaiming_uniform(), .rng = options.rng});
    width = next;
  }
  if (!options.hidden.empty())
    correction.emplace_back(width, options.outputs, LinearOptions{.weight_init = init::zeros(), .rng = options.rng});
}

Tensor TableModel::forward(const Tensor& rows) {
  Tensor x = rows;
  for (Linear& layer : hidden) x = dropout(relu(layer(x)));
  const Tensor straight = linear(rows);
  return hidden.size() == 0 ? straight : straight + correction[0](x);
}

}  // namespace tapegrad::nn::models
