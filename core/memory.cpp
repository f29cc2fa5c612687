// A size-class pool with one cache a thread. Caches give whole lists to, and take them from, a central store, so a
// block may die on another thread than it was born on. TAPEGRAD_POOL_PASSTHROUGH hands every request to the system
// instead, so that sanitizers see each block's life.

#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <new>
#include <string>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/memory.hpp>
#include <utility>

namespace tapegrad::memory {
namespace {

#ifdef TAPEGRAD_POOL_PASSTHROUGH
constexpr bool kPassthrough = true;
#else
constexpr bool kPassthrough = false;
#endif

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

// Free blocks hold the lists that they are in, so that giving one back needs no memory.
struct FreeBlock {
  FreeBlock* next;
  union {
    FreeBlock* next_list;  // in a list's first block, while the list is in the central store
    std::size_t count;     // in its second block, then: of the list
  };
};
static_assert(sizeof(FreeBlock) <= kGranule);

struct FreeList {
  FreeBlock* head = nullptr;
  std::size_t count = 0;
};

// Lists that no thread has.
class ListStack {
 public:
  bool empty() const noexcept { return !top_; }
  void push(FreeList list) noexcept {
    list.head->next_list = top_;
    if (list.head->next) list.head->next->count = list.count;
    top_ = list.head;
  }
  FreeList pop() noexcept {
    FreeBlock* head = top_;
    top_ = head->next_list;
    return {head, head->next ? head->next->count : 1};
  }

 private:
  FreeBlock* top_ = nullptr;
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
  Cache* next = nullptr;           // of all caches
  Cache* next_idle = nullptr;      // of those without a thread
};

struct Central {
  std::mutex mutex;
  std::array<ListStack, kClasses> lists;
  Cache* caches = nullptr;  // all there are
  Cache* idle = nullptr;    // those of ended threads, to be taken over by new ones
  std::atomic<std::uint64_t> held{0}, limit{~std::uint64_t{0}};

  // For threads that have no cache of their own: one that has ended its own already (tensors in its other thread-locals
  // die later), or that had no memory for one when it gave a block back.
  std::mutex shared_mutex;
  Cache shared;
};

Central& central() noexcept {
  // Never destroyed: statics of the program may hold tensors.
  alignas(Central) static std::byte place[sizeof(Central)];
  static Central* instance = [] {
    auto* made = new (place) Central;
    made->caches = &made->shared;
    return made;
  }();
  return *instance;
}

thread_local Cache* current_cache = nullptr;
thread_local bool cache_is_gone = false;

class CacheOwner {
 public:
  CacheOwner() : cache_(idle_or_new()) {}
  ~CacheOwner() {
    current_cache = nullptr;
    cache_is_gone = true;
    Central& c = central();
    const std::lock_guard lock(c.mutex);
    for (std::size_t i = 0; i < kClasses; ++i) {
      if (cache_->lists[i].count) c.lists[i].push(cache_->lists[i]);
      cache_->lists[i] = {};
    }
    cache_->next_idle = std::exchange(c.idle, cache_);  // with its counters and the rest of its chunk
  }
  CacheOwner(const CacheOwner&) = delete;
  CacheOwner& operator=(const CacheOwner&) = delete;
  Cache* cache() const noexcept { return cache_; }

 private:
  static Cache* idle_or_new() {
    Central& c = central();
    const std::lock_guard lock(c.mutex);
    if (c.idle) return std::exchange(c.idle, c.idle->next_idle);
    auto* made = new Cache;
    made->next = std::exchange(c.caches, made);
    return made;
  }

  Cache* cache_;
};

// The calling thread's cache; null if it is gone. std::bad_alloc if there is no memory for one.
Cache* attach() {
  if (cache_is_gone) return nullptr;
  thread_local CacheOwner owner;
  return current_cache = owner.cache();
}

/// Null when the limit or the system does not allow it.
void* try_system_allocate(std::size_t bytes) noexcept {
  Central& c = central();
  const std::uint64_t held = c.held.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  // More than PTRDIFF_MAX is not tried: sanitizers take such a request for a bug.
  if (held <= c.limit.load(std::memory_order_relaxed) && bytes <= static_cast<std::size_t>(PTRDIFF_MAX))
    if (void* block = ::operator new (bytes, std::align_val_t{kCacheLine}, std::nothrow)) return block;
  c.held.fetch_sub(bytes, std::memory_order_relaxed);
  return nullptr;
}

void* system_allocate(std::size_t bytes) {
  void* block = try_system_allocate(bytes);
  if (!block) {
    trim();
    block = try_system_allocate(bytes);
  }
  if (!block)
    throw MemoryError("out of memory: " + std::to_string(bytes) + " bytes more than the " +
                      std::to_string(central().held.load(std::memory_order_relaxed)) + " that are held");
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

[[maybe_unused]] void* refill(Cache& cache, std::size_t size_class) {
  const std::size_t bytes = bytes_of(size_class);
  FreeList& list = cache.lists[size_class];
  {
    Central& c = central();
    const std::lock_guard lock(c.mutex);
    if (!c.lists[size_class].empty()) list = c.lists[size_class].pop();
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
  c.lists[size_class].push(std::exchange(list, {}));
}

[[noreturn, gnu::cold]] void refuse_limited() { throw MemoryError("more memory than this piece of work may take"); }

bool is_above(std::uint64_t bytes, std::uint64_t bound) noexcept {
  return static_cast<std::int64_t>(bytes - bound) > 0;
}

void* allocate_from(Cache& cache, std::size_t bytes) {
  const std::size_t size_class = class_of(bytes);
  // Under a limit, which begins at a peak of what is live, every new peak is looked at.
  const std::uint64_t live = cache.live_bytes.get() + bytes_of(size_class);
  const bool is_peak = is_above(live, cache.peak_bytes.get());
  if (is_peak && cache.limit != kNoLimit && is_above(live, cache.limit)) refuse_limited();
  void* block;
  FreeList& list = cache.lists[size_class];
  if constexpr (kPassthrough) {
    block = system_allocate(bytes_of(size_class));
  } else if (list.head) [[likely]] {
    block = list.head;
    list.head = list.head->next;
    --list.count;
  } else {
    block = refill(cache, size_class);
  }
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
  if constexpr (kPassthrough) return system_release(block, bytes_of(size_class));
  FreeList& list = cache.lists[size_class];
  auto* freed = static_cast<FreeBlock*>(block);
  freed->next = list.head;
  list.head = freed;
  if (++list.count >= keep_limit(bytes_of(size_class))) spill(list, size_class);
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
    if (cache && cache->limit != kNoLimit) refuse_limited();
    return system_allocate(bytes);
  }
  if (!cache) [[unlikely]]
    cache = attach();
  if (cache) [[likely]]
    return allocate_from(*cache, bytes);
  const std::lock_guard lock(central().shared_mutex);
  return allocate_from(central().shared, bytes);
}

void release(void* block, std::size_t bytes) noexcept {
  if (bytes > kLargeLimit) return system_release(block, bytes);
  Cache* cache = current_cache;
  if (!cache) [[unlikely]] {
    try {
      cache = attach();
    } catch (const std::bad_alloc&) {
      cache = nullptr;
    }
  }
  if (cache) [[likely]]
    return release_to(*cache, block, bytes);
  const std::lock_guard lock(central().shared_mutex);
  release_to(central().shared, block, bytes);
}

Stats stats() {
  Central& c = central();
  const std::lock_guard lock(c.mutex);
  Stats s;
  for (const Cache* cache = c.caches; cache; cache = cache->next) {
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
  for (Cache* cache = c.caches; cache; cache = cache->next) cache->peak_bytes.set(cache->live_bytes.get());
}

void set_limit(std::uint64_t bytes) { central().limit.store(bytes, std::memory_order_relaxed); }

Limit::Limit(std::uint64_t bytes) {
  Cache* cache = current_cache ? current_cache : attach();
  if (!cache) throw MemoryError("memory::Limit: this thread has ended");
  outer_limit_ = cache->limit;
  outer_peak_ = cache->peak_bytes.get();
  cache->peak_bytes.set(cache->live_bytes.get());
  cache->limit = cache->live_bytes.get() + bytes;
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
    while (!c.lists[i].empty()) {
      FreeList list = c.lists[i].pop();
      free_list(list, i);
    }
    if (current_cache) free_list(current_cache->lists[i], i);
  }
}

}  // namespace tapegrad::memory
