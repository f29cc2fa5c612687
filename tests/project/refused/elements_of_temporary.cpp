// The elements of a temporary are gone before anyone could read them.
// refused: cannot bind non-const lvalue reference|expects an lvalue|no matching function|no known conversion
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/selection.hpp>

void use(tapegrad::Tensor& t) {
#ifdef TAPEGRAD_REFUSED
  elements(t * 2, 0) = 1;
#else
  tapegrad::Tensor twice = t * 2;
  elements(twice, 0) = 1;
#endif
}
