#pragma once
// Keeps signal handlers away from code that cannot bear their frames.

#include <pthread.h>

#include <csignal>

namespace tapegrad::kernels {

/// While it lives, signals that other threads or timers send wait, as far as the calling thread is concerned. The
/// kernels of oneDNN 2.6 for products need it: on a CPU with AVX-512 they let the stack pointer point into the heap,
/// where the frame of a handler overwrites whatever lies below.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&all, own);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace tapegrad::kernels
