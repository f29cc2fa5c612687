#pragma once
// Vectors whose memory comes from the pool of tensors: of the system's, each step would get its pages anew.

#include <tapegrad/core/memory.hpp>
#include <vector>

namespace tapegrad {

template <class T>
struct PoolAllocator {
  using value_type = T;

  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) {}

  T* allocate(std::size_t n) { return static_cast<T*>(memory::allocate(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) noexcept { memory::release(p, n * sizeof(T)); }
  bool operator==(const PoolAllocator&) const = default;
};

template <class T>
using PooledVector = std::vector<T, PoolAllocator<T>>;

}  // namespace tapegrad
