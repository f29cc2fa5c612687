#include <algorithm>
#include <numeric>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_exporters.hpp>

namespace tapegrad::onnx {
namespace {

/// A number for each spatial axis; `missing` where the attribute has none.
Integers for_axes(const RecordedCall& c, std::string_view attribute, std::int64_t missing) {
  Integers values = c.integers(attribute);
  const auto axes = static_cast<std::size_t>(c[0].shape.rank() - 2);
  if (values.empty()) values.assign(axes, missing);
  if (values.size() == 1) values.assign(axes, values[0]);
  return values;
}

Integers joined(Integers a, const Integers& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

NodeAttributes convolution(const RecordedCall& c) {
  const Integers begin = for_axes(c, "padding", 0);
  const Integers end = c.integers("padding_end").empty() ? begin : for_axes(c, "padding_end", 0);
  return {{"strides", for_axes(c, "stride", 1)},
          {"pads", joined(begin, end)},
          {"dilations", for_axes(c, "dilation", 1)},
          {"group", c.integer("groups")}};
}

/// The gradient of a kernel: samples and channels change places, and so do steps and dilations.
Expr convolution_of_weight(const RecordedCall& c) {
  const Shape &x = c[0].shape, &g = c[1].shape, &w = c.shape();
  if (x.numel() == 0 || g.numel() == 0 || w.numel() == 0) c.refuse("of no elements");
  Integers across(static_cast<std::size_t>(x.rank()));
  std::iota(across.begin(), across.end(), std::int64_t{0});
  std::swap(across[0], across[1]);
  const Integers begin = for_axes(c, "padding", 0);
  const Integers end = c.integers("padding_end").empty() ? begin : for_axes(c, "padding_end", 0);
  const NodeAttributes attributes{
      {"strides", for_axes(c, "dilation", 1)}, {"dilations", for_axes(c, "stride", 1)}, {"pads", joined(begin, end)}};
  GraphWriter& graph = c.graph();
  const std::int64_t groups = c.integer("groups");
  const auto part = [&](std::size_t i, std::int64_t group) {
    const std::int64_t width = c[i].shape[1] / groups;
    const Expr all = transposed(c.in(i), across);
    if (groups == 1) return all;
    return emit("Slice",
                {all, graph.integers({group * width}), graph.integers({(group + 1) * width}), graph.integers({0})});
  };
  std::vector<Expr> kernels;
  for (std::int64_t group = 0; group < groups; ++group)
    kernels.push_back(transposed(graph.node("Conv", {part(0, group), part(1, group)}, attributes), across));
  const Expr kernel = groups == 1 ? kernels[0] : graph.node("Concat", kernels, {{"axis", std::int64_t{0}}});
  // The last steps of a stride may not reach the end of x.
  Integers starts(across.size() - 2, 0), stops(w.begin() + 2, w.end()), axes(starts.size());
  std::iota(axes.begin(), axes.end(), std::int64_t{2});
  return emit("Slice", {kernel, graph.integers(starts), graph.integers(stops), graph.integers(axes)});
}

std::vector<Expr> given(const RecordedCall& c) {
  std::vector<Expr> inputs;
  for (std::size_t i = 0; i < c.size() && c.has(i); ++i) inputs.push_back(c.in(i));
  return inputs;
}

NodeAttributes pooling(const RecordedCall& c) {
  const Integers window = for_axes(c, "kernel_size", 1), padding = for_axes(c, "padding", 0);
  return {{"kernel_shape", window},
          {"strides", c.integers("stride").empty() ? window : for_axes(c, "stride", 1)},
          {"pads", joined(padding, padding)},
          {"ceil_mode", std::int64_t{c.flag("ceil_mode")}}};
}

/// (x - mean x) / √(var x + eps) over axes of `x`.
Expr standardized(const Expr& x, const Integers& axes, double eps) {
  const Expr d = x - mean_over(x, axes, true);
  return d / emit("Sqrt", {mean_over(d * d, axes, true) + eps});
}

/// · weight + bias of each channel, where they are given.
Expr scaled(const RecordedCall& c, Expr y, const Integers& shape) {
  if (c.has(1)) y = y * reshape_to(c.in(1), shape);
  if (c.has(2)) y = y + reshape_to(c.in(2), shape);
  return y;
}

Integers of_channels(const RecordedCall& c) {
  Integers shape(static_cast<std::size_t>(c.shape().rank()), 1);
  shape[1] = c.shape()[1];
  return shape;
}

Integers last_axes(const RecordedCall& c, std::size_t count) {
  Integers axes(count);
  std::iota(axes.begin(), axes.end(), c.shape().rank() - static_cast<std::int64_t>(count));
  return axes;
}

Expr softmax(const RecordedCall& c, std::string_view op) {
  return c.shape().rank() == 0 ? emit(op == "Softmax" ? "Exp" : "Identity", {c.in(0) - c.in(0)})
                               : c.graph().node(op, {c.in(0)}, {{"axis", c.axis()}});
}

/// The last two axes across.
Expr across(const Expr& x, int rank) {
  Integers axes(static_cast<std::size_t>(rank));
  std::iota(axes.begin(), axes.end(), std::int64_t{0});
  std::swap(axes.end()[-1], axes.end()[-2]);
  return transposed(x, axes);
}

/// A layer of a network is a Gemm to those who read the file.
Expr linear(const RecordedCall& c) {
  if (c[0].shape.rank() == 2) {
    std::vector<Expr> inputs{c.in(0), c.in(1)};
    if (c.has(2)) inputs.push_back(c.in(2));
    return c.graph().node("Gemm", inputs, {{"transB", std::int64_t{1}}});
  }
  const Expr y = emit("MatMul", {c.in(0), across(c.in(1), 2)});
  return c.has(2) ? y + c.in(2) : y;
}

Expr total(const Expr& x) { return x.graph->node("ReduceSum", {x}, {{"keepdims", std::int64_t{0}}}); }

/// The mean of what counts is 0 where nothing does, which ONNX's own would make NaN.
Expr class_loss(const RecordedCall& c, std::string_view op) {
  if (c[1].dtype != i32 && c[1].dtype != i64) c.refuse("of shares as targets");
  if (c[0].shape.numel() == 0) c.refuse("of no elements");
  const bool alone = c[0].shape.rank() == 1;  // one sample, without its axis
  GraphWriter& g = c.graph();
  const Expr targets = alone ? reshape_to(c[1], {1}) : c[1];
  std::vector<Expr> inputs{alone ? reshape_to(c.in(0), {1, c[0].shape[0]}) : c.in(0), targets};
  if (c.has(2)) inputs.push_back(c.in(2));
  const std::int64_t ignored = c.integer("ignore_index");
  const Expr losses = g.node(op, inputs, {{"ignore_index", ignored}, {"reduction", std::string("none")}});
  if (c.text("reduction") == "none") return reshape_to(losses, {c.shape().begin(), c.shape().end()});
  if (c.text("reduction") == "sum") return total(losses);
  const Expr skipped = compare("Equal", targets, g.number(static_cast<double>(ignored), targets.dtype));
  const Expr one = g.number(1, c.dtype()), zero = g.number(0, c.dtype());
  const Expr weights = c.has(2) ? emit("Gather", {c.in(2), choose(skipped, g.number(0, targets.dtype), targets)}) : one;
  const Expr counted = total(choose(skipped, zero, weights));
  return total(losses) / choose(compare("Equal", counted, zero), one, counted);
}

/// A pool whose parts are of one size.
Expr adaptive(const RecordedCall& c, std::string_view op) {
  // Of all places at once, however many there are.
  if (std::ranges::all_of(c.shape().dims().subspan(2), [](std::int64_t parts) { return parts == 1; }))
    return c.graph().node("Global" + std::string(op), {c.in(0)}, {});
  Integers window;
  for (int axis = 2; axis < c.shape().rank(); ++axis) {
    const std::int64_t extent = c[0].shape[axis], parts = c.shape()[axis];
    if (parts == 0 || extent == 0 || extent % parts != 0) c.refuse("into parts of several sizes");
    window.push_back(extent / parts);
  }
  return c.graph().node(op, {c.in(0)}, {{"kernel_shape", window}, {"strides", window}});
}

/// Softmax of the last axis over what is seen; 0 elsewhere, also where nothing is. `shape` is that of the scores.
Expr masked_softmax(const RecordedCall& c, const Expr& scores, const Shape& shape, const Expr& mask) {
  GraphWriter& g = c.graph();
  Expr seen = mask.name.empty() ? g.number(1, boolean) : cast_to(mask, boolean);
  if (c.flag("causal")) {
    const Expr ones = emit("Expand", {g.number(1, c.dtype()), g.integers({shape[-2], shape[-1]})});
    const Expr rows = g.node("Trilu", {ones}, {{"upper", std::int64_t{0}}});
    seen = emit("And", {seen, compare("Greater", rows, g.number(0, c.dtype()))});
  }
  const Expr zero = g.number(0, c.dtype()), least = g.number(-1e30, c.dtype());
  const Expr hidden = choose(seen, scores * c.number("scale"), least);
  return choose(seen, g.node("Softmax", {hidden}, {{"axis", std::int64_t{-1}}}), zero);
}

Expr attention(const RecordedCall& c) {
  const Shape &query = c[0].shape, &key = c[1].shape;
  if (c.shape().numel() == 0 || key.numel() == 0) c.refuse("of no elements");
  const Expr scores = emit("MatMul", {c.in(0), across(c.in(1), key.rank())});
  const Expr mask = c.has(3) ? c[3] : Expr{};
  return emit("MatMul", {masked_softmax(c, scores, query.with(query.rank() - 1, key[-2]), mask), c.in(2)});
}

constexpr Exporter kLayers[] = {
    {"matmul",
     [](const RecordedCall& c) {
       return emit("MatMul", {c.in(0), c.in(1)});
     }},
    {"linear", linear},
    {"conv", [](const RecordedCall& c) { return c.graph().node("Conv", given(c), convolution(c)); }},
    {"conv_transpose",
     [](const RecordedCall& c) {
       NodeAttributes attributes = convolution(c);
       attributes.emplace_back("output_padding", for_axes(c, "output_padding", 0));
       return c.graph().node("ConvTranspose", given(c), attributes);
     }},
    {"conv_weight", convolution_of_weight},
    {"det", [](const RecordedCall& c) { return emit("Det", {c.in(0)}); }},
    {"max_pool",
     [](const RecordedCall& c) {
       NodeAttributes attributes = pooling(c);
       attributes.emplace_back("dilations", for_axes(c, "dilation", 1));
       return c.graph().node("MaxPool", {c.in(0)}, attributes);
     }},
    {"max_pool_positions",
     [](const RecordedCall& c) {
       NodeAttributes attributes = pooling(c);
       attributes.emplace_back("dilations", for_axes(c, "dilation", 1));
       // ONNX's are of the whole tensor.
       const Shape& x = c[0].shape;
       const std::int64_t planes = x[0] * x[1];
       if (planes == 0) c.refuse("of no elements");
       const Expr positions = c.graph().nodes("MaxPool", {c[0]}, 2, i64, attributes)[1];
       return emit("Mod", {positions, c.graph().number(static_cast<double>(x.numel() / planes), i64)});
     }},
    {"avg_pool",
     [](const RecordedCall& c) {
       // ONNX Runtime counts a last window beyond the end in another way.
       if (c.flag("ceil_mode")) c.refuse("with ceil_mode");
       NodeAttributes attributes = pooling(c);
       std::erase_if(attributes, [](const auto& a) { return a.first == "ceil_mode"; });
       attributes.emplace_back("count_include_pad", std::int64_t{c.flag("count_include_pad")});
       return c.graph().node("AveragePool", {c.in(0)}, attributes);
     }},
    {"adaptive_avg_pool", [](const RecordedCall& c) { return adaptive(c, "AveragePool"); }},
    {"adaptive_max_pool", [](const RecordedCall& c) { return adaptive(c, "MaxPool"); }},
    {"masked_softmax",
     [](const RecordedCall& c) { return masked_softmax(c, c.in(0), c.shape(), c.has(1) ? c[1] : Expr{}); }},
    {"attention", attention},
    {"masked_mean",
     [](const RecordedCall& c) {
       if (c[0].shape.numel() == 0) c.refuse("of no elements");
       GraphWriter& g = c.graph();
       // The mean is over the mask's last axis; those of x behind it share it.
       Integers rows(static_cast<std::size_t>(c[0].shape.rank()), 1);
       std::ranges::copy(c[1].shape, rows.begin());
       const Integers axis{c[1].shape.rank() - 1};
       const Expr seen = reshape_to(cast_to(c[1], boolean), rows);
       const Expr counted = sum_over(cast_to(seen, c.dtype()), axis, false);
       return sum_over(choose(seen, c.in(0), g.number(0, c.dtype())), axis, false) / maximum(counted, 1);
     }},
    {"softmax", [](const RecordedCall& c) { return softmax(c, "Softmax"); }},
    {"log_softmax", [](const RecordedCall& c) { return softmax(c, "LogSoftmax"); }},
    {"layer_norm",
     [](const RecordedCall& c) {
       Expr y = standardized(c.in(0), last_axes(c, c.integers("normalized_shape").size()), c.number("eps"));
       if (c.has(1)) y = y * c.in(1);
       return c.has(2) ? y + c.in(2) : y;
     }},
    {"rms_norm",
     [](const RecordedCall& c) {
       const Expr x = c.in(0);
       const Integers axes = last_axes(c, c.integers("normalized_shape").size());
       const Expr y = x / emit("Sqrt", {mean_over(x * x, axes, true) + c.number("eps")});
       return c.has(1) ? y * c.in(1) : y;
     }},
    {"batch_norm",
     [](const RecordedCall& c) {
       Integers axes(static_cast<std::size_t>(c.shape().rank()));
       std::iota(axes.begin(), axes.end(), std::int64_t{0});
       std::erase(axes, 1);
       return scaled(c, standardized(c.in(0), axes, c.number("eps")), of_channels(c));
     }},
    {"group_norm",
     [](const RecordedCall& c) {
       const Shape& x = c.shape();
       const Expr groups = reshape_to(c.in(0), {x[0], c.integer("groups"), -1});
       if (x.numel() == 0) c.refuse("of no elements");
       const Expr y = reshape_to(standardized(groups, {2}, c.number("eps")), {x.begin(), x.end()});
       return scaled(c, y, of_channels(c));
     }},
    {"cross_entropy",
     [](const RecordedCall& c) {
       if (c.number("label_smoothing") != 0) c.refuse("with label_smoothing");
       return class_loss(c, "SoftmaxCrossEntropyLoss");
     }},
    {"nll_loss", [](const RecordedCall& c) { return class_loss(c, "NegativeLogLikelihoodLoss"); }},
};

}  // namespace

std::span<const Exporter> layer_exporters() { return kLayers; }

}  // namespace tapegrad::onnx
