// Compiled for AVX-512: ops/CMakeLists.txt.
#include <tapegrad/ops/kernels/tile_kernel.hpp>

namespace tapegrad::kernels {

extern const Tiles avx512_tiles;
const Tiles avx512_tiles = kTiles;

}  // namespace tapegrad::kernels
