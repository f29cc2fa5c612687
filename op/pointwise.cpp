// Runs pointwise ops. Kernels see dense spans only: operands that broadcast, or are strided, are fed to them block by
// block through a scratch buffer that stays in the first-level cache.

#include <algorithm>
#include <cstring>
#include <optional>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/broadcast.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/op/internal/conversions.hpp>
#include <tapegrad/op/table.hpp>

namespace tapegrad {
namespace {

constexpr std::int64_t kBlock = 1024;       // elements a scratch buffer holds
constexpr std::int64_t kChunk = 1 << 14;    // elements one thread takes at a time
constexpr double kParallelFlops = 1 << 18;  // about 20 µs of work; less is done on the caller's thread

const PointwiseTable& table_of(const OpRecord& op) { return *static_cast<const PointwiseTable*>(op.table); }

/// An operand seen as a dense sequence in the result's shape. One never opened reads as a null pointer: a value that
/// the rule does not use.
class Reader {
 public:
  Reader() = default;

  void open(const Node& node, const Shape& shape) {
    element_ = size_of(node.dtype);
    data_ = node.data;
    if (node.contiguous() && node.shape == shape) return;
    mode_ = node.shape.numel() == 1 ? Mode::constant : Mode::strided;
    if (mode_ == Mode::constant) return;
    shape_ = &shape;
    strides_ = broadcast_strides(node.shape, node.strides ? *node.strides : row_major_strides(node.shape), shape);
  }
  void open_number(const void* value, std::size_t element) {
    element_ = element;
    data_ = static_cast<const std::byte*>(value);
    mode_ = Mode::constant;
  }

  bool dense() const { return mode_ == Mode::dense; }
  const void* at(std::int64_t start) const { return data_ + start * static_cast<std::int64_t>(element_); }

  /// Copies elements [start, start + count) to `out`.
  void read(std::int64_t start, std::int64_t count, std::byte* out) const {
    switch (element_) {
      case 8:
        return read_as<std::uint64_t>(start, count, out);
      case 4:
        return read_as<std::uint32_t>(start, count, out);
      default:
        return read_as<std::uint8_t>(start, count, out);
    }
  }

 private:
  enum class Mode : std::uint8_t { dense, constant, strided };

  template <class E>
  void read_as(std::int64_t start, std::int64_t count, std::byte* to) const {
    E* out = reinterpret_cast<E*>(to);
    const E* in = reinterpret_cast<const E*>(data_);
    if (mode_ == Mode::constant) {
      std::fill_n(out, count, *in);
      return;
    }
    const int last = shape_->rank() - 1;
    std::array<std::int64_t, kMaxRank> index{};
    std::int64_t offset = 0, rest = start;
    for (int axis = last; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      index[a] = rest % (*shape_)[axis];
      rest /= (*shape_)[axis];
      offset += index[a] * strides_[a];
    }
    const auto inner = static_cast<std::size_t>(last);
    const std::int64_t step = strides_[inner], extent = (*shape_)[last];
    while (count > 0) {
      const std::int64_t run = std::min(count, extent - index[inner]);
      const E* from = in + offset;
      if (step == 1)
        std::memcpy(out, from, static_cast<std::size_t>(run) * sizeof(E));
      else if (step == 0)
        std::fill_n(out, run, *from);
      else
        for (std::int64_t i = 0; i < run; ++i) out[i] = from[i * step];
      out += run;
      count -= run;
      offset -= index[inner] * step;
      index[inner] = 0;
      for (int axis = last - 1; axis >= 0; --axis) {
        const auto a = static_cast<std::size_t>(axis);
        offset += strides_[a];
        if (++index[a] < (*shape_)[axis]) break;
        offset -= strides_[a] * (*shape_)[axis];
        index[a] = 0;
      }
    }
  }

  const std::byte* data_ = nullptr;
  std::size_t element_ = 0;
  Mode mode_ = Mode::dense;
  const Shape* shape_ = nullptr;
  Strides strides_;  // set when strided
};

constexpr int kMaxReaders = kMaxInputs + 2;  // the inputs, the cotangent, the output

/// Calls `kernel(pointers, start, count)` over [0, n), with each reader's elements made dense.
template <class Kernel>
void for_dense_blocks(const Reader* readers, int count, std::int64_t n, double flops, const Kernel& kernel) {
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    const void* pointers[kMaxReaders];
    bool all_dense = true;
    for (int i = 0; i < count; ++i) all_dense &= readers[i].dense();
    if (all_dense) {
      for (int i = 0; i < count; ++i) pointers[i] = readers[i].at(begin);
      kernel(pointers, begin, end - begin);
      return;
    }
    alignas(64) std::byte scratch[kMaxReaders][kBlock * 8];
    for (std::int64_t start = begin; start < end; start += kBlock) {
      const std::int64_t length = std::min(kBlock, end - start);
      for (int i = 0; i < count; ++i) {
        if (readers[i].dense()) {
          pointers[i] = readers[i].at(start);
        } else {
          readers[i].read(start, length, scratch[i]);
          pointers[i] = scratch[i];
        }
      }
      kernel(pointers, start, length);
    }
  };
  if (n <= kChunk) {
    if (n > 0) run(0, n);
    return;
  }
  for_blocks(n, kChunk, static_cast<double>(n) * flops >= kParallelFlops, run);
}

/// A number in the representation of a dtype.
class NumberBytes {
 public:
  void set(double value, DType dtype) {
    dispatch(dtype, [&]<class T>() {
      const T typed = static_cast<T>(value);
      std::memcpy(bytes_, &typed, sizeof typed);
    });
  }
  const void* data() const { return bytes_; }

 private:
  alignas(8) std::byte bytes_[8];
};

[[noreturn]] void refuse_undefined(const OpInfo& info, std::size_t input) {
  throw ValueError(std::string(info.name) + ": input '" + std::string(info.inputs.name[input]) + "' is undefined");
}

DType dtype_for(const OpInfo& info, std::span<const Operand> operands) {
  std::optional<DType> common;
  bool fraction = false;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].is_number()) {
      fraction |= !operands[i].is_integral();
      continue;
    }
    if (!operands[i].tensor().defined()) refuse_undefined(info, i);
    const DType dtype = operands[i].tensor().dtype();
    if (!info.masks.has(static_cast<int>(i))) {
      common = common ? promote(*common, dtype) : dtype;
    } else if (dtype != DType::boolean) {
      throw DTypeError(std::string(info.name) + ": '" + std::string(info.inputs.name[i]) + "' is " +
                       describe(operands[i].tensor()) + ", not bool; compare it with something, as in x > 0");
    }
  }
  if (!common) return info.masks.has(0) && info.masks.has(info.inputs.count - 1) ? DType::boolean : f32;
  if (is_floating(*common)) return *common;
  if (info.kind == Kind::floating || fraction) return f32;
  return *common == DType::u8 || *common == DType::boolean ? i32 : *common;
}

}  // namespace

namespace {

Tensor run_pointwise(const OpRecord& op, std::span<const Operand> operands, void* attributes) {
  const OpInfo& info = *op.info;
  const PointwiseTable& table = table_of(op);
  AttributeOwner owner{op, attributes};
  check_input_count(op, operands.size());
  if (attributes && table.check) table.check(attributes);
  const DType dtype = dtype_for(info, operands);
  const auto count = operands.size();

  Tensor held[kMaxInputs];  // inputs after conversion
  const Tensor* inputs[kMaxInputs];
  static const Tensor none;
  int number_at = -1;
  for (std::size_t i = 0; i < count; ++i) {
    const bool mask = info.masks.has(static_cast<int>(i));
    if (operands[i].is_number()) {
      if (number_at < 0 && !attributes) {
        number_at = static_cast<int>(i);
        inputs[i] = &none;
      } else {
        held[i] = scalar(operands[i].number(), dtype);
        inputs[i] = &held[i];
      }
      continue;
    }
    inputs[i] = &operands[i].tensor();
    if (!mask && inputs[i]->dtype() != dtype) [[unlikely]] {
      held[i] = cast(*inputs[i], dtype);
      inputs[i] = &held[i];
    }
    if (!engine::node_of(*inputs[i]).storage) [[unlikely]] {
      held[i] = inputs[i]->to_dense();
      inputs[i] = &held[i];
    }
  }

  const Shape* shape = nullptr;
  Shape broadcast;
  for (std::size_t i = 0; i < count; ++i) {
    if (!inputs[i]->defined()) continue;
    const Shape& own = inputs[i]->shape();
    if (!shape) {
      shape = &own;
    } else if (!(own == *shape)) {
      broadcast = broadcast_shapes(info.name.data(), *shape, own);
      shape = &broadcast;
    }
  }
  if (!shape) shape = &broadcast;  // numbers only: a scalar

  Tensor result = empty(*shape, info.kind == Kind::predicate ? DType::boolean : dtype);
  Node& node = engine::node_of(result);
  NumberBytes number;
  if (number_at >= 0) number.set(operands[static_cast<std::size_t>(number_at)].number(), dtype);
  Reader readers[kMaxInputs];
  for (std::size_t i = 0; i < count; ++i) {
    if (inputs[i]->defined())
      readers[i].open(engine::node_of(*inputs[i]), node.shape);
    else
      readers[i].open_number(number.data(), size_of(dtype));
  }
  const ValueKernel kernel = table.value[static_cast<int>(dtype)];
  const auto width = static_cast<std::int64_t>(size_of(node.dtype));
  for_dense_blocks(readers, static_cast<int>(count), node.shape.numel(), info.flops,
                   [&](const void* const* in, std::int64_t start, std::int64_t n) {
                     kernel(in, node.data + start * width, n, attributes);
                   });
  if (number_at >= 0) {
    node.scalar_input = static_cast<std::int8_t>(number_at);
    node.scalar = operands[static_cast<std::size_t>(number_at)].number();
  }
  owner.held = nullptr;
  record(node, op, {inputs, count}, attributes);
  return result;
}

}  // namespace

Tensor call_pointwise(const OpRecord& op, std::span<const Operand> operands, void* attributes) try {
  const Trace::Timer timer;
  return timer.stop(run_pointwise(op, operands, attributes));
} catch (const std::exception&) {
  static const Tensor none;
  std::vector<const Tensor*> inputs;
  for (const Operand& operand : operands) inputs.push_back(operand.is_number() ? &none : &operand.tensor());
  rethrow_failure(op, inputs);
}

namespace {

Tensor pointwise_vjp(const Node& node, int input, const Tensor& g) {
  const PointwiseTable& table = table_of(*node.op);
  const OpInfo& info = *node.op->info;
  if (info.passes.has(input)) return g;
  if (grad_enabled()) return table.recorded_vjp(node, input, g);

  if (!engine::node_of(g).storage) return pointwise_vjp(node, input, g.to_dense());
  Tensor result = empty(node.shape, node.dtype);
  const auto count = static_cast<int>(node.edge_count);
  NumberBytes number;
  if (node.scalar_input >= 0) number.set(node.scalar, node.dtype);
  Reader readers[kMaxReaders];
  for (int i = 0; i < count; ++i) {
    const Edge edge = node.edges()[i];
    if (edge.saves())
      readers[i].open(*edge.node(), node.shape);
    else if (!edge.node())
      readers[i].open_number(number.data(), size_of(node.dtype));
  }
  readers[count].open(engine::node_of(g), node.shape);
  if (info.saves.output) readers[count + 1].open(node, node.shape);
  const VjpKernel kernel = table.vjp[input][node.dtype == f64];
  std::byte* out = engine::node_of(result).data;
  const auto width = static_cast<std::int64_t>(size_of(node.dtype));
  const void* attributes = node.scalar_input < 0 ? node.attributes : nullptr;
  for_dense_blocks(readers, count + 1 + (info.saves.output ? 1 : 0), node.shape.numel(), info.flops + 1,
                   [&](const void* const* in, std::int64_t start, std::int64_t n) {
                     kernel(in[count], in, in[count + 1], out + start * width, n, attributes);
                   });
  return result;
}

}  // namespace

void pointwise_pull(const Node& node, std::span<const Tensor> g, std::span<const bool> wanted, std::span<Tensor> out) {
  const std::size_t count = wanted.size();
  for (std::size_t i = 0; i < count; ++i)
    if (wanted[i]) out[i] = pointwise_vjp(node, static_cast<int>(i), g[0]);
}

}  // namespace tapegrad
