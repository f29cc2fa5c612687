#include <algorithm>
#include <tapegrad/ops/internal/windows.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {

Integers for_axes(const char* op, const char* name, const Integers& given, int axes, std::int64_t otherwise,
                  std::int64_t least) {
  const auto count = static_cast<std::size_t>(axes);
  if (given.size() > 1 && given.size() != count)
    throw ValueError(std::string(op) + ": " + name + " is " + format_attribute(given) + " for " + std::to_string(axes) +
                     " spatial axes; expected one number, or one for each");
  Integers values = given.empty() ? Integers(count, otherwise) : given.size() == 1 ? Integers(count, given[0]) : given;
  if (std::any_of(values.begin(), values.end(), [&](std::int64_t v) { return v < least; }))
    throw ValueError(std::string(op) + ": " + name + " is " + format_attribute(given) + "; expected " +
                     std::to_string(least) + " or more");
  return values;
}

Integers attribute_of(const PerAxis& option, int axes, std::int64_t otherwise) {
  const Integers& v = option.values();
  if (v.size() > 1 && v.size() != static_cast<std::size_t>(axes)) return v;
  return std::all_of(v.begin(), v.end(), [&](std::int64_t one) { return one == otherwise; }) ? Integers() : v;
}

kernels::Extents spatial(std::span<const std::int64_t> extents, std::int64_t otherwise) {
  kernels::Extents all;
  all.fill(otherwise);
  std::copy(extents.begin(), extents.end(), all.end() - static_cast<std::ptrdiff_t>(extents.size()));
  return all;
}

kernels::Extents spatial_of(const Shape& x) { return spatial(x.dims().subspan(2)); }

Integers extents_of(const Shape& x) { return {x.begin() + 2, x.end()}; }

Shape with_extents(std::int64_t n, std::int64_t channels, const Integers& extents) {
  Integers dims{n, channels};
  dims.insert(dims.end(), extents.begin(), extents.end());
  return Shape(dims);
}

void map_axes(std::span<const kernels::AxisMap> maps, const Tensor& x, Tensor& y) {
  dispatch_floating(y.dtype(), [&]<class T>() {
    kernels::apply_maps<T>(planes(x.shape()), maps, x.data<T>().data(), y.mutable_data<T>().data());
  });
}

std::vector<kernels::AxisMap> transposed(std::span<const kernels::AxisMap> maps) {
  std::vector<kernels::AxisMap> all;
  for (const kernels::AxisMap& map : maps) all.push_back(map.transposed());
  return all;
}

void check_images(const char* op, const Tensor& x) {
  if (x.rank() < 3 || x.rank() > 2 + kernels::kSpatial)
    throw ShapeError(std::string(op) + ": x is " + to_string(x.shape()) +
                     "; expected [N, C, L], [N, C, H, W] or [N, C, D, H, W]");
}

Tensor with_batch(const char* op, const Tensor& x, int axes, const std::function<Tensor(const Tensor&)>& f) {
  if (x.rank() == axes + 2) return f(x);
  if (x.rank() == axes + 1) return squeeze(f(unsqueeze(x, 0)), 0);
  const char* extents[] = {"L", "H, W", "D, H, W"};
  throw ShapeError(std::string(op) + ": x is " + to_string(x.shape()) + "; expected [N, C, " + extents[axes - 1] +
                   "], or [C, " + extents[axes - 1] + "] for one sample");
}

}  // namespace tapegrad
