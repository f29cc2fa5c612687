#pragma once
// Sums of products over shared axes. All of these are recorded as the products, sums and changes of shape that they
// come down to. Integers are contracted as f32, as in matmul().

#include <span>
#include <string_view>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

/// The matrix product of the last two axes; axes before them broadcast. A vector (rank 1) is a row on the left and a
/// column on the right, and its axis goes away. Transposed views are read without a copy.
Tensor matmul(const Tensor& a, const Tensor& b);

/// Σ a[i] b[i] of two vectors of one length (ShapeError).
Tensor dot(const Tensor& a, const Tensor& b);
/// y[i, j] = a[i] b[j] of two vectors (ShapeError).
Tensor outer(const Tensor& a, const Tensor& b);
/// Kronecker's product: blocks a[i, j] b in the place of each a[i, j], for tensors of any ranks up to 4; axes of extent
/// 1 are added in front of the smaller rank.
Tensor kron(const Tensor& a, const Tensor& b);
/// The vector product along an axis of extent 3 (ShapeError); the other axes broadcast.
Tensor cross(const Tensor& a, const Tensor& b, int axis = -1);
/// [n, i, k] by [n, k, j] matrix products, one for each n. As matmul(), but nothing broadcasts (ShapeError).
Tensor bmm(const Tensor& a, const Tensor& b);
/// beta c + alpha a b for matrices a and b, where c broadcasts to the product (ShapeError). With beta = 0 c is not
/// read, be it NaN.
Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);

/// The sum over axes_a[i] of a together with axes_b[i] of b; what is left of a's axes, then of b's. ShapeError where a
/// pair's extents differ, ValueError for lists of unequal length or an axis named twice.
Tensor tensordot(const Tensor& a, const Tensor& b, const std::vector<int>& axes_a, const std::vector<int>& axes_b);
/// Over the last `axes` of a and the first `axes` of b; 0 gives the product of all pairs.
Tensor tensordot(const Tensor& a, const Tensor& b, int axes = 2);

/// Sums of products by Einstein's convention, as NumPy's einsum: "bij,bjk->bik" names each operand's axes by letters,
/// and what becomes of them. A letter that occurs twice in one operand takes its diagonal; one that the result does not
/// name is summed over. "..." stands for axes that broadcast. Without "->" the result has the letters that occur once,
/// in alphabetical order, after the "...". Extents of 1 broadcast. Many operands are contracted two by two, those first
/// whose result is small.
/// ValueError for an equation that cannot be read, ShapeError for operands that do not fit it.
Tensor einsum(std::string_view equation, std::span<const Tensor> operands);
template <class... T>
requires(sizeof...(T) > 0 && (std::convertible_to<const T&, const Tensor&> && ...)) Tensor
    einsum(std::string_view equation, const T&... operands) {
  const Tensor all[] = {operands...};
  return einsum(equation, std::span<const Tensor>(all));
}

/// Real and imaginary parts.
struct Spectrum {
  Tensor re, im;  ///< of the frequencies 0, 1, … n/2
};
/// Σ x[j] exp(-2πi jk / n) along an axis of any length n ≥ 1 (ShapeError), as pairs of real numbers: the half of the
/// spectrum that determines the other. Sums of products with fixed factors, by the prime factors of n.
Spectrum rfft(const Tensor& x, int axis = -1);
/// The x of length n with that spectrum; without n, of the even length. ValueError where n/2 + 1 is not its length.
Tensor irfft(const Spectrum& spectrum, std::int64_t n = -1, int axis = -1);

}  // namespace tapegrad
