// Loads two plugins that have a tapegrad each, lets go of them and loads them again, on the main thread and on one of
// its own.

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

struct Plugin {
  explicit Plugin(const char* name)
      : handle(::dlopen((PLUGIN_FOLDER + std::string("/") + name + ".so").c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!handle) fail();
    slope_of_square = reinterpret_cast<double (*)(double)>(::dlsym(handle, "slope_of_square"));
    exchange_threads = reinterpret_cast<int (*)(int)>(::dlsym(handle, "exchange_threads"));
    if (!slope_of_square || !exchange_threads) fail();
  }
  ~Plugin() { ::dlclose(handle); }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  [[noreturn]] static void fail() {
    std::puts(::dlerror());
    std::exit(1);
  }

  void* handle;
  double (*slope_of_square)(double);
  int (*exchange_threads)(int);
};

void require(bool holds, const char* what) {
  if (holds) return;
  std::puts(what);
  std::exit(1);
}

void use_both() {
  const Plugin first("first"), second("second");
  require(first.slope_of_square(3) == 6 && second.slope_of_square(5) == 10, "wrong gradients, or no exceptions");
  first.exchange_threads(1);
  second.exchange_threads(2);
  require(first.exchange_threads(1) == 1 && second.exchange_threads(2) == 2, "the two copies share their state");
  require(first.slope_of_square(4) == 8 && second.slope_of_square(1) == 2, "wrong gradients the second time");
}

}  // namespace

int main() {
  for (int round = 0; round < 2; ++round) {
    std::thread(use_both).join();
    use_both();
  }
}
