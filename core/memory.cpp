// A size-class pool with one cache a thread. Caches give whole lists to, and take them from, a central store, so a
// block may die on another thread than it was born on. TAPEGRAD_POOL_PASSTHROUGH hands every request to the system
// instead, so that sanitizers see each block's life.

#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <new>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/memory_limit.hpp>
#include <vector>

namespace tapegrad::memory {
namespace {

constexpr std::size_t kGranule = 16;
constexpr std::size_t kSmallLimit = 512;  // classes a granule apart up to here, four a doubling above
constexpr std::size_t kSmallClasses = kSmallLimit / kGranule;
constexpr std::size_t kLargeLimit = std::size_t{1} << 32;  // blocks above this are never cached
constexpr std::size_t kClasses = kSmallClasses + std::size_t{4} * (32 - 9) + 1;
constexpr std::size_t kChunk = std::size_t{1} << 18;  // what small blocks are carved from
constexpr std::size_t kCacheLine = 64;
constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

constexpr std::size_t class_of(std::size_t bytes) {
  if (bytes <= kSmallLimit) return bytes == 0 ? 0 : (bytes - 1) / kGranule;
  const auto log = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^log < bytes <= 2^(log+1)
  const std::size_t quarter = (bytes - 1 - (std::size_t{1} << log)) >> (log - 2);
  return kSmallClasses + 4 * (log - 9) + quarter;
}

constexpr std::size_t bytes_of(std::size_t size_class) {
  if (size_class < kSmallClasses) return (size_class + 1) * kGranule;
  const std::size_t log = 9 + (size_class - kSmallClasses) / 4, quarter = (size_class - kSmallClasses) % 4;
  return (std::size_t{1} << log) + ((quarter + 1) << (log - 2));
}
static_assert(bytes_of(class_of(513)) == 640 && bytes_of(class_of(640)) == 640 && bytes_of(class_of(1024)) == 1024);

struct FreeBlock {
  FreeBlock* next;
};

struct FreeList {
  FreeBlock* head = nullptr;
  std::size_t count = 0;
};

// Written by one thread, read by any.
class Counter {
 public:
  void add(std::uint64_t n) { value_.store(get() + n, std::memory_order_relaxed); }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct Cache {
  std::array<FreeList, kClasses> lists;
  std::byte* chunk = nullptr;
  std::byte* chunk_end = nullptr;
  // Differences: a thread that frees more than it allocates wraps below zero, and the sum over threads is right.
  Counter allocations, live_blocks, live_bytes, peak_bytes;
  std::uint64_t limit = kNoLimit;  // of live_bytes, wrapped as they are
};

struct Central {
  std::mutex mutex;
  std::array<std::vector<FreeList>, kClasses> lists;
  std::vector<Cache*> caches;  // of running threads
  std::vector<Cache*> idle;    // of ended threads, to be taken over by new ones
  std::atomic<std::uint64_t> held{0};
};

Central& central() {
  static auto* instance = new Central;  // never destroyed: statics of the program may hold tensors
  return *instance;
}

thread_local Cache* current_cache = nullptr;

struct CacheOwner {
  Cache* cache;
  CacheOwner() {
    Central& c = central();
    const std::lock_guard lock(c.mutex);
    if (c.idle.empty()) {
      cache = new Cache;
      c.caches.push_back(cache);
    } else {
      cache = c.idle.back();
      c.idle.pop_back();
    }
  }
  ~CacheOwner() {
    current_cache = nullptr;
    Central& c = central();
    const std::lock_guard lock(c.mutex);
    for (std::size_t i = 0; i < kClasses; ++i) {
      if (cache->lists[i].count) c.lists[i].push_back(cache->lists[i]);
      cache->lists[i] = {};
    }
    c.idle.push_back(cache);  // with its counters and the rest of its chunk
  }
  CacheOwner(const CacheOwner&) = delete;
  CacheOwner& operator=(const CacheOwner&) = delete;
};

// After a thread's own cache is gone (tensors in its other thread-locals die later), a shared one serves under a lock.
thread_local bool cache_is_gone = false;

Cache* attach() {
  struct Marker {
    CacheOwner owner;
    ~Marker() { cache_is_gone = true; }
  };
  thread_local Marker marker;
  return current_cache = marker.owner.cache;
}

void* system_allocate(std::size_t bytes) {
  void* block = ::operator new (bytes, std::align_val_t{kCacheLine});
  central().held.fetch_add(bytes, std::memory_order_relaxed);
  return block;
}

void system_release(void* block, std::size_t bytes) noexcept {
  ::operator delete (block, std::align_val_t{kCacheLine});
  central().held.fetch_sub(bytes, std::memory_order_relaxed);
}

// How many blocks of a class a thread keeps before it gives them away.
constexpr std::size_t keep_limit(std::size_t bytes) {
  return bytes <= kSmallLimit ? 4096 : bytes <= (std::size_t{1} << 20) ? 64 : 16;
}

void* refill(Cache& cache, std::size_t size_class) {
  const std::size_t bytes = bytes_of(size_class);
  FreeList& list = cache.lists[size_class];
  {
    Central& c = central();
    const std::lock_guard lock(c.mutex);
    if (!c.lists[size_class].empty()) {
      list = c.lists[size_class].back();
      c.lists[size_class].pop_back();
    }
  }
  if (list.head) {
    FreeBlock* block = list.head;
    list.head = block->next;
    --list.count;
    return block;
  }
  if (bytes > kSmallLimit) return system_allocate(bytes);
  // Small blocks of 64 bytes and multiples stay on cache lines; others only need 16.
  if (bytes % kCacheLine == 0)
    while (reinterpret_cast<std::uintptr_t>(cache.chunk) % kCacheLine != 0 && cache.chunk < cache.chunk_end)
      cache.chunk += kGranule;
  if (static_cast<std::size_t>(cache.chunk_end - cache.chunk) < bytes) {
    cache.chunk = static_cast<std::byte*>(system_allocate(kChunk));
    cache.chunk_end = cache.chunk + kChunk;
  }
  void* block = cache.chunk;
  cache.chunk += bytes;
  return block;
}

void spill(FreeList& list, std::size_t size_class) noexcept {
  Central& c = central();
  const std::lock_guard lock(c.mutex);
  c.lists[size_class].push_back(list);
  list = {};
}

bool is_above(std::uint64_t bytes, std::uint64_t bound) { return static_cast<std::int64_t>(bytes - bound) > 0; }

void* allocate_from(Cache& cache, std::size_t bytes) {
  const std::size_t size_class = class_of(bytes);
  // Under a limit, which begins at a peak of what is live, every new peak is looked at.
  const std::uint64_t live = cache.live_bytes.get() + bytes_of(size_class);
  const bool is_peak = is_above(live, cache.peak_bytes.get());
  if (is_peak && cache.limit != kNoLimit && is_above(live, cache.limit)) throw LimitReached();
  void* block;
#ifdef TAPEGRAD_POOL_PASSTHROUGH
  block = system_allocate(bytes_of(size_class));
#else
  FreeList& list = cache.lists[size_class];
  if (list.head) [[likely]] {
    block = list.head;
    list.head = list.head->next;
    --list.count;
  } else {
    block = refill(cache, size_class);
  }
#endif
  cache.allocations.add(1);
  cache.live_blocks.add(1);
  cache.live_bytes.set(live);
  if (is_peak) cache.peak_bytes.set(live);
  return block;
}

void release_to(Cache& cache, void* block, std::size_t bytes) noexcept {
  const std::size_t size_class = class_of(bytes);
  cache.live_blocks.add(~std::uint64_t{0});
  cache.live_bytes.add(~std::uint64_t{bytes_of(size_class)} + 1);
#ifdef TAPEGRAD_POOL_PASSTHROUGH
  system_release(block, bytes_of(size_class));
#else
  FreeList& list = cache.lists[size_class];
  auto* freed = static_cast<FreeBlock*>(block);
  freed->next = list.head;
  list.head = freed;
  if (++list.count >= keep_limit(bytes_of(size_class))) spill(list, size_class);
#endif
}

std::mutex& orphan_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

Cache& orphan_cache() {
  static Cache* cache = [] {
    auto* made = new Cache;
    const std::lock_guard lock(central().mutex);
    central().caches.push_back(made);
    return made;
  }();
  return *cache;
}

void free_list(FreeList& list, std::size_t size_class) noexcept {
  while (FreeBlock* block = list.head) {
    list.head = block->next;
    system_release(block, bytes_of(size_class));
  }
  list.count = 0;
}

}  // namespace

void* allocate(std::size_t bytes) {
  Cache* cache = current_cache;
  if (bytes > kLargeLimit) {
    if (cache && cache->limit != kNoLimit) throw LimitReached();
    return system_allocate(bytes);
  }
  if (!cache) [[unlikely]] {
    if (cache_is_gone) {
      const std::lock_guard lock(orphan_mutex());
      return allocate_from(orphan_cache(), bytes);
    }
    cache = attach();
  }
  return allocate_from(*cache, bytes);
}

void release(void* block, std::size_t bytes) noexcept {
  if (bytes > kLargeLimit) return system_release(block, bytes);
  Cache* cache = current_cache;
  if (!cache) [[unlikely]] {
    if (cache_is_gone) {
      const std::lock_guard lock(orphan_mutex());
      return release_to(orphan_cache(), block, bytes);
    }
    cache = attach();
  }
  release_to(*cache, block, bytes);
}

Stats stats() {
  Central& c = central();
  const std::lock_guard lock(c.mutex);
  Stats s;
  for (const Cache* cache : c.caches) {
    s.allocations += cache->allocations.get();
    s.live_blocks += cache->live_blocks.get();
    s.live_bytes += cache->live_bytes.get();
    if (static_cast<std::int64_t>(cache->peak_bytes.get()) > 0) s.peak_bytes += cache->peak_bytes.get();
  }
  if (static_cast<std::int64_t>(s.peak_bytes - s.live_bytes) < 0) s.peak_bytes = s.live_bytes;
  s.held_bytes = c.held.load(std::memory_order_relaxed);
  return s;
}

void reset_peak() {
  Central& c = central();
  const std::lock_guard lock(c.mutex);
  for (Cache* cache : c.caches) cache->peak_bytes.set(cache->live_bytes.get());
}

const char* LimitReached::what() const noexcept { return "more memory than this piece of work may take"; }

Limit::Limit(std::uint64_t bytes) {
  Cache& cache = current_cache ? *current_cache : *attach();
  outer_limit_ = cache.limit;
  outer_peak_ = cache.peak_bytes.get();
  cache.peak_bytes.set(cache.live_bytes.get());
  cache.limit = cache.live_bytes.get() + bytes;
}

Limit::~Limit() {
  Cache& cache = *current_cache;
  cache.limit = outer_limit_;
  if (is_above(outer_peak_, cache.peak_bytes.get())) cache.peak_bytes.set(outer_peak_);
}

void trim() {
  Central& c = central();
  const std::lock_guard lock(c.mutex);
  for (std::size_t i = kSmallClasses; i < kClasses; ++i) {
    for (FreeList& list : c.lists[i]) free_list(list, i);
    c.lists[i].clear();
    if (current_cache) free_list(current_cache->lists[i], i);
  }
}

}  // namespace tapegrad::memory
