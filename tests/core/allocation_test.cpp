// Memory that runs out, at every allocation of every public operation: an exception or success, nothing leaked, and
// usable after. This program has its own operator new, which fails when told to. In the variant "passthrough" each
// block of the pool comes from it too.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradient_check.hpp>
#include <thread>

#include "../temporary_folder.hpp"

namespace {

std::atomic<long> until_failure{0};  // 0: never
std::atomic<long> allocations{0}, live{0};

void* allocate(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  if (until_failure.load() > 0 && until_failure.fetch_sub(1) == 1) throw std::bad_alloc();
  void* block =
      std::aligned_alloc(alignment, (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment);
  if (!block) throw std::bad_alloc();
  ++live;
  return block;
}

void release(void* block) noexcept {
  if (block) --live;
  std::free(block);
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  try {
    return allocate(bytes, static_cast<std::size_t>(alignment));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new(std::size_t bytes, const std::nothrow_t& nothrow) noexcept {
  return operator new (bytes, std::align_val_t{alignof(std::max_align_t)}, nothrow);
}
void operator delete(void* block) noexcept { release(block); }
void operator delete(void* block, std::size_t) noexcept { release(block); }
void operator delete(void* block, std::align_val_t) noexcept { release(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { release(block); }

namespace tapegrad {
namespace {

/// The next allocation but `n - 1` fails, while it lives.
class Failure {
 public:
  explicit Failure(long n) { until_failure = n; }
  ~Failure() { until_failure = 0; }
  Failure(const Failure&) = delete;
  Failure& operator=(const Failure&) = delete;
  static bool has_come() { return until_failure == 0; }
};

/// Lets each allocation of `body` fail in turn (of many thousands, some spread evenly). `reset`, which may also look at
/// what has become, makes all as it was before the body. Blocks that the pool keeps make no difference where there is
/// no pool.
void walk(
    const std::string& what, const std::function<void()>& body, const std::function<void()>& reset = [] {}) {
  constexpr long kMost = 400;
  body();  // names of scopes, registries, buffers of threads: made once
  body();
  const long begin = allocations;
  body();
  const long count = allocations - begin, step = 1 + count / kMost;
  for (long n = 1; n <= count; n += step) {
    reset();
    const long before = live;
    {
      const Failure failure(n);
      try {
        body();
      } catch (const std::bad_alloc&) {
      } catch (const Error&) {
      }
    }
    reset();
#ifdef TAPEGRAD_POOL_PASSTHROUGH
    ASSERT_EQ(live, before) << what << ": allocation " << n << " of " << count << " leaked something";
#else
    static_cast<void>(before);
    static_cast<void>(what);
#endif
  }
  body();
}

class OutOfMemory : public ::testing::Test {
 protected:
  OutOfMemory() { set_num_threads(1); }
};

TEST_F(OutOfMemory, InEveryOperationAndItsGradients) {
  Rng rng(1);
  for (const OpEntry* op : all_ops()) {
    const std::vector<Sample> samples = op->samples(rng);
    for (std::size_t s = 0; s < std::min<std::size_t>(samples.size(), 2); ++s) {
      const Sample& sample = samples[s];
      walk(std::string(op->info().name), [&] {
        std::vector<Tensor> leaves;
        for (const Tensor& input : sample.inputs) {
          leaves.push_back(input.clone());
          if (is_floating(input.dtype())) leaves.back().set_requires_grad();
        }
        const Tensor result = testing::in_one(sample.call(leaves));
        if (!result.requires_grad()) return;
        const Tensor first[] = {sum(square(result))};
        std::vector<Tensor> wanted;
        for (const Tensor& leaf : leaves)
          if (leaf.requires_grad()) wanted.push_back(leaf);
        Tensor total;
        for (const Tensor& g : grad(first, wanted, {}, {.create_graph = true}))
          if (g.defined() && g.requires_grad()) total = total.defined() ? total + sum(square(g)) : sum(square(g));
        if (total.defined()) total.backward();
      });
    }
  }
}

struct Model : nn::Module {
  nn::Embedding words{*this, "words", 10, 4};
  nn::Linear hidden{*this, "hidden", 4, 8}, output{*this, "output", 8, 3};
  Tensor forward(const Tensor& ids) const { return output(tanh(hidden(words(ids)))); }
};

Tensor some_ids() {
  Tensor ids = zeros({5}, i64);
  ids.mutable_data<std::int64_t>()[1] = 7;
  return ids;
}

std::vector<std::vector<double>> values_of(const NamedTensors& tensors) {
  std::vector<std::vector<double>> values;
  for (const auto& [name, tensor] : tensors) values.push_back(tensor.values());
  return values;
}

template <class Rule>
void expect_whole_steps(const Rule& rule) {
  Model model;
  const Tensor ids = some_ids();
  sum(square(model.forward(ids))).backward();
  const NamedTensors start = clone(model.state());
  std::unique_ptr<optim::Optimizer> optimizer;
  const auto begin = [&] {
    model.load_state(start);
    optimizer = std::make_unique<optim::Optimizer>(model, rule);
  };
  begin();
  const auto before = values_of(model.state());
  optimizer->step();
  const auto stepped = values_of(model.state());
  begin();
  walk(
      std::string("step of ") + typeid(rule).name(), [&] { optimizer->step(); },
      [&] {
        const auto now = values_of(model.state());
        if (optimizer->steps() == 0) {
          EXPECT_EQ(now, before);
        }
        if (optimizer->steps() == 1) {
          EXPECT_EQ(now, stepped);
        }
        begin();
      });
}

TEST_F(OutOfMemory, AStepIsWholeOrNotMade) {
  expect_whole_steps(optim::Sgd{.lr = 0.1, .momentum = 0.9});
  expect_whole_steps(optim::AdamW{.lr = 0.1});
  expect_whole_steps(optim::Adam{.lr = 0.1, .sparse = optim::SparseUpdate::exact});
}

TEST_F(OutOfMemory, InModulesFilesAndPictures) {
  const TemporaryFolder folder;
  Model model;
  const Tensor ids = some_ids();
  walk("a model", [] { Model made; });
  walk("a copy", [&] { Model copy = model; });
  const auto clear = [&] {
    for (Tensor& p : model.parameters()) p.clear_grad();
  };
  walk(
      "forward and backward", [&] { sum(square(model.forward(ids))).backward(); }, clear);
  walk(
      "checkpoint()",
      [&] {
        const Tensor x = parameter(ones({2, 4}));
        sum(checkpoint([&](const Tensor& t) { return tanh(model.hidden(t)); }, x)).backward();
      },
      clear);
  walk("m.npz", [&, path = folder.path("m.npz")] {
    io::save_npz(path, model.state());
    model.load_state(io::load_npz(path));
  });
  walk("m.safetensors", [&, path = folder.path("m.safetensors")] {
    io::save_safetensors(path, model.state(), {{"format", "test"}});
    model.load_state(io::load_safetensors(path));
  });
  walk("checkpoints", [&] {
    const io::CheckpointFolder checkpoints(folder.path("checkpoints"));
    checkpoints.save(1, {model.state(), "state"});
    checkpoints.newest();
  });
  // Not as JSON: objects of nlohmann's need memory to be freed.
  for (const char* name : {"g.mmd", "g.dot", "g.txt"})
    walk(name, [&] { graph::save(graph::capture(sum(model.forward(ids))), folder.path(name)); });
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
}

TEST_F(OutOfMemory, MovesNeedNone) {
  Model a, b;
  const Failure failure(1);
  Model c = std::move(a);
  b = std::move(c);
  EXPECT_FALSE(Failure::has_come());
}

// A thread's cache gives lists of blocks away; a thread that has none takes blocks back.
TEST_F(OutOfMemory, GivingMemoryBackNeedsNone) {
  std::vector<Tensor> many;
  for (int i = 0; i < 20'000; ++i) many.push_back(full({1}, i));
  {
    const Failure failure(1);
    many.clear();
    EXPECT_FALSE(Failure::has_come());
  }
  for (int i = 0; i < 20'000; ++i) many.push_back(full({1}, i));
  const std::uint64_t before = memory::stats().live_blocks;
  std::atomic<int> stage = 0;
  std::thread other([&] {
    while (stage == 0) std::this_thread::yield();
    many.clear();
    stage = 2;
  });
  {
    const Failure failure(1);
    stage = 1;
    while (stage != 2) std::this_thread::yield();
  }
  other.join();
  EXPECT_LE(memory::stats().live_blocks + 20'000, before);
}

// Of a backward pass that fails, nothing stays claimed.
TEST_F(OutOfMemory, AGraphIsUsableAfter) {
  const Tensor x = parameter(ones({4}));
  const Tensor loss = sum(exp(x) * x + tanh(x));
  walk(
      "backward", [&] { loss.backward({.retain_graph = true}); },
      [&] { EXPECT_TRUE(grad(loss, x, {.retain_graph = true}).defined()); });
}

}  // namespace
}  // namespace tapegrad
