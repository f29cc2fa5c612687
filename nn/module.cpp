#include <tapegrad/nn/module.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <boost/core/demangle.hpp>
#include <cstring>
#include <tapegrad/core/error.hpp>
#include <typeinfo>

namespace tapegrad::nn {
namespace {

// No struct of layers is this large: weights lie elsewhere.
constexpr std::ptrdiff_t kLargestModule = std::ptrdiff_t{1} << 24;

std::string joined(const std::string& prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : prefix + "." + std::string(name);
}

/// What typeid() refers to; null of a class that was compiled with -fno-rtti, which typeid() would follow all the same.
/// By the C++ ABI that GCC and clang share, it is the word before those that an object's first word points to.
const std::type_info* type_of(const Module& module) {
  const std::type_info* const* virtual_functions = nullptr;
  std::memcpy(&virtual_functions, static_cast<const void*>(&module), sizeof virtual_functions);
  return virtual_functions[-1];
}

}  // namespace

Module::Module() : members_(std::make_shared<std::vector<Member>>()), path_(std::make_shared<const std::string>()) {}

Module::Module(Owner owner, const MemberName& name) : Module() {
  if (!owner.module()) return;
  declared_at_ = name.where;
  owner.module()->add_member(name.text, this, Kind::module);
  path_ = std::make_shared<const std::string>(owner.module()->path_of(name.text));
}

Module::Module(OwnsElsewhere, Owner owner, const MemberName& name) : Module(owner, name) { owns_elsewhere_ = true; }

Module::Module(const Module& other)
    : members_(other.members_),
      path_(other.path_),
      hooks_(other.hooks_),
      next_hook_(other.next_hook_),
      declared_at_(other.declared_at_),
      owns_elsewhere_(other.owns_elsewhere_),
      training_(other.training_) {}

// Whoever is moved from keeps its members, which have been moved from too, and its name: it can still be assigned to.
Module::Module(Module&& other) noexcept
    : members_(other.members_),
      path_(other.path_),
      hooks_(std::move(other.hooks_)),
      next_hook_(other.next_hook_),
      declared_at_(other.declared_at_),
      owns_elsewhere_(other.owns_elsewhere_),
      training_(other.training_) {}

Module& Module::operator=(const Module& other) {
  if (this == &other) return *this;
  hooks_ = other.hooks_;
  next_hook_ = other.next_hook_;
  members_ = other.members_;
  training_ = other.training_;
  return *this;
}

Module& Module::operator=(Module&& other) noexcept {
  if (this == &other) return *this;
  hooks_ = std::move(other.hooks_);
  next_hook_ = other.next_hook_;
  members_ = other.members_;
  training_ = other.training_;
  return *this;
}

Module::~Module() { self_ = nullptr; }

std::string_view Module::name() const {
  const std::string_view text = path();
  return text.substr(text.rfind('.') + 1);
}

std::string Module::type_name() const {
  const std::type_info* type = type_of(*this);
  if (!type) return "Module";
  // Without namespaces, in arguments too: "ModuleList<Linear>".
  std::string name;
  for (const char c : boost::core::demangle(type->name())) {
    name += c;
    if (!name.ends_with("::")) continue;
    constexpr std::string_view kAnonymous = "(anonymous namespace)::";
    const std::size_t before =
        name.ends_with(kAnonymous) ? name.size() - kAnonymous.size() - 1 : name.find_last_of("<, ");
    name.erase(before == std::string::npos ? 0 : before + 1);
  }
  return name;
}

std::string Module::describe() const { return path().empty() ? type_name() : type_name() + " '" + path() + "'"; }

std::string Module::path_of(std::string_view member) const { return joined(path(), member); }

void Module::add_member(std::string_view name, void* member, Kind kind) {
  if (name.empty() || name.find('.') != std::string_view::npos)
    throw ValueError(
        fmt::format("{}: '{}' cannot be the name of a member: names are not empty and have no dot", describe(), name));
  if (owns_elsewhere_ && kind == Kind::module) return;
  const std::ptrdiff_t offset = static_cast<std::byte*>(member) - reinterpret_cast<std::byte*>(this);
  if (offset <= 0 || offset >= kLargestModule)
    throw ValueError(fmt::format(
        "{}: '{}' does not lie in the object that it was given as its owner; make it a member, or use a ModuleList",
        describe(), name));
  if (std::ranges::find(*members_, name, &Member::name) != members_->end())
    throw ValueError(fmt::format("{}: it has two members named '{}'", describe(), name));
  if (members_.use_count() > 1) members_ = std::make_shared<std::vector<Member>>(*members_);
  members_->push_back({std::string(name), offset, kind});
}

void Module::add_tensor(std::string_view name, OwnedTensor& tensor, Kind kind) {
  add_member(name, &tensor, kind);
  tensor.set_name(path_of(name));
}

void* Module::at(const Member& member) const {
  void* place = const_cast<std::byte*>(reinterpret_cast<const std::byte*>(this)) + member.offset;
  if (member.kind == Kind::module && static_cast<Module*>(place)->self_ != place)
    throw ValueError(
        fmt::format("{}: the module '{}' no longer lies in it; modules that move by themselves, as in a "
                    "std::vector, belong in a ModuleList",
                    describe(), member.name));
  return place;
}

void Module::visit_owned(const Visitor&) const {}

void Module::visit_children(const Visitor& visit) const {
  for (const Member& member : *members_)
    if (member.kind == Kind::module) visit(member.name, *static_cast<Module*>(at(member)));
  visit_owned(visit);
}

void Module::adopt(Module& module, const std::string& name) const {
  module.set_path(path_of(name));
  module.declared_at_ = declared_at_;
}

void Module::set_path(std::string path) {
  path_ = std::make_shared<const std::string>(std::move(path));
  for (const Member& member : *members_)
    if (member.kind != Kind::module) static_cast<OwnedTensor*>(at(member))->set_name(path_of(member.name));
  visit_children([this](const std::string& name, Module& child) { child.set_path(path_of(name)); });
}

void Module::walk(const std::string& prefix, const Visitor& on_module, const TensorVisitor& on_tensor) const {
  if (on_module) on_module(prefix, const_cast<Module&>(*this));
  // In the order of declaration, tensors and modules alike.
  for (const Member& member : *members_) {
    const std::string name = joined(prefix, member.name);
    if (member.kind == Kind::module)
      static_cast<const Module*>(at(member))->walk(name, on_module, on_tensor);
    else if (on_tensor)
      on_tensor(name, *static_cast<OwnedTensor*>(at(member)), member.kind);
  }
  visit_owned([&](const std::string& name, Module& child) { child.walk(joined(prefix, name), on_module, on_tensor); });
}

NamedTensors Module::collect(Kind kind) const {
  NamedTensors found;
  walk("", nullptr, [&](const std::string& name, OwnedTensor& tensor, Kind k) {
    if (k == kind) found.push_back({name, tensor});
  });
  return found;
}

NamedTensors Module::named_parameters() const { return collect(Kind::parameter); }
NamedTensors Module::named_buffers() const { return collect(Kind::buffer); }

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> tensors;
  for (NamedTensor& parameter : named_parameters()) tensors.push_back(std::move(parameter.tensor));
  return tensors;
}

std::int64_t Module::parameter_count(bool trainable_only) const {
  std::int64_t count = 0;
  for (const Tensor& parameter : parameters())
    if (parameter.requires_grad() || !trainable_only) count += parameter.numel();
  return count;
}

void Module::train(bool on) {
  walk(
      "", [on](const std::string&, Module& module) { module.training_ = on; }, nullptr);
}

ModeGuard::ModeGuard(Module& module, bool training) {
  const auto note = [this](const std::string&, Module& m) { before_.emplace_back(&m, m.training_); };
  module.walk("", note, nullptr);
  module.train(training);
}

ModeGuard::~ModeGuard() {
  for (const auto& [module, training] : before_) module->training_ = training;
}

void Module::convert(DType dtype) {
  if (!is_floating(dtype)) throw DTypeError(describe() + ": cannot convert to " + std::string(name_of(dtype)));
  walk("", nullptr, [dtype](const std::string&, OwnedTensor& tensor, Kind) {
    if (!is_floating(tensor.dtype()) || tensor.dtype() == dtype) return;
    Tensor converted = empty(tensor.shape(), dtype);
    converted.copy_from(tensor);
    tensor.become(converted, tensor.requires_grad(), tensor.name());
  });
}

std::size_t Module::register_forward_hook(ForwardHook hook) {
  hooks_.emplace_back(next_hook_, std::move(hook));
  return next_hook_++;
}

void Module::remove_forward_hook(std::size_t id) {
  std::erase_if(hooks_, [id](const auto& hook) { return hook.first == id; });
}

Tensor Module::run_forward_hooks(std::span<const Tensor> inputs, Tensor output) const {
  // By index and by copy: a hook may add or remove hooks.
  for (std::size_t i = 0; i < hooks_.size(); ++i) {
    const ForwardHook hook = hooks_[i].second;
    if (Tensor replaced = hook(*this, inputs, output); replaced.defined()) output = std::move(replaced);
  }
  return output;
}

}  // namespace tapegrad::nn
