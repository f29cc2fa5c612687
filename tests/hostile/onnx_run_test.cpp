// Models that do what each operator is for, from ONNX's own suite, with one part changed, or one part of an input: they
// are refused, or run within the memory that the program allows.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/interchange/onnx.hpp>

#include "../needs.hpp"
#include "../temporary_folder.hpp"
#include "child.hpp"
#include "mutants.hpp"

namespace tapegrad::hostile {
namespace {

namespace fs = std::filesystem;

const fs::path kSuite = "/usr/share/libonnx-testdata/data/node";
constexpr std::uint64_t kMemory = std::uint64_t{256} << 20;
constexpr std::size_t kLargest = 20'000;  // bytes of a file that is changed

/// A case of the suite in a folder of our own, where a file is another one for a while.
class Case {
 public:
  Case(const fs::path& from, const std::string& to) : folder_(to) {
    add(from / "model.onnx", "model.onnx");
    for (int i = 0; fs::exists(input(from, i)); ++i) add(input(from, i), fmt::format("input_{}.pb", i));
  }

  /// Tries `count` mutants of the file's, drawn by chance; all if there are no more.
  void try_mutants(std::size_t file, std::size_t count, std::mt19937& random) const {
    if (files_[file].content.size() > kLargest) return;
    std::vector<Mutant> mutants = protobuf_mutants(files_[file].content);
    std::shuffle(mutants.begin(), mutants.end(), random);
    mutants.resize(std::min(mutants.size(), count));
    for (const Mutant& mutant : mutants) try_one(file, mutant);
    write(file, files_[file].content);
  }
  std::size_t files() const { return files_.size(); }

 private:
  struct File {
    std::string name, content;
  };
  static fs::path input(const fs::path& from, int i) {
    return from / "test_data_set_0" / fmt::format("input_{}.pb", i);
  }
  void add(const fs::path& from, const std::string& name) {
    files_.push_back({name, content_of(from)});
    write(files_.size() - 1, files_.back().content);
  }
  void write(std::size_t file, const std::string& content) const {
    std::ofstream(folder_ / files_[file].name, std::ios::binary) << content;
  }

  void try_one(std::size_t file, const Mutant& mutant) const {
    write(file, mutant.content);
    const std::string name = files_[file].name + ", " + mutant.name;
    std::ofstream(folder_ / "current") << name;
    const auto begin = std::chrono::steady_clock::now();
    try {
      run();
    } catch (const Error& error) {
      if (std::string(error.what()).size() > 4000) throw std::runtime_error(name + ": " + error.what());
    } catch (const std::exception& error) {
      throw std::runtime_error(name + ": " + error.what());
    }
    if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(10))
      throw std::runtime_error(name + ": it takes seconds");
  }

  void run() const {
    const memory::Limit limit(kMemory);
    const onnx::Model model = onnx::load(folder_ / "model.onnx");
    std::vector<onnx::Value> inputs;
    for (const onnx::ValueInfo& info : model.inputs())
      inputs.push_back(onnx::load_value(folder_ / fmt::format("input_{}.pb", inputs.size()), info));
    model.run(inputs);
  }

  fs::path folder_;
  std::vector<File> files_;
};

/// The cases in so many tests, each of a minute at most.
constexpr int kGroups = 8;
class OnnxMutants : public ::testing::TestWithParam<int> {};

TEST_P(OnnxMutants, RunOrAreRefused) {
  SKIP_UNLESS(fs::exists(kSuite), "needs the Debian package libonnx-testdata");
  const char* wanted = std::getenv("TAPEGRAD_MUTANTS");
  const std::size_t each = wanted ? std::stoul(wanted) : 2;
  int index = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(kSuite)) {
    if (index++ % kGroups != GetParam()) continue;
    const fs::path& path = entry.path();
    const std::string name = path.filename();
    // Functions' bodies are of the same operators; a loop of 2^40 steps takes them.
    if (name.ends_with("_expanded") || name.starts_with("test_loop")) continue;
    const TemporaryFolder folder;
    const Outcome o = in_child([&] {
      std::mt19937 random(7);
      const Case all(path, folder.path());
      for (std::size_t file = 0; file < all.files(); ++file) all.try_mutants(file, each, random);
    });
    EXPECT_EQ(o.text, "read") << path << ": " << content_of(folder.path("current"));
    if (kMeasuresMemory) {
      EXPECT_LE(o.peak, 3 * kMemory) << path;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Group, OnnxMutants, ::testing::Range(0, kGroups));

}  // namespace
}  // namespace tapegrad::hostile
