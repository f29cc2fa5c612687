#pragma once
// What signals do to a training.

namespace tapegrad::tools::interrupt {

/// From now on SIGINT, SIGTERM, SIGHUP and SIGXCPU end the program at once, with a line on standard error that nothing
/// has been trained and the status 128 + the signal's number; those that were ignored stay so. A reader of standard
/// output that goes away (SIGPIPE) ends nothing.
void install();

/// From now on they only make requested() true, however many there are: what a training has learnt is worth more than
/// a second Ctrl-C.
void defer();

bool requested();
/// Of the first signal: "SIGINT".
const char* name();
/// What a shell expects of a program that a signal stopped: 128 + the signal's number.
int exit_status();

}  // namespace tapegrad::tools::interrupt
