// Compiled for AVX2 and FMA: ops/CMakeLists.txt.
#include <tapegrad/ops/kernels/tile_kernel.hpp>

namespace tapegrad::kernels {

extern const Tiles avx2_tiles;
const Tiles avx2_tiles = kTiles;

}  // namespace tapegrad::kernels
