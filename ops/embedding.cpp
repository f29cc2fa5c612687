#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/row_sparse.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/embedding.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/positions.hpp>
#include <tapegrad/ops/kernels/row_sum.hpp>
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
  struct In {
    Tensor table;
    op::Fixed ids;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor ids;
  };
  static constexpr OpInfo info{.name = "embedding",
                               .formula = "y[j, :] = table[ids[j], :]",
                               .doc = "Rows of a table by id.",
                               .forward = Forward::linear,
                               .group = Group::indexing};
  using Attrs = EmbeddingOptions;
  static void check(const Attrs&, const In& in) {
    require_table("embedding", in.table);
    if (in.ids.rank() == kMaxRank)
      throw ShapeError("embedding: ids of shape " + to_string(in.ids.shape()) + " leave no axis for the table's width");
  }
  static Out shapes(const Attrs&, const In& in) {
    return {op::spec(in.ids.shape().insert(in.ids.rank(), in.table.shape()[1]), in.table.dtype())};
  }
  static Kept forward(const Attrs&, const In& in, Out& out) {
    const std::int64_t rows = in.table.shape()[0], width = in.table.shape()[1];
    const Tensor checked = checked_indices("embedding", "ids", in.ids, rows, Negative::refused);
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      take_rows(in.table.data<T>().data(), positions_of(checked), width, out.y.mutable_data<T>().data());
    });
    return {in.ids};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const Shape& table = wanted.shape(&In::table);
    const Tensor& ids = kept.ids;
    if (!a.sparse || grad_enabled()) return {index_add(zeros_view(table, g.y.dtype()), 0, ids, g.y), {}};
    const std::int64_t n = ids.numel();
    return {make_row_sparse(table, reshape(cast(ids, i64), {n}), reshape(g.y, {n, table[1]})), {}};
  }
  static Cost cost(const Attrs&, const In&, const Out& out) { return internal::moved(out.y); }
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

/// A bag's mean or sum of rows. Its gradient is summed by row as it is made: neither pass stores a row an id.
struct EmbeddingBag {
  struct In {
    Tensor table;
    op::Fixed ids, offsets;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor ids, offsets;
  };
  static constexpr OpInfo info{.name = "embedding_bag",
                               .formula = "y[b, :] = Σ table[ids[i], :] / n, i from offsets[b] to offsets[b + 1]",
                               .doc = "The mean, or the sum, of each bag's rows; an empty bag gives 0.",
                               .forward = Forward::linear,
                               .group = Group::indexing};
  struct Attrs {
    bool mean = true, sparse = false;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"mean", &Attrs::mean, "divide by the number of ids"},
                        Field{"sparse", &Attrs::sparse, "the table's gradient holds the used rows only"}};
    }
  };
  static void check(const Attrs&, const In& in) {
    require_table("embedding_bag", in.table);
    if (in.ids.rank() != 1 || in.offsets.rank() != 1 || in.offsets.numel() == 0)
      throw ShapeError("embedding_bag: ids are " + to_string(in.ids.shape()) + " and offsets " +
                       to_string(in.offsets.shape()) + "; expected [T] and [B + 1]");
  }
  static Out shapes(const Attrs&, const In& in) {
    return {op::spec({in.offsets.numel() - 1, in.table.shape()[1]}, in.table.dtype())};
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const Tensor checked = checked_indices("embedding_bag", "ids", in.ids, in.table.shape()[0], Negative::refused);
    const Tensor bounds = checked_offsets("embedding_bag", in.offsets, in.ids.numel());
    const auto rows = positions_of(checked), ends = positions_of(bounds);
    const std::int64_t width = in.table.shape()[1];
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      const T* from = in.table.data<T>().data();
      T* to = out.y.mutable_data<T>().data();
      for_row_ranges(out.y.shape()[0], in.ids.numel() * width, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
          const std::int64_t first = ends[static_cast<std::size_t>(b)], last = ends[static_cast<std::size_t>(b) + 1];
          const auto row = [&](std::int64_t i) { return from + rows[static_cast<std::size_t>(first + i)] * width; };
          if (a.mean)
            kernels::mean_of_rows(to + b * width, width, last - first, row);
          else
            kernels::sum_rows(to + b * width, width, last - first, row);
        }
      });
    });
    return {in.ids, in.offsets};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const Shape& table = wanted.shape(&In::table);
    const Tensor bounds = checked_offsets("embedding_bag", kept.offsets, kept.ids.numel());
    const auto ends = positions_of(bounds);
    const Tensor share = a.mean ? g.y * inverse_lengths(ends, 2, g.y.dtype()) : g.y;
    const Tensor bags = segment_of_rows(ends);
    if (a.sparse && !grad_enabled()) return {used_rows(table, kept.ids, bags, share), {}, {}};
    return {index_add(zeros_view(table, g.y.dtype()), 0, kept.ids, take(share, bags, 0)), {}, {}};
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) {
    const double read = static_cast<double>(in.ids.numel()) * static_cast<double>(out.y.shape()[1]);
    return {read, (read + static_cast<double>(out.y.numel())) * static_cast<double>(size_of(out.y.dtype()))};
  }
  static std::vector<SampleOf<EmbeddingBag>> samples(Rng& rng) {
    const Tensor ids = tensor({3, 0, 3, 1, 3}, i64), offsets = tensor({0, 3, 3, 5}, i64);
    return {{{randn({4, 3}, f64, rng), ids, offsets}, {true, false}},
            {{randn({4, 3}, f64, rng), ids, offsets}, {true, true}},
            {{transpose(randn({2, 4}, f64, rng)), tensor({2, 0}, i32), tensor({0, 1, 2}, i32)}, {false, true}},
            {{randn({4, 3}, f64, rng), zeros({0}, i64), tensor({0, 0}, i64)}, {false, false}},
            {{randn({4, 3}, f64, rng), zeros({0}, i64), tensor({0}, i64)}, {true, true}}};
  }
  static std::vector<BadInputOf<EmbeddingBag>> bad_inputs() {
    const Tensor table = zeros({4, 3}), offsets = tensor({0, 2}, i64);
    return {{{table, tensor({0, 4}, i64), offsets}, {}, "embedding_bag: ids[1] is 4; expected an index in [0, 4)"},
            {{table, tensor({0}, i64), offsets}, {}, "embedding_bag: offsets run from 0 to 2"},
            {{table, zeros({1, 2}, i64), offsets}, {}, "ids are [1, 2] and offsets [2]; expected [T] and [B + 1]"},
            {{zeros({4}), tensor({0, 1}, i64), offsets}, {}, "embedding_bag: the table is [4]"}};
  }

 private:
  // The sum over its ids of each row's share of the bag, for the rows that were used.
  static Tensor used_rows(const Shape& table, const Tensor& ids, const Tensor& bags, const Tensor& share) {
    const Tensor rows = cast(ids, i64).contiguous(), dense = share.contiguous();
    const DistinctRows distinct(positions_of(rows));
    const std::int64_t width = table[1];
    RowSparse sums{copy_of(std::span<const std::int64_t>(distinct.rows), {distinct.count()}),
                   empty({distinct.count(), width}, share.dtype())};
    dispatch_floating(share.dtype(), [&]<class T>() {
      const T* from = dense.data<T>().data();
      sum_rows(distinct, width, sums.values.mutable_data<T>().data(),
               [from, width, bag = positions_of(bags)](std::size_t i) { return from + bag[i] * width; });
    });
    return adopt_rows(table, std::move(sums));
  }
};

using EmbeddingOps = OpList<Embedding, EmbeddingBag>;

}  // namespace ops

Tensor embedding(const Tensor& table, const Tensor& ids, const EmbeddingOptions& options) {
  return ops::EmbeddingOps::apply<ops::Embedding>(options, {table, ids}).y;
}

Tensor embedding_bag(const Tensor& table, const Tensor& ids, const Tensor& offsets,
                     const EmbeddingBagOptions& options) {
  const Tensor& weights = options.weights;
  if (options.mode == BagMode::max || weights.defined()) {
    if (ids.rank() != 1) throw ShapeError("embedding_bag: ids are " + to_string(ids.shape()) + "; expected [T]");
    if (weights.defined() && options.mode != BagMode::sum)
      throw ValueError("embedding_bag: weights are for BagMode::sum; choose it, or leave them out");
    if (weights.defined() && weights.shape() != ids.shape())
      throw ShapeError("embedding_bag: ids are " + to_string(ids.shape()) + " and weights " +
                       to_string(weights.shape()) + "; shapes must be equal");
    const Tensor rows = embedding(table, ids, {options.sparse});
    return weights.defined() ? segment_sum(rows * unsqueeze(weights, 1), offsets) : segment_max(rows, offsets);
  }
  return ops::EmbeddingOps::apply<ops::EmbeddingBag>({options.mode == BagMode::mean, options.sparse},
                                                     {table, ids, offsets})
      .y;
}

std::span<const OpEntry> embedding_ops() { return ops::EmbeddingOps::entries; }

}  // namespace tapegrad
