#include "interrupt.hpp"

#include <signal.h>  // sigaction and sigaltstack, which <csignal> need not declare

#include <array>
#include <csignal>

namespace tapegrad::tools {
namespace {

volatile std::sig_atomic_t received = 0;

void receive(int signal) { received = signal; }

// Kernels of oneDNN 2.6 for products let the stack pointer point into the heap, where a handler's frame overwrites
// whatever lies below. So the handler has a stack of its own. Signals to the program go to its main thread, which makes
// the Interrupt.
std::array<char, 1 << 16> own_stack;

stack_t stack_before;

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_ONSTACK | SA_RESTART | static_cast<int>(SA_RESETHAND);
  sigaction(signal, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
  received = 0;
  const stack_t stack{.ss_sp = own_stack.data(), .ss_flags = 0, .ss_size = own_stack.size()};
  sigaltstack(&stack, &stack_before);
  handle(SIGINT, receive);
  handle(SIGTERM, receive);
}

Interrupt::~Interrupt() {
  handle(SIGINT, SIG_DFL);
  handle(SIGTERM, SIG_DFL);
  sigaltstack(&stack_before, nullptr);
}

bool Interrupt::requested() { return received != 0; }
const char* Interrupt::name() { return received == SIGINT ? "SIGINT" : "SIGTERM"; }
int Interrupt::exit_status() { return 128 + received; }

}  // namespace tapegrad::tools
