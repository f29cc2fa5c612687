// An element that operator[] gave is a new handle: assigning to it would change nothing.
// refused: passing .* as .this. argument|discards qualifiers|no viable overloaded|no match for
#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/selection.hpp>

void use(tapegrad::Tensor& t, const tapegrad::Tensor& y) {
#ifdef TAPEGRAD_REFUSED
  t[0] = y;
#else
  tapegrad::elements(t, 0) = y;
#endif
}
