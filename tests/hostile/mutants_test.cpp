// Thousands of files a reader, each right but for one part: read, or refused by one error that names the file.

#include "mutants.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <stdexcept>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/interchange/onnx.hpp>

#include "../temporary_folder.hpp"
#include "child.hpp"
#include "onnx_files.hpp"
#include "readers.hpp"

namespace tapegrad::hostile {
namespace {

struct Counts {
  int read = 0, refused = 0;
};

/// In a child. Fails by another exception than the library's.
Counts read_all(const Reader& r, std::span<const Mutant> mutants, const std::string& path) {
  Counts counts;
  for (const Mutant& mutant : mutants) {
    std::ofstream(path, std::ios::binary) << mutant.content;
    const auto begin = std::chrono::steady_clock::now();
    const auto fail = [&](const std::string& what) { throw std::runtime_error(mutant.name + ": " + what); };
    try {
      r.read(path);
      ++counts.read;
    } catch (const Error& error) {
      ++counts.refused;
      const std::string text = error.what();
      if (text.find(path) == std::string::npos || text.size() > 2000 || text.find('\n') != std::string::npos)
        fail(text);
    } catch (const std::exception& error) {
      fail(error.what());
    }
    if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(10)) fail("it takes seconds");
  }
  return counts;
}

/// `least`: how many must be refused.
void expect_survived(const std::string& reader_name, const std::vector<Mutant>& mutants, int least) {
  const Reader& r = reader(reader_name);
  const TemporaryFolder folder;
  const std::string path = folder.path("mutant" + r.suffix);
  Counts all;
  std::uint64_t largest = 0;
  const auto survives = [&](std::span<const Mutant> some) {
    std::size_t size = 0;
    for (const Mutant& mutant : some) size = std::max(size, mutant.content.size());
    const Outcome o = in_child([&] {
      const Counts counts = read_all(r, some, path);
      throw ValueError(fmt::format("{} {}", counts.read, counts.refused));
    });
    largest = std::max(largest, o.peak);
    Counts counts;
    if (!o.refused || std::sscanf(o.text.c_str(), "%d %d", &counts.read, &counts.refused) != 2) return o.text;
    if (kMeasuresMemory && o.peak > most_memory(size)) return fmt::format("{} bytes of memory", o.peak);
    all.read += counts.read;
    all.refused += counts.refused;
    return std::string();
  };
  constexpr std::size_t kBatch = 250;
  for (std::size_t i = 0; i < mutants.size(); i += kBatch) {
    const std::span<const Mutant> batch = std::span(mutants).subspan(i, std::min(kBatch, mutants.size() - i));
    const std::string why = survives(batch);
    if (why.empty()) continue;
    bool one = false;
    for (const Mutant& mutant : batch)
      if (const std::string its = survives({&mutant, 1}); !its.empty()) {
        one = true;
        ADD_FAILURE() << r.name << ", " << mutant.name << ": " << its;
      }
    if (!one) ADD_FAILURE() << r.name << ": " << why;
  }
  EXPECT_GE(all.refused, least);
  std::printf("%s: %d refused, %d read, at most %.0f MB\n", reader_name.c_str(), all.refused, all.read,
              static_cast<double>(largest) / 1e6);
}

TEST(Mutants, OfOnnxModels) { expect_survived("onnx", protobuf_mutants(reader("onnx").sample), 500); }
TEST(Mutants, OfOnnxValues) { expect_survived("onnx value", protobuf_mutants(reader("onnx value").sample), 100); }
TEST(Mutants, OfPyTorchArchives) { expect_survived("pytorch", zip_mutants(reader("pytorch").sample), 200); }
TEST(Mutants, OfPickles) { expect_survived("pytorch", pickle_mutants(reader("pytorch").sample), 1000); }
TEST(Mutants, OfNpz) {
  expect_survived("npz", zip_mutants(reader("npz").sample), 100);
  expect_survived("npz deflated", zip_mutants(reader("npz deflated").sample), 100);
}
TEST(Mutants, OfNpy) { expect_survived("npy", npy_mutants(reader("npy").sample), 500); }
TEST(Mutants, OfSafetensors) {
  expect_survived("safetensors", safetensors_mutants(reader("safetensors").sample), 150);
  expect_survived("checkpoint", safetensors_mutants(reader("checkpoint").sample), 50);
}
TEST(Mutants, OfShardedSafetensors) {
  expect_survived("sharded safetensors", json_mutants(reader("sharded safetensors").sample), 50);
}

}  // namespace
}  // namespace tapegrad::hostile
