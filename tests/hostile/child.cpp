#include "child.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <tapegrad/core/error.hpp>

namespace tapegrad::hostile {
namespace {

constexpr unsigned kMostSeconds = 60;
constexpr char kRefused = 'R', kRead = 'O', kOther = 'X';

[[noreturn]] void report(int pipe, char how, std::string text) {
  text.insert(text.begin(), how);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(pipe, text.data() + done, text.size() - done);
    if (written <= 0) break;
    done += static_cast<std::size_t>(written);
  }
  ::_exit(0);
}

struct Ended {
  int status;
  std::string text;
  std::uint64_t peak;
};

Ended run(const std::function<void()>& read) {
  int pipe[2];
  if (::pipe(pipe) != 0) throw std::runtime_error("no pipe");
  const ::pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) {
    ::close(pipe[0]);
    ::alarm(kMostSeconds);
    try {
      read();
    } catch (const Error& error) {
      report(pipe[1], kRefused, error.what());
    } catch (const std::exception& error) {
      report(pipe[1], kOther, error.what());
    }
    report(pipe[1], kRead, "read");
  }
  ::close(pipe[1]);
  Ended ended{};
  char block[4096];
  for (ssize_t got; (got = ::read(pipe[0], block, sizeof block)) > 0;)
    ended.text.append(block, static_cast<std::size_t>(got));
  ::close(pipe[0]);
  rusage usage{};
  ::wait4(child, &ended.status, 0, &usage);
  ended.peak = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  return ended;
}

}  // namespace

Outcome in_child(const std::function<void()>& read) {
  const std::uint64_t before = run([] {}).peak;
  const auto begin = std::chrono::steady_clock::now();
  const Ended ended = run(read);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  Outcome outcome;
  outcome.ended = WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 0 && !ended.text.empty();
  outcome.refused = outcome.ended && ended.text[0] == kRefused;
  outcome.text = outcome.ended ? ended.text.substr(1) : "ended by a signal";
  if (outcome.ended && ended.text[0] == kOther) outcome.text = "not an exception of the library: " + outcome.text;
  outcome.seconds = time.count();
  outcome.peak = ended.peak - std::min(ended.peak, before);
  return outcome;
}

}  // namespace tapegrad::hostile
