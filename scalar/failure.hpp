#pragma once
// What is wrong with a use of the scalar types, said by functions of the library: these headers throw nothing
// themselves, so that programs compiled without exceptions can include them.

#include <cstddef>
#include <tapegrad/core/language.hpp>

namespace tapegrad::scalars::detail {

/// GraphError: a value whose recording has ended or was rewound, or that another thread recorded.
[[noreturn]] void fail_stale();
/// GraphError: a value of an enclosing recording, used in an inner one.
[[noreturn]] void fail_enclosing();
/// GraphError: a constant, where a value of the tape was asked for.
[[noreturn]] void fail_constant();
/// GraphError: a position that the recording no longer reaches.
[[noreturn]] void fail_position();
/// GraphError: more statements than indices.
[[noreturn]] void fail_full();
/// MemoryError: no memory for so many bytes of a tape.
[[noreturn]] void fail_memory(std::size_t bytes);
/// ValueError: `what` has `given` elements where `expected` were needed.
[[noreturn]] void fail_size(const char* what, std::size_t given, std::size_t expected);

}  // namespace tapegrad::scalars::detail
