// Numbers alone are not made a tensor by a function that has a namesake in <cmath>.
// refused: no matching function for call to .pow
#include <tapegrad/ops/arithmetic.hpp>

void use(const tapegrad::Tensor& t) {
#ifdef TAPEGRAD_REFUSED
  (void)tapegrad::pow(2.0, 3.0);
#else
  (void)tapegrad::pow(2.0, t);
#endif
}
