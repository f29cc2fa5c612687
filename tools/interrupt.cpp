#include "interrupt.hpp"

#include <csignal>

namespace tapegrad::tools {
namespace {

volatile std::sig_atomic_t received = 0;

void receive(int signal) {
  received = signal;
  std::signal(signal, SIG_DFL);
}

}  // namespace

Interrupt::Interrupt() {
  received = 0;
  std::signal(SIGINT, receive);
  std::signal(SIGTERM, receive);
}

Interrupt::~Interrupt() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool Interrupt::requested() { return received != 0; }
const char* Interrupt::name() { return received == SIGINT ? "SIGINT" : "SIGTERM"; }
int Interrupt::exit_status() { return 128 + received; }

}  // namespace tapegrad::tools
