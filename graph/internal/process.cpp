#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/internal/process.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <thread>
#include <utility>

namespace tapegrad::graph {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void throw_system_error(const std::string& what, int error) {
  throw ProcessError(fmt::format("{}: {}", what, std::strerror(error)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

struct Channel {
  Descriptor ours, theirs;
};

// A pair of sockets and not a pipe: writing to a child that is gone must be an error, not a signal. The numbers 0 to 2
// are avoided, since the child's streams are put there.
Channel make_channel() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw_system_error("cannot make a channel to a child process", errno);
  }
  std::array<Descriptor, 2> made{Descriptor(ends[0]), Descriptor(ends[1])};
  for (Descriptor& end : made) {
    if (end.get() > 2) continue;
    const int moved = ::fcntl(end.get(), F_DUPFD_CLOEXEC, 3);
    if (moved < 0) throw_system_error("cannot make a channel to a child process", errno);
    end = Descriptor(moved);
  }
  ::fcntl(made[0].get(), F_SETFL, O_NONBLOCK);
  return {std::move(made[0]), std::move(made[1])};
}

class Child {
 public:
  Child(const std::vector<std::string>& command, std::string_view input, Clock::time_point deadline)
      : command_(command), input_(input), deadline_(deadline) {
    start();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }

  ProcessOutput run() {
    while (in_.is_open() || out_.is_open() || err_.is_open()) exchange_text();
    const int status = wait();
    if (WIFSIGNALED(status)) {
      throw ProcessError(fmt::format("'{}' was killed by signal {} ({})", command_[0], WTERMSIG(status),
                                     ::strsignal(WTERMSIG(status))));
    }
    if (WEXITSTATUS(status) != 0) {
      throw ProcessError(fmt::format("'{}' failed with status {}: {}", command_[0], WEXITSTATUS(status),
                                     shorten(drawable(valid_utf8(result_.errors)), 500)));
    }
    return std::move(result_);
  }

 private:
  void start() {
    Channel in = make_channel(), out = make_channel(), err = make_channel();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, in.theirs.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, out.theirs.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, err.theirs.get(), 2);
    // The program is to find signals as a shell would give them to it, whatever its parent has done with its own.
    sigset_t none, pipe;
    sigemptyset(&none);
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &pipe);
    // A group of its own: Ctrl-C, which a terminal sends to the whole group, is for the program around us to act upon.
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

    std::vector<char*> arguments;
    for (const std::string& argument : command_) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const int error = ::posix_spawnp(&pid_, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      pid_ = -1;
      throw_system_error(fmt::format("cannot start '{}'", command_[0]), error);
    }
    in_ = std::move(in.ours);
    out_ = std::move(out.ours);
    err_ = std::move(err.ours);
  }

  void exchange_text() {
    std::array<pollfd, 3> waiting{{{in_.get(), POLLOUT, 0}, {out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    if (left <= 0) throw_timeout();
    const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(std::min<long>(left, 60'000)));
    if (ready < 0 && errno != EINTR) throw_system_error(fmt::format("cannot wait for '{}'", command_[0]), errno);
    if (ready <= 0) return;
    if (waiting[0].revents != 0) send_some();
    if (waiting[1].revents != 0) receive_some(out_, result_.output, ~std::size_t{0});
    if (waiting[2].revents != 0) receive_some(err_, result_.errors, 64'000);
  }

  void send_some() {
    const ssize_t sent = ::send(in_.get(), input_.data(), input_.size(), MSG_NOSIGNAL);
    if (sent > 0) input_.remove_prefix(static_cast<std::size_t>(sent));
    const bool gone = sent < 0 && errno != EAGAIN && errno != EINTR;
    // A child that does not want its input says by its status whether that was a failure.
    if (input_.empty() || gone) in_.close();
  }

  static void receive_some(Descriptor& from, std::string& text, std::size_t limit) {
    std::array<char, 65'536> buffer;
    const ssize_t received = ::read(from.get(), buffer.data(), buffer.size());
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (received <= 0) return from.close();
    if (text.size() < limit) text.append(buffer.data(), static_cast<std::size_t>(received));
  }

  // A child may close its streams some time before it ends.
  int wait() {
    for (;;) {
      int status = 0;
      const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
      // Where the program around us has children reaped for it, there is no status to be had.
      if (ended == pid_ || (ended < 0 && errno == ECHILD)) {
        pid_ = -1;
        return status;
      }
      if (Clock::now() >= deadline_) throw_timeout();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  [[noreturn]] void throw_timeout() const {
    throw ProcessError(fmt::format("'{}' took longer than allowed and was stopped", command_[0]));
  }

  const std::vector<std::string>& command_;
  std::string_view input_;
  Clock::time_point deadline_;
  pid_t pid_ = -1;
  Descriptor in_, out_, err_;
  ProcessOutput result_;
};

}  // namespace

ProcessOutput run_process(const std::vector<std::string>& command, std::string_view input,
                          std::chrono::milliseconds timeout) {
  return Child(command, input, Clock::now() + timeout).run();
}

}  // namespace tapegrad::graph
