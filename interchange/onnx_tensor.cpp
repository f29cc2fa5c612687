#include <tapegrad/interchange/internal/onnx_tensor.hpp>

#include <fmt/format.h>
#include <sys/stat.h>

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <charconv>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/io/internal/element_format.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

/// How each type is held, and how many bytes an element of it takes in a file.
struct TypeInfo {
  ElementType type;
  std::string_view name;
  std::optional<DType> dtype;
  std::size_t bytes;
};
constexpr TypeInfo kTypes[] = {{ElementType::float32, "float", f32, 4},
                               {ElementType::float64, "double", f64, 8},
                               {ElementType::float16, "float16", f32, 2},
                               {ElementType::bfloat16, "bfloat16", f32, 2},
                               {ElementType::int64, "int64", i64, 8},
                               {ElementType::int32, "int32", i32, 4},
                               {ElementType::int16, "int16", i32, 2},
                               {ElementType::int8, "int8", i32, 1},
                               {ElementType::uint64, "uint64", i64, 8},
                               {ElementType::uint32, "uint32", i64, 4},
                               {ElementType::uint16, "uint16", i32, 2},
                               {ElementType::uint8, "uint8", u8, 1},
                               {ElementType::boolean, "bool", boolean, 1},
                               {ElementType::string, "string", {}, 0},
                               {ElementType::complex64, "complex64", {}, 8},
                               {ElementType::complex128, "complex128", {}, 16},
                               {ElementType::undefined, "an undefined type", {}, 0}};

const TypeInfo* find_type(ElementType type) {
  const auto* found = std::ranges::find(kTypes, type, &TypeInfo::type);
  return found == std::end(kTypes) ? nullptr : found;
}

/// Elements as they lie in a file, which has as many bytes as there must be.
void read_raw(const char* from, const TypeInfo& info, Tensor& to) {
  if (info.type == ElementType::boolean) {
    std::ranges::transform(std::span(from, static_cast<std::size_t>(to.numel())), to.mutable_data<bool>().begin(),
                           [](char c) { return c != 0; });
    return;
  }
  // Types that are held in another have one name here and in PyTorch.
  const io::ElementFormat* format = io::find_format(&io::ElementFormat::torch, info.name);
  dispatch(to.dtype(), [&]<class T>() {
    const std::span<T> held = to.mutable_data<T>();
    if (format && format->convert)
      format->convert(reinterpret_cast<const std::byte*>(from), held.size(), std::as_writable_bytes(held).data());
    else if (!held.empty())
      std::memcpy(held.data(), from, held.size_bytes());
  });
}

class TensorReader {
 public:
  TensorReader(const schema::Tensor& tensor, const std::filesystem::path& folder) : tensor_(tensor), folder_(folder) {}

  Value read() const {
    const auto type = static_cast<ElementType>(tensor_.data_type);
    const Shape shape = shape_of();
    if (type == ElementType::string) {
      if (tensor_.raw_data) fail("strings have no raw data");
      require_count(tensor_.string_data.size(), shape);
      return Strings{shape, tensor_.string_data};
    }
    const TypeInfo* info = find_type(type);
    if (!info || !info->dtype) fail(fmt::format("no tensor has elements of {}", name_of(type)));
    const auto bytes = static_cast<std::uint64_t>(shape.numel()) * info->bytes;
    if (tensor_.data_location == 1) return {read_external(*info, shape, bytes), type};
    if (tensor_.data_location != 0)
      fail(fmt::format("its data is in place {}; 0 and 1 are known", tensor_.data_location));
    // Empty means zero bytes here only: no element, or data in a typed field.
    if (tensor_.raw_data && (!tensor_.raw_data->empty() || bytes == 0)) {
      if (typed_count() > 0) fail("it has raw data and other data");
      require_bytes(tensor_.raw_data->size(), bytes, shape);
      Tensor t = empty(shape, *info->dtype);
      read_raw(tensor_.raw_data->data(), *info, t);
      return {checked(t, type), type};
    }
    return {read_typed(*info, shape), type};
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw IoError(fmt::format("tensor '{}': {}", printable(tensor_.name, 200), why));
  }

  Shape shape_of() const {
    if (std::ranges::any_of(tensor_.dims, [](std::int64_t d) { return d < 0; })) fail("a dimension is negative");
    try {
      return Shape(std::span<const std::int64_t>(tensor_.dims));
    } catch (const ShapeError& error) {
      fail(error.what());
    }
  }

  void require_count(std::size_t count, const Shape& shape) const {
    if (static_cast<std::int64_t>(count) != shape.numel())
      fail(fmt::format("{} elements are there, shape {} has {}", count, to_string(shape), shape.numel()));
  }
  void require_bytes(std::uint64_t there, std::uint64_t wanted, const Shape& shape) const {
    if (there != wanted)
      fail(fmt::format("{} bytes are there, shape {} of {} has {}", there, to_string(shape),
                       name_of(static_cast<ElementType>(tensor_.data_type)), wanted));
  }
  std::size_t typed_count() const {
    return tensor_.float_data.size() + tensor_.int32_data.size() + tensor_.int64_data.size() +
           tensor_.double_data.size() + tensor_.uint64_data.size();
  }

  template <class From>
  Tensor taken(const std::vector<From>& from, DType dtype, const Shape& shape) const {
    require_count(from.size(), shape);
    Tensor t = empty(shape, dtype);
    dispatch(dtype, [&]<class T>() {
      std::ranges::transform(from, t.mutable_data<T>().begin(), [](From x) { return static_cast<T>(x); });
    });
    return t;
  }

  Tensor read_typed(const TypeInfo& info, const Shape& shape) const {
    const DType dtype = *info.dtype;
    switch (info.type) {
      case ElementType::float32:
        return taken(tensor_.float_data, dtype, shape);
      case ElementType::float64:
        return taken(tensor_.double_data, dtype, shape);
      case ElementType::int64:
        return taken(tensor_.int64_data, dtype, shape);
      case ElementType::uint32:
      case ElementType::uint64:
        return checked(taken(tensor_.uint64_data, dtype, shape), info.type);
      case ElementType::float16:
      case ElementType::bfloat16: {  // as the numbers that their bits are
        require_count(tensor_.int32_data.size(), shape);
        std::string raw;
        for (const std::int32_t bits : tensor_.int32_data)
          raw += {static_cast<char>(bits), static_cast<char>(bits >> 8)};
        Tensor t = empty(shape, dtype);
        read_raw(raw.data(), info, t);
        return t;
      }
      default:
        return taken(tensor_.int32_data, dtype, shape);
    }
  }

  /// i64 holds uint64 up to 2^63 - 1.
  Tensor checked(Tensor t, ElementType type) const {
    if (type == ElementType::uint64 &&
        std::ranges::any_of(t.data<std::int64_t>(), [](std::int64_t x) { return x < 0; }))
      fail("an element of uint64 is 2^63 or more, which no tensor holds");
    return t;
  }

  Tensor read_external(const TypeInfo& info, const Shape& shape, std::uint64_t bytes) const {
    std::string location;
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length;
    for (const auto& [key, text] : tensor_.external_data) {
      if (key == "location")
        location = text;
      else if (key == "offset")
        offset = number(key, text);
      else if (key == "length")
        length = number(key, text);
      else if (key != "checksum")
        fail(fmt::format("its external data has an unknown key '{}'", printable(key, 60)));
    }
    const InputFile file(checked_location(location));
    const std::uint64_t there = length.value_or(file.size() - std::min(offset, file.size()));
    if (offset > file.size() || there > file.size() - offset)
      fail(fmt::format("its external data are {} bytes from {} on of {}, which has {}", there, offset, file.name(),
                       file.size()));
    if (!length && there > bytes)
      require_bytes(bytes, bytes, shape);  // without a length: what the shape needs
    else
      require_bytes(there, bytes, shape);
    Tensor t = empty(shape, *info.dtype);
    read_raw(file.read(bytes, offset).data(), info, t);
    return checked(t, info.type);
  }

  std::uint64_t number(const std::string& key, const std::string& text) const {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
      fail(fmt::format("its external data has {} '{}'; a number was expected", key, printable(text, 60)));
    return value;
  }

  /// The rules of https://onnx.ai/onnx/repo-docs/ExternalDataSecurity.html: a file below the folder, no links on the
  /// way, and no second name for it.
  std::filesystem::path checked_location(const std::string& location) const {
    const std::filesystem::path relative(location);
    const auto refuse = [&](std::string_view why) {
      fail(fmt::format("its external data is in '{}', {}", printable(location, 200), why));
    };
    if (location.empty() || location.find('\0') != std::string::npos) refuse("which is no name of a file");
    if (relative.is_absolute()) refuse("which must be a path within the model's folder");
    std::filesystem::path path = folder_;
    for (const auto& part : relative) {
      if (part == ".." || part.empty()) refuse("which must be a path within the model's folder");
      path /= part;
      std::error_code error;
      if (std::filesystem::is_symlink(path, error)) refuse("which leads through a symbolic link");
    }
    struct stat about {};
    if (::stat(path.c_str(), &about) == 0 && about.st_nlink > 1 && S_ISREG(about.st_mode))
      refuse("a file that has another name too (a hard link)");
    return path;
  }

  const schema::Tensor& tensor_;
  const std::filesystem::path& folder_;
};

}  // namespace

std::string name_of(ElementType type) {
  const TypeInfo* info = find_type(type);
  return info ? std::string(info->name) : fmt::format("type {}", static_cast<int>(type));
}

DType dtype_of(ElementType type) {
  const TypeInfo* info = find_type(type);
  if (!info || !info->dtype) throw DTypeError("onnx: no tensor has elements of " + name_of(type));
  return *info->dtype;
}

ElementType element_type(DType dtype) {
  return std::ranges::find_if(kTypes, [&](const TypeInfo& t) { return t.dtype == dtype && t.bytes == size_of(dtype); })
      ->type;
}

Value::Value(Tensor t) : content(std::move(t)), type(element_type(std::get<Tensor>(content).dtype())) {}

Value value_of(const schema::Tensor& tensor, const std::filesystem::path& folder) {
  return TensorReader(tensor, folder).read();
}

Value value_of(const schema::SparseTensor& sparse, const std::filesystem::path& folder) {
  const Value values = value_of(sparse.values, folder), indices = value_of(sparse.indices, folder);
  const Tensor *v = values.tensor(), *at = indices.tensor();
  if (!v || !at || v->rank() != 1 || at->dtype() != i64 || (at->rank() != 1 && at->rank() != 2))
    throw IoError("a sparse tensor needs values of one axis and indices of int64");
  const Shape shape{std::span<const std::int64_t>(sparse.dims)};
  if (shape.numel() > 64 * (v->numel() + (1 << 20)))
    throw IoError(
        fmt::format("a sparse tensor of {} values has shape {}, too large to be held", v->numel(), to_string(shape)));
  Tensor places = *at;
  if (at->rank() == 2) {
    Tensor steps = empty({shape.rank()}, i64);
    const auto row = row_major_strides(shape);
    std::copy_n(row.begin(), shape.rank(), steps.mutable_data<std::int64_t>().begin());
    places = sum(*at * steps, {1});
  }
  const Tensor zero = zeros({shape.numel()}, v->dtype());
  return {reshape(scatter(zero, 0, places, *v), shape), values.type};
}

ValueInfo info_of(const schema::ValueInfo& info) {
  ValueInfo result{.name = info.name};
  if (!info.type) return result;
  const schema::Type* type = &*info.type;
  if (type->optional_type) {
    result.kind = ValueInfo::Kind::optional;
    type = &type->optional_type->elem_type;
  }
  if (type->sequence_type) {
    if (result.kind == ValueInfo::Kind::tensor) result.kind = ValueInfo::Kind::sequence;
    type = &type->sequence_type->elem_type;
  }
  const auto& tensor = type->tensor_type ? type->tensor_type : type->sparse_tensor_type;
  if (!tensor) return result;
  result.type = static_cast<ElementType>(tensor->elem_type);
  if (tensor->shape) {
    result.shape.emplace();
    for (const schema::Dimension& d : tensor->shape->dim)
      result.shape->push_back({d.dim_value.value_or(-1), d.dim_param.value_or("")});
  }
  return result;
}

std::string describe(const ValueInfo& info) {
  std::string text = fmt::format("{}: ", printable(info.name, 200));
  if (info.kind == ValueInfo::Kind::sequence) text += "sequence of ";
  if (info.kind == ValueInfo::Kind::optional) text += "optional ";
  text += name_of(info.type);
  if (!info.shape) return text + " of any shape";
  std::vector<std::string> extents;
  for (const Dimension& d : *info.shape)
    extents.push_back(d.size >= 0 ? fmt::to_string(d.size) : d.symbol.empty() ? "?" : printable(d.symbol, 60));
  return text + fmt::format(" [{}]", abridged(extents));
}

Tensor wrapped(const Tensor& x, ElementType type) {
  const TypeInfo* info = find_type(type);
  if (!info || !info->dtype || is_floating(x.dtype()) || info->bytes == size_of(x.dtype())) return x;
  const bool has_sign = type == ElementType::int8 || type == ElementType::int16;
  const int unused = static_cast<int>(8 * (sizeof(std::int64_t) - info->bytes));
  Tensor y = cast(x, i64).clone();
  for (std::int64_t& value : y.mutable_data<std::int64_t>()) {
    const std::uint64_t high = static_cast<std::uint64_t>(value) << unused;
    value = has_sign ? static_cast<std::int64_t>(high) >> unused : static_cast<std::int64_t>(high >> unused);
  }
  return cast(y, x.dtype());
}

Tensor rounded(const Tensor& x, ElementType type) {
  if (type != ElementType::float16 && type != ElementType::bfloat16) return x;
  Tensor near = cast(x, f32).detach().clone();
  for (float& value : near.mutable_data<float>())
    value = type == ElementType::float16 ? static_cast<float>(static_cast<Eigen::half>(value))
                                         : static_cast<float>(static_cast<Eigen::bfloat16>(value));
  if (!x.requires_grad() || !grad_enabled()) return near;
  const Tensor given = cast(x, f32);
  return where(isfinite(near), given + (near - given.detach()), near);
}

}  // namespace tapegrad::onnx
