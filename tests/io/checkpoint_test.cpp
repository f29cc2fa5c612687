#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/io/checkpoint.hpp>
#include <tapegrad/io/safetensors.hpp>

namespace tapegrad::io {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "checkpoint_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static Checkpoint example(double value) {
    return {{{"a", full({5}, value)}, {"none", zeros({0, 3})}, {"b", full({2}, value, f64)}}, std::to_string(value)};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
  std::string reason(const fs::path& path) const {
    try {
      load_checkpoint(path);
    } catch (const IoError& error) {
      return error.what();
    }
    return "it loads";
  }

  fs::path folder_;
};

TEST_F(CheckpointTest, GivesBackWhatWasSaved) {
  save_checkpoint(folder_ / "one", example(1.5));
  const Checkpoint loaded = load_checkpoint(folder_ / "one");
  EXPECT_EQ(loaded.state, example(1.5).state);
  ASSERT_EQ(loaded.tensors.size(), 3u);
  EXPECT_EQ(find(loaded.tensors, "a")->values(), std::vector<double>(5, 1.5));
  EXPECT_EQ(find(loaded.tensors, "b")->dtype(), f64);
  EXPECT_EQ(find(loaded.tensors, "none")->shape(), (Shape{0, 3}));
}

TEST_F(CheckpointTest, FindsDamage) {
  save_checkpoint(folder_ / "one", example(1));
  const auto size = static_cast<std::streamoff>(fs::file_size(folder_ / "one"));
  std::string content(static_cast<std::size_t>(size), '\0');
  std::ifstream(folder_ / "one", std::ios::binary).read(content.data(), size);
  for (std::size_t i = 0; i < content.size(); i += 3) {
    std::string changed = content;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    std::ofstream(folder_ / "two", std::ios::binary) << changed;
    // What stands between the header's texts may change without changing what it says.
    if (reason(folder_ / "two") == "it loads") {
      EXPECT_EQ(find(load_checkpoint(folder_ / "two").tensors, "a")->values(), std::vector<double>(5, 1)) << i;
    }
    std::ofstream(folder_ / "two", std::ios::binary) << content.substr(0, i);
    EXPECT_THAT(reason(folder_ / "two"), HasSubstr("two")) << i;
  }
  save_safetensors(folder_ / "weights", example(1).tensors);
  EXPECT_THAT(reason(folder_ / "weights"), HasSubstr("it is no checkpoint"));
}

TEST_F(CheckpointTest, KeepsTheNewest) {
  const CheckpointFolder folder(folder_, 2);
  EXPECT_FALSE(folder.newest());
  for (const std::int64_t step : {10, 9, 11, 100}) folder.save(step, example(static_cast<double>(step)));
  save_checkpoint(folder.best(), example(0));
  EXPECT_THAT(names(), ElementsAre("best.safetensors", "step-000000011.safetensors", "step-000000100.safetensors"));
  EXPECT_EQ(folder.newest()->checkpoint.state, example(100).state);
  EXPECT_THROW(CheckpointFolder(folder_, 0), ValueError);
  EXPECT_THROW(CheckpointFolder("/proc/none", 1), IoError);
}

TEST_F(CheckpointTest, PassesOverWhatCannotBeRead) {
  const CheckpointFolder folder(folder_, 3);
  for (const std::int64_t step : {1, 2}) folder.save(step, example(static_cast<double>(step)));
  fs::resize_file(folder.list().front().path, 30);
  const auto found = folder.newest();
  EXPECT_EQ(found->checkpoint.state, example(1).state);
  EXPECT_THAT(found->unreadable, ElementsAre(HasSubstr("step-000000002")));
  fs::resize_file(found->path, 0);
  EXPECT_THROW(folder.newest(), IoError);
}

struct Ended {
  int status;  // of the exit, or -1 if it was killed
  int calls;
};

Ended run_writer(const fs::path& folder, int value, int call, const std::string& action) {
  int ends[2];
  if (::pipe(ends) != 0) return {-2, 0};
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::setenv("LD_PRELOAD", TAPEGRAD_FIU_PRELOAD, 1);
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // a closedir() that is made to fail frees nothing
    ::execl(TAPEGRAD_CHECKPOINT_WRITER, "checkpoint_writer", folder.c_str(), std::to_string(value).c_str(),
            std::to_string(call).c_str(), action.c_str(), nullptr);
    ::_exit(98);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[64];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text.empty() ? 0 : std::stoi(text)};
}

// All that is there is whole: the value of a checkpoint is that of its state.
void expect_whole(const Checkpoint& checkpoint) {
  ASSERT_EQ(checkpoint.tensors.size(), 3u);
  for (const auto& [name, tensor] : checkpoint.tensors)
    EXPECT_EQ(tensor.values(), std::vector<double>(5000, std::stod(checkpoint.state)));
}

TEST_F(CheckpointTest, KilledAtAnyCallTheOldOrTheNewOneIsThere) {
  ASSERT_EQ(run_writer(folder_, 1, 0, "kill").status, 0);
  const int calls = run_writer(folder_, 2, 0, "kill").calls;
  ASSERT_GT(calls, 15) << "libfiu saw too little";
  int value = 2;
  for (int call = 1; call <= calls; ++call) {
    const Ended ended = run_writer(folder_, value + 1, call, "kill");
    EXPECT_EQ(ended.status, -1) << "call " << call;
    const CheckpointFolder folder(folder_, 1);
    EXPECT_EQ(names().size(), 1 + folder.list().size()) << "left behind at call " << call;
    const auto found = folder.newest();
    ASSERT_TRUE(found) << "call " << call;
    EXPECT_THAT(found->unreadable, IsEmpty());
    expect_whole(found->checkpoint);
    expect_whole(load_checkpoint(folder.best()));
    const int now = std::stoi(found->checkpoint.state);
    EXPECT_TRUE(now == value || now == value + 1) << now;
    value = now;
  }
  EXPECT_GT(value, 2);
}

TEST_F(CheckpointTest, OnAFullDiskTheOldOneStays) {
  const int calls = run_writer(folder_, 1, 0, "fail").calls;
  for (int call = 1; call <= calls; ++call) {
    const Ended ended = run_writer(folder_, call + 1, call, "fail");
    EXPECT_TRUE(ended.status == 0 || ended.status == 3) << "call " << call << ": " << ended.status;
    const CheckpointFolder folder(folder_, 1);
    for (const std::string& name : names()) EXPECT_THAT(name, ::testing::EndsWith(".safetensors")) << "call " << call;
    expect_whole(folder.newest()->checkpoint);
    expect_whole(load_checkpoint(folder.best()));
  }
}

}  // namespace
}  // namespace tapegrad::io
