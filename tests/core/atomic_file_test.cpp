#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>

#include "../temporary_folder.hpp"

namespace tapegrad {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAre;

class AtomicFileTest : public ::testing::Test {
 protected:
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename());
    return names;
  }

  const TemporaryFolder own_;
  const fs::path folder_ = own_.path();
};

TEST_F(AtomicFileTest, AppearsWhenCommitted) {
  const fs::path path = folder_ / "a";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("half");
    EXPECT_EQ(content_of(path), "old");
  }
  EXPECT_EQ(content_of(path), "old");
  EXPECT_THAT(files(), UnorderedElementsAre("a"));
  AtomicFile file(path);
  file.write("new ");
  file.write(std::string_view("one\0two", 7));
  file.commit();
  EXPECT_EQ(content_of(path), std::string("new one\0two", 11));
  EXPECT_THAT(files(), UnorderedElementsAre("a"));
}

TEST_F(AtomicFileTest, KeepsAccessRightsAndLinks) {
  write_file(folder_ / "a", "old");
  fs::permissions(folder_ / "a", fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  fs::create_symlink("a", folder_ / "link");
  write_file(folder_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(content_of(folder_ / "a"), "new");
  EXPECT_EQ(fs::status(folder_ / "a").permissions(),
            fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  const mode_t mask = ::umask(027);
  write_file(folder_ / "b", "");
  ::umask(mask);
  EXPECT_EQ(fs::status(folder_ / "b").permissions(),
            fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
}

TEST_F(AtomicFileTest, WritesNamesAsLongAsTheFileSystemAllows) {
  const fs::path path = folder_ / std::string(255, 'x');
  write_file(path, "long");
  EXPECT_EQ(content_of(path), "long");
}

TEST_F(AtomicFileTest, FailsWithoutATrace) {
  EXPECT_THAT([&] { write_file(folder_ / "missing" / "a", "x"); },
              ThrowsMessage<IoError>(HasSubstr("missing/a: cannot write the file: No such file")));
  EXPECT_THAT([&] { write_file(folder_, "x"); }, ThrowsMessage<IoError>(HasSubstr("directory")));
  EXPECT_THAT([&] { write_file("", "x"); }, ThrowsMessage<IoError>(HasSubstr("No such file")));
  EXPECT_THROW(write_file(folder_ / std::string("a\0b", 3), "x"), IoError);
  EXPECT_THAT([] { write_file("/dev/full", "x"); }, ThrowsMessage<IoError>(HasSubstr("No space")));
  EXPECT_NO_THROW(write_file("/dev/null", "x"));
  EXPECT_TRUE(files().empty());
}

}  // namespace
}  // namespace tapegrad
