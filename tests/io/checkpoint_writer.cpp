// checkpoint_writer FOLDER VALUE CALL ACTION: saves a checkpoint of VALUE as step VALUE. At its file call number CALL
// it is killed ("kill"), or the call fails as on a full disk ("fail"). Prints how many calls there were. Run with
// libfiu's wrappers of the C library preloaded.

#include <fiu-control.h>
#include <fiu.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/io/checkpoint.hpp>

namespace {

int calls = 0, fatal_call = 0;
bool kills = false;

int on_call(const char* /*name*/, int* /*failnum*/, void** /*failinfo*/, unsigned* /*flags*/) {
  if (++calls != fatal_call) return 0;
  if (kills) ::raise(SIGKILL);
  return 1;
}

}  // namespace

int main(int /*argc*/, char** argv) {
  using namespace tapegrad;
  const std::int64_t value = std::atoll(argv[2]);
  fatal_call = std::atoi(argv[3]);
  kills = argv[4] == std::string_view("kill");
  io::Checkpoint checkpoint{{}, std::to_string(value)};
  for (const char* name : {"a", "b", "c"})
    checkpoint.tensors.push_back({name, full({5000}, static_cast<double>(value))});

  ::fiu_init(0);
  ::fiu_enable_external("posix/io/*", 1, reinterpret_cast<void*>(std::intptr_t{ENOSPC}), 0, on_call);
  int status = 0;
  try {
    const io::CheckpointFolder folder(argv[1], 1);
    folder.save(value, checkpoint);
    io::save_checkpoint(folder.best(), checkpoint);
  } catch (const IoError& error) {
    status = 3;
  }
  ::fiu_disable("posix/io/*");
  std::cout << calls << '\n';
  return status;
}
