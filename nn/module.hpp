#pragma once
// Module: the base of layers and models. A model is a plain struct whose layers are its members:
//
//   struct Mlp : nn::Module {
//     nn::Linear hidden{*this, "hidden", 784, 512}, output{*this, "output", 512, 10};
//     Tensor forward(const Tensor& x) { return output(relu(hidden(x))); }
//   };
//
// Each member tells its owner its name and where in the owner it lies. That place is the same in every object of the
// struct, so copying and moving need no code: a copy finds its own layers, with weights of their own.
//
// Layer: a module that is called.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tapegrad/core/location.hpp>
#include <tapegrad/core/named_tensors.hpp>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/core/tensor.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tapegrad::nn {

class Module;

/// The name of a member, and where the program says it.
struct MemberName {
  template <class Text>
  requires std::convertible_to<const Text&, std::string_view> MemberName(const Text& name,
                                                                         Location place = Location::here())
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

/// What a module is a member of: the module that it lies in, or kNoOwner.
class Owner {
 public:
  constexpr Owner() = default;
  Owner(Module& module) : module_(&module) {}
  Module* module() const { return module_; }

 private:
  Module* module_ = nullptr;
};
/// Of a model of its own. Layers' constructors that take no owner hand it on to the one that does:
///
///   Scale(nn::Owner owner, const nn::MemberName& name, double factor) : Layer(owner, name), factor_(factor) {}
///   explicit Scale(double factor) : Scale(nn::kNoOwner, "", factor) {}
inline constexpr Owner kNoOwner;

/// Owns parameters, buffers and other modules as members. Distinct modules may be used from distinct threads.
class Module {
 public:
  /// A model of its own.
  Module();
  /// A member of `owner`, which must be the object that this module lies in; ModuleList and Sequential own modules
  /// elsewhere. Throws ValueError if the name is empty, has a dot or is taken. Without an owner there is no name.
  Module(Owner owner, const MemberName& name);
  Module(const Module& other);
  Module(Module&& other) noexcept;
  /// Keeps this module's name.
  Module& operator=(const Module& other);
  Module& operator=(Module&& other) noexcept;
  virtual ~Module();

  /// Its name in the model, such as "encoder.layers.3.attn"; empty for the model itself.
  const std::string& path() const { return *path_; }
  /// The last part of the path.
  std::string_view name() const;
  /// What kind of module it is, such as "Linear"; "Module" of one that was compiled with -fno-rtti.
  virtual std::string type_name() const;
  /// "Linear 'encoder.fc'": what messages call it.
  std::string describe() const;

  /// All parameters below, by their names relative to this module, in the order of declaration.
  NamedTensors named_parameters() const;
  std::vector<Tensor> parameters() const;
  NamedTensors named_buffers() const;
  /// Elements of all parameters, or of those that are not frozen.
  std::int64_t parameter_count(bool trainable_only = false) const;

  /// Parameters and buffers. These are the module's own tensors: clone() them to keep their values.
  NamedTensors state() const;
  /// Overwrites parameters and buffers. Throws one ValueError that lists all that is missing, unexpected, or of another
  /// shape or dtype; nothing is changed then.
  void load_state(const NamedTensors& given);

  /// Switches this module and all below between training and use (dropout, normalisation).
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  /// Stops, or resumes, training of the parameters whose names match `pattern` ("encoder.*"; * stands for any
  /// characters, ? for one). Returns how many; throws ValueError if none does.
  std::int64_t freeze(std::string_view pattern = "*") { return set_trainable(pattern, false); }
  std::int64_t unfreeze(std::string_view pattern = "*") { return set_trainable(pattern, true); }

  /// Changes the dtype of all floating parameters and buffers. They become new leaves, which optimisers and graphs
  /// made before do not know; see to().
  void convert(DType dtype);

  /// A table of the modules with their parameters' shapes and counts.
  std::string summary() const;

  /// Runs after each call of this module, on its inputs and output; a defined result replaces the output. Returns a
  /// number for remove_forward_hook. Copies of the module have the hooks too.
  using ForwardHook = std::function<Tensor(const Module& module, std::span<const Tensor> inputs, const Tensor& output)>;
  std::size_t register_forward_hook(ForwardHook hook);
  void remove_forward_hook(std::size_t id);

 protected:
  /// For containers: modules made with it as owner are not its members; visit_owned() enumerates them.
  struct OwnsElsewhere {};
  Module(OwnsElsewhere, Owner owner, const MemberName& name);
  using Visitor = std::function<void(const std::string& name, Module& module)>;
  virtual void visit_owned(const Visitor& visit) const;
  /// Makes `module`, and all below it, part of this one by `name`.
  void adopt(Module& module, const std::string& name) const;

  bool has_forward_hooks() const { return !hooks_.empty(); }
  Tensor run_forward_hooks(std::span<const Tensor> inputs, Tensor output) const;
  Location declared_at() const { return declared_at_; }

 private:
  friend class Parameter;
  friend class Buffer;
  friend class ModeGuard;
  friend class WithWeights;
  enum class Kind : std::uint8_t { module, parameter, buffer };
  struct Member {
    std::string name;
    std::ptrdiff_t offset;
    Kind kind;
  };
  using TensorVisitor = std::function<void(const std::string& name, OwnedTensor& tensor, Kind kind)>;

  void add_member(std::string_view name, void* member, Kind kind);
  void add_tensor(std::string_view name, OwnedTensor& tensor, Kind kind);
  std::string path_of(std::string_view member) const;
  void* at(const Member& member) const;
  void set_path(std::string path);
  void visit_children(const Visitor& visit) const;
  void walk(const std::string& prefix, const Visitor& on_module, const TensorVisitor& on_tensor) const;
  NamedTensors collect(Kind kind) const;
  std::int64_t set_trainable(std::string_view pattern, bool on);

  const Module* self_ = this;  // tells a living module from what lies where one should be
  // Never null, and never changed while another module has them too: moving one needs no memory then.
  std::shared_ptr<std::vector<Member>> members_;
  std::shared_ptr<const std::string> path_;
  std::vector<std::pair<std::size_t, ForwardHook>> hooks_;
  std::size_t next_hook_ = 0;
  Location declared_at_;
  bool owns_elsewhere_ = false;
  bool training_ = true;
};

/// Puts a module, and all below it, into training or use while it lives; then each is as it was.
class ModeGuard {
 public:
  ModeGuard(Module& module, bool training);
  ~ModeGuard();
  ModeGuard(const ModeGuard&) = delete;
  ModeGuard& operator=(const ModeGuard&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> before_;
};

/// A copy of `model` in another dtype.
template <std::derived_from<Module> Model>
Model to(const Model& model, DType dtype) {
  Model copy = model;
  copy.convert(dtype);
  return copy;
}

/// While it lives, what this thread records is in a scope of the layer's path, as its parameters' names have it: below
/// the layer that is being called, if that is an ancestor ("blocks.3" within "encoder"), and else the whole path.
class LayerScope {
 public:
  LayerScope(const Module& layer, Location where);
  ~LayerScope();
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;

 private:
  const Module* outer_;
  std::optional<Scope> scope_;  // none for a model itself, which has no name
};

/// The base of layers and of users' own blocks, which have a function `forward`:
///
///   struct Block : nn::Layer<Block> {
///     using Layer::Layer;
///     nn::Linear in{*this, "in", 64, 256}, out{*this, "out", 256, 64};
///     Tensor forward(const Tensor& x) const { return x + out(relu(in(x))); }
///   };
///
/// Calling a layer runs `forward` in a LayerScope, so that pictures of the graph show the layer, and then the forward
/// hooks.
template <class Self>
class Layer : public Module {
 public:
  using Module::Module;

  template <class... Arguments>
  auto operator()(Arguments&&... arguments) {
    return call(static_cast<Self&>(*this), std::forward<Arguments>(arguments)...);
  }
  template <class... Arguments>
  auto operator()(Arguments&&... arguments) const {
    return call(static_cast<const Self&>(*this), std::forward<Arguments>(arguments)...);
  }

 private:
  template <class L, class... Arguments>
  static auto call(L& layer, Arguments&&... arguments) {
    const LayerScope scope(layer, layer.declared_at());
    auto output = layer.forward(arguments...);
    if constexpr (std::is_same_v<decltype(output), Tensor>)
      if (layer.has_forward_hooks()) return layer.run_forward_hooks(tensors_of(arguments...), std::move(output));
    return output;
  }

  template <class... Arguments>
  static std::vector<Tensor> tensors_of(const Arguments&... arguments) {
    std::vector<Tensor> tensors;
    const auto add = [&](const auto& argument) {
      if constexpr (std::is_convertible_v<decltype(argument), const Tensor&>) tensors.push_back(argument);
    };
    (add(arguments), ...);
    return tensors;
  }
};

}  // namespace tapegrad::nn
