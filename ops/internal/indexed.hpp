#pragma once
// What ops on indices along one axis declare alike: bases of their declarations.

#include <tapegrad/op/structural.hpp>
#include <tapegrad/ops/internal/costs.hpp>

namespace tapegrad::internal {

struct AxisAttrs {
  int axis = 0;
  bool operator==(const AxisAttrs&) const = default;
  static constexpr auto fields() { return std::tuple{Field{"axis", &AxisAttrs::axis, "that the indices refer to"}}; }
};

/// Elements of x where the indices say.
struct ReadsIndexed {
  struct In {
    Tensor x;
    op::Fixed indices;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor indices;
  };
  using Attrs = AxisAttrs;
  static Cost cost(const Attrs&, const In&, const Out& out) { return moved(out.y); }
};

/// x with elements of source put where the indices say. Its inputs may be strided.
struct WritesIndexed {
  struct In {
    Tensor x;
    op::Fixed indices;
    Tensor source;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor indices;
  };
  using Attrs = AxisAttrs;
  static constexpr bool takes_strides = true;
  static Out shapes(const Attrs&, const In& in) { return {op::spec(in.x.shape(), in.x.dtype())}; }
  static Cost cost(const Attrs&, const In&, const Out& out) { return moved(out.y); }
};

}  // namespace tapegrad::internal
