#include <tapegrad/nn/module.hpp>

namespace tapegrad::nn {

// A tensor of its own, not another handle of the same.
// NOLINTNEXTLINE(bugprone-copy-constructor-init,readability-redundant-member-init)
OwnedTensor::OwnedTensor(const OwnedTensor& other) : Tensor() {
  if (other.defined()) become(other, other.requires_grad(), other.name());
}

OwnedTensor& OwnedTensor::operator=(const OwnedTensor& other) {
  if (same_as(other)) return *this;
  if (!other.defined()) {
    Tensor::operator=(Tensor());
  } else if (defined() && shape() == other.shape() && dtype() == other.dtype()) {
    copy_from(other);
    set_requires_grad(other.requires_grad());
  } else {
    become(other, other.requires_grad(), defined() ? name() : other.name());
  }
  return *this;
}

void OwnedTensor::become(const Tensor& value, bool trained, std::string_view name) {
  Tensor leaf = value.clone();
  if (trained) leaf.set_requires_grad();
  if (!name.empty()) leaf.set_name(name);
  Tensor::operator=(std::move(leaf));
}

void Parameter::create(Module& owner, const MemberName& name, const Tensor& init) {
  become(init, true, init.name());
  owner.add_tensor(name.text, *this, Module::Kind::parameter);
}

void Buffer::create(Module& owner, const MemberName& name, const Tensor& init) {
  become(init, false, init.name());
  owner.add_tensor(name.text, *this, Module::Kind::buffer);
}

}  // namespace tapegrad::nn
