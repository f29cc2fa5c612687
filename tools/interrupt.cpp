#include "interrupt.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace tapegrad::tools::interrupt {
namespace {

struct Signal {
  int number;
  const char* name;
};
constexpr std::array kSignals{Signal{SIGINT, "SIGINT"}, Signal{SIGTERM, "SIGTERM"}, Signal{SIGHUP, "SIGHUP"},
                              Signal{SIGXCPU, "SIGXCPU"}};

// Handlers may run on any thread.
std::atomic<int> received = 0;
std::atomic<bool> deferred = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

const char* name_of(int number) {
  for (const Signal& signal : kSignals)
    if (signal.number == number) return signal.name;
  return "a signal";
}

// All that a handler may do: no allocation, no stream.
void say(const char* begin, int signal, const char* end) {
  for (const char* part : {begin, name_of(signal), end})
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) return;  // nobody listens
}

void receive(int signal) {
  const int error = errno;
  if (!deferred) {
    say("tapegrad: stopped by ", signal, " before the training began; nothing was trained or written\n");
    ::_exit(128 + signal);
  }
  int none = 0;
  if (received.compare_exchange_strong(none, signal))
    say("tapegrad: ", signal,
        ": saves what is trained, then ends; --resume goes on from there. More signals change nothing\n");
  errno = error;
}

}  // namespace

void install() {
  received = 0;
  deferred = false;
  struct sigaction action {};
  action.sa_handler = receive;
  action.sa_flags = SA_RESTART;
  ::sigfillset(&action.sa_mask);
  for (const Signal& signal : kSignals) {
    struct sigaction before {};
    if (::sigaction(signal.number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    ::sigaction(signal.number, &action, nullptr);
  }
  ::signal(SIGPIPE, SIG_IGN);
}

void defer() { deferred = true; }
bool requested() { return received != 0; }
const char* name() { return name_of(received); }
int exit_status() { return 128 + received; }

}  // namespace tapegrad::tools::interrupt
