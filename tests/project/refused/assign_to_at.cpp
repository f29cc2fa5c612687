// So does at().
// refused: passing .* as .this. argument|discards qualifiers|no viable overloaded|no match for
#include <tapegrad/ops/selection.hpp>

void use(tapegrad::Tensor& t, const tapegrad::Tensor& y) {
#ifdef TAPEGRAD_REFUSED
  at(t, 1, tapegrad::Slice{0, 2}) = y;
#else
  elements(t, 1, tapegrad::Slice{0, 2}) = y;
#endif
}
