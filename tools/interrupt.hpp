#pragma once
// Ctrl-C and SIGTERM as a question that loops ask.

namespace tapegrad::tools {

/// While it lives, the first SIGINT or SIGTERM only makes requested() true; a second one ends the program at once.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  static bool requested();
  /// "SIGINT"
  static const char* name();
  /// What a shell expects of a program that a signal stopped: 128 + the signal's number.
  static int exit_status();
};

}  // namespace tapegrad::tools
