#pragma once
// Comparisons, logic and choice, elementwise with broadcasting. Results of comparisons are bool and have no gradient.

#include <tapegrad/op/operand.hpp>

namespace tapegrad {

Tensor equal(const Operand& a, const Operand& b);
Tensor not_equal(const Operand& a, const Operand& b);
Tensor less(const Operand& a, const Operand& b);
Tensor less_equal(const Operand& a, const Operand& b);
Tensor greater(const Operand& a, const Operand& b);
Tensor greater_equal(const Operand& a, const Operand& b);
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);

/// Of bool tensors.
Tensor logical_and(const Operand& a, const Operand& b);
Tensor logical_or(const Operand& a, const Operand& b);
Tensor logical_xor(const Operand& a, const Operand& b);
Tensor logical_not(const Tensor& a);

/// a where the condition holds, else b. The branch not taken has gradient 0, even where its own slope is NaN or
/// infinite.
Tensor where(const Tensor& condition, const Operand& a, const Operand& b);
Tensor where(bool condition, const Operand& a, const Operand& b);

inline Tensor operator==(const Operand& a, const Operand& b) { return equal(a, b); }
inline Tensor operator!=(const Operand& a, const Operand& b) { return not_equal(a, b); }
inline Tensor operator<(const Operand& a, const Operand& b) { return less(a, b); }
inline Tensor operator<=(const Operand& a, const Operand& b) { return less_equal(a, b); }
inline Tensor operator>(const Operand& a, const Operand& b) { return greater(a, b); }
inline Tensor operator>=(const Operand& a, const Operand& b) { return greater_equal(a, b); }
inline Tensor operator&&(const Operand& a, const Operand& b) { return logical_and(a, b); }
inline Tensor operator||(const Operand& a, const Operand& b) { return logical_or(a, b); }
inline Tensor operator!(const Tensor& a) { return logical_not(a); }

}  // namespace tapegrad
