// Shapes, and elements in another arrangement; constants and types.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/interchange/internal/onnx_tensor.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/resample.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

using Integers = std::vector<std::int64_t>;

Tensor integers(const Integers& values) { return copy_of(values); }

Value identity(const Call& c) { return c.value(0); }

Value constant(const Call& c) {
  if (c.has_attribute("value")) return c.tensor("value");
  if (c.has_attribute("sparse_value")) return c.tensor("sparse_value");
  if (c.has_attribute("value_float")) return scalar(c.number("value_float", 0));
  if (c.has_attribute("value_int")) return full({}, static_cast<double>(c.integer("value_int", 0)), i64);
  if (c.has_attribute("value_floats")) return copy_of(c.numbers("value_floats"));
  if (c.has_attribute("value_ints")) return integers(c.integers("value_ints"));
  if (c.has_attribute("value_string")) return Strings{{}, {c.text("value_string", "")}};
  if (c.has_attribute("value_strings")) {
    const std::vector<std::string> texts = c.texts("value_strings");
    return Strings{{static_cast<std::int64_t>(texts.size())}, texts};
  }
  c.fail("none of its attributes is a value");
}

Value constant_of_shape(const Call& c) {
  const Shape shape{std::span<const std::int64_t>(c.integers_in(0))};
  if (!c.has_attribute("value")) return zeros(shape);
  const Value& value = c.tensor("value");
  if (!value.tensor() || value.tensor()->numel() != 1) c.fail("value must have one element");
  return {broadcast_to(reshape(value.tensor()->detach(), Shape{}), shape).contiguous(), value.type};
}

Value shape_of(const Call& c) {
  const Shape& shape = c.value(0).strings() ? c.value(0).strings()->shape : c.in(0).shape();
  const std::int64_t rank = shape.rank();
  const auto clipped = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const std::int64_t start = clipped(c.integer("start", 0)), end = clipped(c.integer("end", rank));
  return integers(start < end ? Integers(shape.begin() + start, shape.begin() + end) : Integers{});
}
Value size_of_input(const Call& c) { return reshape(integers({c.in(0).numel()}), Shape{}); }

Value reshaped(const Call& c) {
  Integers extents = c.version() < 5 ? c.integers("shape") : c.integers_in(1);
  const Strings* strings = c.value(0).strings();
  const Shape& shape = strings ? strings->shape : c.in(0).shape();
  if (c.integer("allowzero", 0) == 0)
    for (std::size_t i = 0; i < extents.size(); ++i)
      if (extents[i] == 0) {
        if (static_cast<int>(i) >= shape.rank()) c.fail("a 0 stands for an extent that the input has not");
        extents[i] = shape[static_cast<int>(i)];
      }
  if (!strings) return {reshape(c.in(0), std::span<const std::int64_t>(extents)), c.type(0)};
  const Tensor model = reshape(zeros(shape, u8), std::span<const std::int64_t>(extents));
  return Strings{model.shape(), strings->values};
}

Tensor transposed(const Call& c) {
  Integers perm = c.integers("perm");
  if (perm.empty())
    for (int i = c.in(0).rank(); i-- > 0;) perm.push_back(i);
  return permute(c.in(0), perm);
}

Tensor flattened(const Call& c) {
  const Tensor& x = c.in(0);
  std::int64_t axis = c.integer("axis", 1);
  if (axis < 0) axis += x.rank();
  if (axis < 0 || axis > x.rank()) c.fail(fmt::format("axis {} of rank {}", axis, x.rank()));
  std::int64_t rows = 1, columns = 1;
  for (int i = 0; i < x.rank(); ++i) (i < axis ? rows : columns) *= x.shape()[i];
  return reshape(x, {rows, columns});
}

Tensor squeezed(const Call& c) {
  Tensor x = c.in(0);
  Integers axes = c.integers_of("axes", 1);
  if (axes.empty() && !c.has(1) && !c.has_attribute("axes")) return squeeze(x);
  for (std::int64_t& axis : axes) axis = c.axis(axis);
  std::ranges::sort(axes, std::greater());
  for (const std::int64_t axis : axes) x = squeeze(x, static_cast<int>(axis));
  return x;
}

Tensor unsqueezed(const Call& c) {
  Tensor x = c.in(0);
  Integers axes = c.integers_of("axes", 1);
  const int rank = x.rank() + static_cast<int>(axes.size());
  for (std::int64_t& axis : axes) axis = normalized_axis("axis", axis, rank);
  std::ranges::sort(axes);
  if (std::ranges::adjacent_find(axes) != axes.end()) c.fail("axes names one twice");
  for (const std::int64_t axis : axes) x = unsqueeze(x, static_cast<int>(axis));
  return x;
}

Tensor concatenated(const Call& c) {
  const std::vector<Tensor> parts = c.all();
  return concat(parts, c.axis(c.integer("axis", 1)));
}

std::vector<Value> split_up(const Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.integer("axis", 0));
  Integers sizes = c.integers_of("split", 1);
  if (sizes.empty()) {
    const auto count = static_cast<std::int64_t>(c.outputs());
    const std::int64_t extent = x.shape()[axis], part = (extent + count - 1) / count;
    for (std::int64_t i = 0; i < count; ++i) sizes.push_back(std::clamp<std::int64_t>(extent - i * part, 0, part));
  }
  std::vector<Value> parts;
  for (const Tensor& part : split(x, sizes, axis)) parts.emplace_back(part, c.type(0));
  return parts;
}

Tensor sliced(const Call& c) {
  Tensor x = c.in(0);
  const Integers starts = c.version() < 10 ? c.integers("starts") : c.integers_in(1);
  const Integers ends = c.version() < 10 ? c.integers("ends") : c.integers_in(2);
  Integers axes = c.integers_of("axes", 3), steps = c.version() >= 10 && c.has(4) ? c.integers_in(4) : Integers{};
  if (axes.empty())
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    c.fail("starts, ends, axes and steps must have one length");
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const int axis = c.axis(axes[i]);
    const std::int64_t extent = x.shape()[axis], step = steps[i];
    if (step == 0) c.fail("a step is 0");
    // The format clips where our slices, as Python's, count from the end once more.
    const auto place = [&](std::int64_t at) { return at < 0 ? at + extent : at; };
    const std::int64_t start = std::clamp<std::int64_t>(place(starts[i]), 0, step > 0 ? extent : extent - 1);
    const std::int64_t end = std::clamp<std::int64_t>(place(ends[i]), step > 0 ? 0 : -1, extent);
    if (extent == 0 || (step > 0 ? start >= end : start <= end))
      x = slice(x, axis, 0, 0);
    else if (step > 0)
      x = slice(x, axis, start, end, step);
    else
      x = slice(flip(slice(x, axis, end + 1, start + 1), {axis}), axis, 0, Slice::kEnd, -std::max(step, -extent - 1));
  }
  return x;
}

Tensor expanded(const Call& c) {
  const Tensor& x = c.in(0);
  return broadcast_to(x, broadcast_shapes("Expand", x.shape(), Shape(std::span<const std::int64_t>(c.integers_in(1)))));
}

Tensor tiled(const Call& c) {
  const Tensor& x = c.in(0);
  if (c.version() >= 6) return tile(x, c.integers_in(1));
  Integers repeats(static_cast<std::size_t>(x.rank()), 1);
  repeats[static_cast<std::size_t>(c.axis(c.integer_in(2)))] = c.integer_in(1);
  return tile(x, repeats);
}

Tensor padded(const Call& c) {
  Tensor x = c.in(0);
  const std::string mode = c.text("mode", "constant");
  const Integers pads = c.version() < 2 ? c.integers("paddings") : c.integers_of("pads", 1);
  Integers axes = c.has(3) ? c.integers_in(3) : Integers{};
  if (axes.empty())
    for (int i = 0; i < x.rank(); ++i) axes.push_back(i);
  if (pads.size() != 2 * axes.size()) c.fail("pads must have two numbers for each axis");
  std::vector<Pad> around(static_cast<std::size_t>(x.rank()));
  for (std::size_t i = 0; i < axes.size(); ++i)
    around[static_cast<std::size_t>(c.axis(axes[i]))] = {pads[i], pads[i + axes.size()]};
  if (mode == "wrap") {
    for (int axis = 0; axis < x.rank(); ++axis) {
      const auto [before, after] = around[static_cast<std::size_t>(axis)];
      const std::int64_t extent = x.shape()[axis];
      if (extent == 0) c.fail("nothing can be wrapped");
      if (before != 0 || after != 0)
        x = take(x,
                 remainder(arange(static_cast<double>(-before), static_cast<double>(extent + after), 1, i64), extent),
                 axis);
    }
    return x;
  }
  const double value = c.has(2) ? c.in(2).item() : c.number("value", 0);
  if (mode == "constant") return pad(x, around, PadMode::constant, value);
  if (mode == "reflect") return pad(x, around, PadMode::reflect);
  if (mode == "edge") return pad(x, around, PadMode::replicate);
  c.fail(fmt::format("mode is '{}'; constant, reflect, edge and wrap are known", mode));
}

std::string spelled(double value, ElementType type) {
  if (type == ElementType::boolean) return value != 0 ? "True" : "False";
  return type == ElementType::float64 ? fmt::format("{}", value) : fmt::format("{}", static_cast<float>(value));
}

double number_of(const Call& c, const std::string& text) {
  double value = 0;
  const char *begin = text.data() + (text.starts_with("+") ? 1 : 0), *end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error == std::errc::invalid_argument || stop != end) c.fail("'" + text + "' is no number");
  return value;
}

Value converted(const Call& c, ElementType to) {
  const Value& from = c.value(0);
  if (const Strings* strings = from.strings()) {
    if (to == ElementType::string) return from;
    std::vector<double> numbers;
    for (const std::string& text : strings->values) numbers.push_back(number_of(c, text));
    const Tensor held = cast(copy_of(std::span<const double>(numbers), strings->shape), dtype_of(to));
    return {rounded(wrapped(held, to), to), to};
  }
  const Tensor& x = c.in(0);
  if (to == ElementType::string) {
    Strings strings{x.shape(), {}};
    for (const double value : x.values()) strings.values.push_back(spelled(value, from.type));
    return strings;
  }
  return {rounded(wrapped(cast(x, dtype_of(to)), to), to), to};
}
Value cast_to(const Call& c) {
  static constexpr std::string_view kNames[] = {"UNDEFINED", "FLOAT",  "UINT8",  "INT8",   "UINT16",
                                                "INT16",     "INT32",  "INT64",  "STRING", "BOOL",
                                                "FLOAT16",   "DOUBLE", "UINT32", "UINT64"};
  if (c.version() >= 6) return converted(c, static_cast<ElementType>(c.integer("to", 0)));
  const auto* found = std::ranges::find(kNames, c.text("to", ""));
  return converted(c, static_cast<ElementType>(found == std::end(kNames) ? 0 : found - std::begin(kNames)));
}
Value cast_like(const Call& c) { return converted(c, c.type(1)); }

Value range_of(const Call& c) {
  const Tensor start = cast(c.in(0), f64), limit = cast(c.in(1), f64), step = cast(c.in(2), f64);
  if (start.numel() != 1 || limit.numel() != 1 || step.numel() != 1) c.fail("start, limit and delta must be scalars");
  if (step.item() == 0) c.fail("delta is 0");
  const double count = std::ceil((limit.item() - start.item()) / step.item());
  if (!(count <= 0x1p40)) c.fail("the range has too many elements");
  const auto n = static_cast<std::int64_t>(std::max(count, 0.0));
  return {cast(arange(n, f64) * step.item() + start.item(), c.in(0).dtype()), c.type(0)};
}

Value eye_like(const Call& c) {
  const Tensor& x = c.in(0);
  if (x.rank() != 2) c.fail("the input must be a matrix");
  const ElementType type = static_cast<ElementType>(c.integer("dtype", static_cast<std::int64_t>(c.type(0))));
  const std::int64_t rows = x.size(0), columns = x.size(1), k = c.integer("k", 0);
  const Tensor on = reshape(arange(rows), {rows, 1}) + k == reshape(arange(columns), {1, columns});
  return {cast(on, dtype_of(type)), type};
}

Tensor triangle(const Call& c) {
  const std::int64_t k = c.has(1) ? c.integer_in(1) : 0;
  const Tensor& x = c.in(0);
  if (x.numel() == 0) return x;
  return c.integer("upper", 1) != 0 ? triu(x, k) : tril(x, k);
}

Tensor depth_to_space(const Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t b = c.integer("blocksize", 0);
  if (x.rank() != 4 || b < 1 || x.size(1) % (b * b) != 0) c.fail("blocksize² must divide the channels of [N, C, H, W]");
  const std::int64_t n = x.size(0), channels = x.size(1) / (b * b), h = x.size(2), w = x.size(3);
  if (c.text("mode", "DCR") == "CRD") return pixel_shuffle(x, b);
  return reshape(permute(reshape(x, {n, b, b, channels, h, w}), {0, 3, 4, 1, 5, 2}), {n, channels, h * b, w * b});
}
Tensor space_to_depth(const Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t b = c.integer("blocksize", 0);
  if (x.rank() != 4 || b < 1 || x.size(2) % b != 0 || x.size(3) % b != 0)
    c.fail("blocksize must divide height and width of [N, C, H, W]");
  const std::int64_t n = x.size(0), channels = x.size(1), h = x.size(2) / b, w = x.size(3) / b;
  return reshape(permute(reshape(x, {n, channels, h, b, w, b}), {0, 3, 5, 1, 2, 4}), {n, channels * b * b, h, w});
}

/// The first sequence_lens[b] steps of each batch member reversed.
Tensor reverse_sequence(const Call& c) {
  const Tensor& x = c.in(0);
  const int time = c.axis(c.integer("time_axis", 0)), batch = c.axis(c.integer("batch_axis", 1));
  const Integers lengths = c.integers_in(1);
  const std::int64_t steps = x.shape()[time], members = x.shape()[batch];
  if (time == batch || static_cast<std::int64_t>(lengths.size()) != members)
    c.fail("sequence_lens must have one length a batch member");
  Tensor places = empty({steps, members}, i64);
  auto to = places.mutable_data<std::int64_t>();
  for (std::int64_t t = 0; t < steps; ++t)
    for (std::int64_t m = 0; m < members; ++m) {
      const std::int64_t length = lengths[static_cast<std::size_t>(m)];
      if (length < 0 || length > steps) c.fail("a length is outside the axis");
      to[static_cast<std::size_t>(t * members + m)] = t < length ? length - 1 - t : t;
    }
  Shape outline = x.shape();
  for (int i = 0; i < x.rank(); ++i)
    if (i != time && i != batch) outline = outline.with(i, 1);
  if (time > batch) places = transpose(places);
  return gather(x, time, broadcast_to(reshape(places, outline), x.shape()));
}

constexpr Importer kImporters[] = {
    {"Cast", cast_to},
    {"CastLike", cast_like},
    {"Concat", concatenated},
    {"Constant", constant},
    {"ConstantOfShape", constant_of_shape},
    {"DepthToSpace", depth_to_space},
    {"Expand", expanded},
    {"EyeLike", eye_like},
    {"Flatten", flattened},
    {"Identity", identity},
    {"Pad", padded, 1, 0b100},
    {"Range", range_of, 1, 0b111},
    {"Reshape", reshaped},
    {"ReverseSequence", reverse_sequence},
    {"Shape", shape_of},
    {"Size", size_of_input},
    {"Slice", sliced},
    {"SpaceToDepth", space_to_depth},
    {"Split", split_up},
    {"Squeeze", squeezed},
    {"Tile", tiled},
    {"Transpose", transposed},
    {"Trilu", triangle},
    {"Unsqueeze", unsqueezed},
};

}  // namespace

std::span<const Importer> shape_importers() { return kImporters; }

}  // namespace tapegrad::onnx
