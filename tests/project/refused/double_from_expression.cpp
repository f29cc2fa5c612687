// So would an expression that becomes a double.
// refused: This function takes double alone|deleted function .*operator U
#include <tapegrad/scalar/scalar.hpp>

double use(const tapegrad::scalars::Real& x) {
#ifdef TAPEGRAD_REFUSED
  return x * 2;
#else
  return number(x * 2);
#endif
}
