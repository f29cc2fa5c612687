#pragma once
// Names for parts of a program: what is recorded inside a Scope carries its path.

#include <string>
#include <string_view>
#include <tapegrad/core/location.hpp>

namespace tapegrad {

/// One name in the tree of scopes. Lives until the program ends; the same path gives the same object on every thread.
struct ScopeName {
  const ScopeName* parent = nullptr;
  std::string name;  ///< "attn"
  std::string path;  ///< "encoder.layers.3.attn"
  Location where;    ///< it was first opened
};

/// While it lives, everything this thread records is under `name`, inside the scopes already open. Strictly nested.
class Scope {
 public:
  explicit Scope(std::string_view name, Location where = Location::here());
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  /// The innermost open scope of this thread, or null.
  static const ScopeName* current();

 private:
  const ScopeName* outer_;
};

}  // namespace tapegrad
