#pragma once
// The language that all other headers are written in.

#if __cplusplus < 202002L
#error "tapegrad needs C++20: compile with -std=c++20, or in CMake with target_compile_features(... cxx_std_20)"
#endif
