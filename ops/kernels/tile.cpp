#include <tapegrad/ops/kernels/tile_kernel.hpp>
#include <type_traits>

namespace tapegrad::kernels {

#ifdef TAPEGRAD_TILES_AT_RUN_TIME
extern const Tiles avx2_tiles, avx512_tiles;

namespace {

const Tiles& choose() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return avx512_tiles;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2_tiles : kTiles;
}

}  // namespace
#else
namespace {
constexpr const Tiles& choose() { return kTiles; }
}  // namespace
#endif

template <class T>
const Tile<T>& tile() {
  static const Tiles& best = choose();
  if constexpr (std::is_same_v<T, float>)
    return best.f32;
  else
    return best.f64;
}

template const Tile<float>& tile();
template const Tile<double>& tile();

}  // namespace tapegrad::kernels
