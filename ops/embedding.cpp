#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/cast.hpp>
#include <tapegrad/ops/embedding.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/op_list.hpp>
#include <tapegrad/ops/positions.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

void require_table(const char* op, const Tensor& table) {
  if (table.rank() != 2)
    throw ShapeError(std::string(op) + ": the table is " + to_string(table.shape()) + "; expected [rows, width]");
}

}  // namespace

namespace ops {

struct Embedding {
  static constexpr OpInfo info{.name = "embedding",
                               .formula = "y[j, :] = table[ids[j], :]",
                               .doc = "Rows of a table by id.",
                               .inputs = {"table", "ids"},
                               .saves = {.inputs = {1}},
                               .fixed = {1}};
  struct Attrs {
    bool sparse = false;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"sparse", &Attrs::sparse, "the table's gradient holds the used rows only"}};
    }
  };
  static TensorSpec result(const Attrs&, const Tensor& table, const Tensor& ids) {
    require_table("embedding", table);
    if (ids.rank() == kMaxRank)
      throw ShapeError("embedding: ids of shape " + to_string(ids.shape()) + " leave no axis for the table's width");
    return {ids.shape().insert(ids.rank(), table.shape()[1]), table.dtype()};
  }
  static void forward(const Attrs&, const Tensor& table, const Tensor& ids, Tensor& y) {
    const Tensor checked = checked_indices("embedding", "ids", ids, table.shape()[0], Negative::refused);
    dispatch_floating(table.dtype(), [&]<class T>() {
      take_rows(table.data<T>().data(), positions_of(checked), table.shape()[1], y.mutable_data<T>().data());
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved table, const Tensor& ids, Unsaved) {
    if (!a.sparse || grad_enabled()) return index_add(zeros_view(table.shape(), table.dtype()), 0, ids, g);
    return make_row_sparse(table.shape(), reshape(cast(ids, i64), {ids.numel()}),
                           reshape(g, {ids.numel(), table.shape()[1]}));
  }
  static Cost cost(const Attrs&, const Node& node) {
    return {0, 2.0 * static_cast<double>(node.shape.numel()) * static_cast<double>(size_of(node.dtype))};
  }
  static std::vector<SampleOf<Embedding>> samples(Rng& rng) {
    const Tensor pairs = tensor({3, 0, 3, 1}, Shape{2, 2}, i64);
    return {{{randn({4, 3}, f64, rng), pairs}, {false}},
            {{randn({4, 3}, f64, rng), pairs}, {true}},
            {{transpose(randn({2, 3}, f64, rng)), tensor({2, 0}, i32)}, {true}},
            {{randn({4, 3}, f64, rng), scalar(2, i64)}, {false}},
            {{randn({4, 3}, f64, rng), zeros({0}, i64)}, {true}}};
  }
  static std::vector<BadInputOf<Embedding>> bad_inputs() {
    return {{{zeros({4, 3}), tensor({0, 4}, i64)}, {}, "embedding: ids[1] is 4; expected an index in [0, 4)"},
            {{zeros({4, 3}), tensor({-1}, i64)}, {}, "ids[0] is -1; expected an index in [0, 4)"},
            {{zeros({4}), tensor({0}, i64)}, {}, "embedding: the table is [4]; expected [rows, width]"},
            {{zeros({4, 3}), zeros({2})}, {}, "'ids' is f32 [2]; indices are i64 or i32"},
            {{zeros({4, 3}), zeros({1, 1, 1, 1, 1, 1, 1, 1}, i64)}, {}, "leave no axis for the table's width"}};
  }
};

using EmbeddingOps = OpList<Embedding>;

}  // namespace ops

Tensor embedding(const Tensor& table, const Tensor& ids, const EmbeddingOptions& options) {
  return ops::EmbeddingOps::apply<ops::Embedding>(ops::Embedding::Attrs{options.sparse}, table, ids);
}

std::span<const OpEntry> embedding_ops() { return ops::EmbeddingOps::entries; }

}  // namespace tapegrad
