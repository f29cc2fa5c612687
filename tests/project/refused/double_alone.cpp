// A function that takes double alone would lose the derivatives.
// refused: This function takes double alone|deleted function .*operator U|no known conversion from .*Real
#include <tapegrad/scalar/scalar.hpp>

double area(double radius) { return 3 * radius * radius; }
template <class T>
T area_of(const T& radius) {
  return 3 * radius * radius;
}

void use(const tapegrad::scalars::Real& x) {
#ifdef TAPEGRAD_REFUSED
  (void)area(x);
#else
  (void)area(value(x));
  (void)area_of(x);
#endif
}
