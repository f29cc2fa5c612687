// To be preloaded into a program: numbers the file calls that it makes below one folder, and lets one of them go wrong.
// The environment says what to do:
//   FILE_CALLS_UNDER   the folder
//   FILE_CALLS_FAULT   kill, or the name of an error: EIO, which any call may give; ENOSPC, which those do that need
//                      room; EMFILE, which those do that open something. Only those that may are numbered.
//   FILE_CALLS_AT      the number of the call, from 1; "7+": that one and all after it; 0: none
//   FILE_CALLS_COUNT   a file for the number of calls, written when the program exits
//   FILE_CALLS_TRACE   a file for the calls that change something and went well, one a line; its fields are parted by
//                      tabs: what, then paths or inodes
// Paths are those of Linux's /proc, so links are followed.

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

enum Kind : unsigned { kAny = 1, kOpens = 2, kNeedsRoom = 4 };

template <class F>
F* real(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}
#define REAL(name)                                        \
  (*[] {                                                  \
    static auto* const f = real<decltype(::name)>(#name); \
    return f;                                             \
  }())

struct Setting {
  std::string under;
  unsigned counted = 0;
  int error = 0;  // 0: kill
  long at = 0;
  bool onwards = false;
  int trace = -1;
  const char* count = nullptr;

  Setting() {
    const char* folder = std::getenv("FILE_CALLS_UNDER");
    const char* fault = std::getenv("FILE_CALLS_FAULT");
    if (!folder) return;
    under = folder;
    const std::string_view name = fault ? fault : "kill";
    counted = name == "ENOSPC" ? kNeedsRoom : name == "EMFILE" ? kOpens : kAny;
    error = name == "ENOSPC" ? ENOSPC : name == "EMFILE" ? EMFILE : name == "EIO" ? EIO : 0;
    if (const char* text = std::getenv("FILE_CALLS_AT")) {
      at = std::strtol(text, nullptr, 10);
      onwards = std::strchr(text, '+') != nullptr;
    }
    if (const char* path = std::getenv("FILE_CALLS_TRACE"))
      trace = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    count = std::getenv("FILE_CALLS_COUNT");
  }
};

const Setting& setting() {
  static const Setting* s = new Setting;
  return *s;
}

std::atomic<long> calls = 0;
std::atomic<bool> followed[4096];  // descriptors of what is below the folder

bool is_under(std::string_view path) {
  const std::string& under = setting().under;
  return !under.empty() && path.starts_with(under) && (path.size() == under.size() || path[under.size()] == '/');
}

std::string path_of(int fd) {
  char text[PATH_MAX];
  const ssize_t n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), text, sizeof text);
  return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "";
}

std::string absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  if (folder != AT_FDCWD) return path_of(folder) + "/" + path;
  char here[PATH_MAX];
  return ::getcwd(here, sizeof here) ? std::string(here) + "/" + path : path;
}

bool follows(int fd) { return fd >= 0 && fd < 4096 && followed[fd]; }

std::string inode(int fd) {
  struct stat s {};
  return REAL(fstat)(fd, &s) == 0 ? std::to_string(s.st_ino) : "?";
}

std::string inode(const std::string& path) {
  struct stat s {};
  return REAL(lstat)(path.c_str(), &s) == 0 ? std::to_string(s.st_ino) : "?";
}

// True if the call is to fail; errno is set then. May not return at all.
bool goes_wrong(unsigned kind) {
  const Setting& s = setting();
  if (!((kind | kAny) & s.counted)) return false;
  const long number = ++calls;
  if (s.at == 0 || !(number == s.at || (s.onwards && number > s.at))) return false;
  if (s.error == 0) ::raise(SIGKILL);
  errno = s.error;
  return true;
}

void note(const std::string& line) {
  if (setting().trace < 0) return;
  const int error = errno;
  const std::string text = line + "\n";
  if (REAL(write)(setting().trace, text.data(), text.size()) < 0) std::abort();
  errno = error;
}

// What the program starts itself is not looked at.
[[gnu::constructor]] void leave_children_alone() { ::unsetenv("LD_PRELOAD"); }

[[gnu::destructor]] void write_count() {
  if (!setting().count) return;
  const int fd = REAL(open)(setting().count, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  const std::string text = std::to_string(calls.load());
  if (REAL(write)(fd, text.data(), text.size()) < 0) std::abort();
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
  const std::string name = absolute(folder, path);
  if (!is_under(name)) return REAL(openat)(folder, path, flags, mode);
  const bool creates = (flags & O_CREAT) && inode(name) == "?";
  if (goes_wrong(kOpens | (creates ? kNeedsRoom : 0u))) return -1;
  const int fd = REAL(openat)(folder, path, flags, mode);
  if (fd < 0) return fd;
  if (fd < 4096) followed[fd] = true;
  if (creates) note("create\t" + name + "\t" + inode(fd));
  if (flags & O_TRUNC) note("write\t" + inode(fd));
  return fd;
}

mode_t mode_of(int flags, std::va_list arguments) {
  return flags & (O_CREAT | O_TMPFILE) ? static_cast<mode_t>(va_arg(arguments, unsigned)) : 0;
}

template <class Call>
int rename_between(int from_folder, const char* from, int to_folder, const char* to, bool exchanges, const Call& call) {
  const std::string a = absolute(from_folder, from), b = absolute(to_folder, to);
  if (!is_under(a) && !is_under(b)) return call();
  if (goes_wrong(kNeedsRoom)) return -1;
  const int result = call();
  if (result == 0) note((exchanges ? "exchange\t" : "rename\t") + a + "\t" + b);
  return result;
}

template <class Call>
int remove_at(int folder, const char* path, const Call& call) {
  const std::string name = absolute(folder, path);
  if (!is_under(name)) return call();
  if (goes_wrong(kAny)) return -1;
  const int result = call();
  if (result == 0) note("remove\t" + name);
  return result;
}

template <class Call>
int make_folder(int folder, const char* path, const Call& call) {
  const std::string name = absolute(folder, path);
  if (!is_under(name)) return call();
  if (goes_wrong(kNeedsRoom)) return -1;
  const int result = call();
  if (result == 0) note("mkdir\t" + name + "\t" + inode(name));
  return result;
}

template <class Result, class Call>
Result on_descriptor(int fd, unsigned kind, const char* what, const Call& call) {
  if (!follows(fd)) return call();
  if (goes_wrong(kind)) return -1;
  const Result result = call();
  if (what && result >= 0) note(std::string(what) + "\t" + inode(fd));
  return result;
}

template <class Call>
auto on_path(const char* path, unsigned kind, decltype(std::declval<Call>()()) failure, const Call& call) {
  if (is_under(absolute(AT_FDCWD, path)) && goes_wrong(kind)) return failure;
  return call();
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_at(folder, path, flags, mode);
}
int openat64(int folder, const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_at(folder, path, flags, mode);
}

std::FILE* fopen(const char* path, const char* mode) {
  return on_path(path, kOpens, nullptr, [&] { return REAL(fopen)(path, mode); });
}
std::FILE* fopen64(const char* path, const char* mode) {
  return on_path(path, kOpens, nullptr, [&] { return REAL(fopen)(path, mode); });
}
DIR* opendir(const char* path) {
  return on_path(path, kOpens, nullptr, [&] { return REAL(opendir)(path); });
}
int stat(const char* path, struct stat* to) {
  return on_path(path, kAny, -1, [&] { return REAL(stat)(path, to); });
}
int lstat(const char* path, struct stat* to) {
  return on_path(path, kAny, -1, [&] { return REAL(lstat)(path, to); });
}
int fstat(int fd, struct stat* to) {
  return on_descriptor<int>(fd, kAny, nullptr, [&] { return REAL(fstat)(fd, to); });
}

ssize_t read(int fd, void* to, std::size_t bytes) {
  return on_descriptor<ssize_t>(fd, kAny, nullptr, [&] { return REAL(read)(fd, to, bytes); });
}
ssize_t pread(int fd, void* to, std::size_t bytes, off_t at) {
  return on_descriptor<ssize_t>(fd, kAny, nullptr, [&] { return REAL(pread)(fd, to, bytes, at); });
}
ssize_t write(int fd, const void* from, std::size_t bytes) {
  return on_descriptor<ssize_t>(fd, kNeedsRoom, "write", [&] { return REAL(write)(fd, from, bytes); });
}
ssize_t pwrite(int fd, const void* from, std::size_t bytes, off_t at) {
  return on_descriptor<ssize_t>(fd, kNeedsRoom, "write", [&] { return REAL(pwrite)(fd, from, bytes, at); });
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  return on_descriptor<ssize_t>(fd, kNeedsRoom, "write", [&] { return REAL(writev)(fd, parts, count); });
}
int ftruncate(int fd, off_t size) {
  return on_descriptor<int>(fd, kAny, "write", [&] { return REAL(ftruncate)(fd, size); });
}
int fsync(int fd) {
  return on_descriptor<int>(fd, kNeedsRoom, "sync", [&] { return REAL(fsync)(fd); });
}
int fdatasync(int fd) {
  return on_descriptor<int>(fd, kNeedsRoom, "sync", [&] { return REAL(fdatasync)(fd); });
}
int fchmod(int fd, mode_t mode) {
  return on_descriptor<int>(fd, kAny, nullptr, [&] { return REAL(fchmod)(fd, mode); });
}
int close(int fd) {
  if (!follows(fd)) return REAL(close)(fd);
  followed[fd] = false;
  const bool wrong = goes_wrong(kNeedsRoom);
  const int error = errno, result = REAL(close)(fd);
  if (!wrong) return result;
  errno = error;
  return -1;
}

int rename(const char* from, const char* to) {
  return rename_between(AT_FDCWD, from, AT_FDCWD, to, false, [&] { return REAL(rename)(from, to); });
}
int renameat(int a, const char* from, int b, const char* to) {
  return rename_between(a, from, b, to, false, [&] { return REAL(renameat)(a, from, b, to); });
}
int renameat2(int a, const char* from, int b, const char* to, unsigned flags) {
  return rename_between(a, from, b, to, flags & RENAME_EXCHANGE,
                        [&] { return REAL(renameat2)(a, from, b, to, flags); });
}
int unlink(const char* path) {
  return remove_at(AT_FDCWD, path, [&] { return REAL(unlink)(path); });
}
int rmdir(const char* path) {
  return remove_at(AT_FDCWD, path, [&] { return REAL(rmdir)(path); });
}
int remove(const char* path) {
  return remove_at(AT_FDCWD, path, [&] { return REAL(remove)(path); });
}
int unlinkat(int folder, const char* path, int flags) {
  return remove_at(folder, path, [&] { return REAL(unlinkat)(folder, path, flags); });
}
int mkdir(const char* path, mode_t mode) {
  return make_folder(AT_FDCWD, path, [&] { return REAL(mkdir)(path, mode); });
}
int mkdirat(int folder, const char* path, mode_t mode) {
  return make_folder(folder, path, [&] { return REAL(mkdirat)(folder, path, mode); });
}

}  // extern "C"
