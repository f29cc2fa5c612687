#pragma once
// The tensors that a module owns.

#include <string_view>
#include <tapegrad/core/location.hpp>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::nn {

class Module;

/// The name of a member, and where the program says it.
struct MemberName {
  template <class Text>
  requires std::convertible_to<const Text&, std::string_view> MemberName(
      const Text& name, Location place = Location::here())
      : text(name), where(place) {}
  std::string_view text;
  Location where;
};

/// A leaf inside a module. Unlike handles, copies of it have a value of their own, so that copying a model copies its
/// weights. Assigning writes into the leaf that is there, if shape and dtype agree, so that optimisers keep hold of it.
class OwnedTensor : public Tensor {
 public:
  OwnedTensor() = default;
  OwnedTensor(const OwnedTensor& other);
  OwnedTensor(OwnedTensor&&) noexcept = default;
  OwnedTensor& operator=(const OwnedTensor& other);
  OwnedTensor& operator=(OwnedTensor&& other) { return *this = static_cast<const OwnedTensor&>(other); }
  ~OwnedTensor() = default;

 private:
  friend class Module;
  friend class Parameter;
  friend class Buffer;
  void become(const Tensor& value, bool trained, std::string_view name);
};

/// A tensor that training changes: it requires a gradient, unless it is frozen.
class Parameter : public OwnedTensor {
 public:
  Parameter() = default;  ///< undefined: not there, as the bias of a layer without one
  /// A member of `owner`, which must be the object that this parameter lies in. Copies `init`.
  Parameter(Module& owner, const MemberName& name, const Tensor& init) { create(owner, name, init); }
  /// The same for one that is undefined.
  void create(Module& owner, const MemberName& name, const Tensor& init);
};

/// A tensor that belongs to a model's state but is not trained, such as a running mean.
class Buffer : public OwnedTensor {
 public:
  Buffer() = default;
  Buffer(Module& owner, const MemberName& name, const Tensor& init) { create(owner, name, init); }
  void create(Module& owner, const MemberName& name, const Tensor& init);
};

}  // namespace tapegrad::nn
