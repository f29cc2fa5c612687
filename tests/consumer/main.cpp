// A user's program, built in each way in which the library can be used.

#include <iostream>
#include <tapegrad/tapegrad.hpp>

int main() {
  std::cout << "tapegrad " << tapegrad::version() << '\n';
  return tapegrad::version() == EXPECTED_VERSION ? 0 : 1;
}
