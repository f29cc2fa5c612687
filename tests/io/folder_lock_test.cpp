#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <tapegrad/core/error.hpp>
#include <tapegrad/io/folder_lock.hpp>

#include "../temporary_folder.hpp"

namespace tapegrad::io {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(FolderLock, AdmitsOne) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path(".lock");
  {
    const FolderLock lock(file, "out");
    EXPECT_THAT(
        [&] { FolderLock(file, "out"); },
        ThrowsMessage<IoError>(AllOf(HasSubstr("out: another training, process " + std::to_string(::getpid()) + " on "),
                                     HasSubstr(", writes here"))));
  }
  EXPECT_FALSE(std::filesystem::exists(file));
  const FolderLock again(file, "out");
}

TEST(FolderLock, DiesWithItsProcess) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path(".lock");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(file, "out");
    if (::write(ends[1], "x", 1) != 1) ::_exit(1);
    ::pause();
  }
  char byte;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  EXPECT_THAT([&] { FolderLock(file, "out"); }, ThrowsMessage<IoError>(HasSubstr("process " + std::to_string(child))));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_TRUE(std::filesystem::exists(file));
  const FolderLock lock(file, "out");
}

TEST(FolderLock, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  EXPECT_THAT([&] { FolderLock(folder.path("missing/.lock"), "out"); },
              ThrowsMessage<IoError>(HasSubstr("out: cannot be written to: No such file")));
}

}  // namespace
}  // namespace tapegrad::io
