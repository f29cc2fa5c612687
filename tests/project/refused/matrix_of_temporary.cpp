// A matrix would outlive the temporary whose elements it shows.
// refused: use of deleted function|call to deleted function
#include <tapegrad/core/eigen.hpp>
#include <tapegrad/core/random.hpp>

void use() {
#ifdef TAPEGRAD_REFUSED
  auto matrix = tapegrad::as_eigen<float>(tapegrad::randn({2, 2}));
#else
  const tapegrad::Tensor held = tapegrad::randn({2, 2});
  auto matrix = tapegrad::as_eigen<float>(held);
#endif
  (void)matrix;
}
