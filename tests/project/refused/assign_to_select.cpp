// And select().
// refused: passing .* as .this. argument|discards qualifiers|no viable overloaded|no match for
#include <tapegrad/ops/selection.hpp>

void use(tapegrad::Tensor& t, const tapegrad::Tensor& y) {
#ifdef TAPEGRAD_REFUSED
  select(t, 1, 0) = y;
#else
  elements(t, tapegrad::ellipsis, 0) = y;
#endif
}
