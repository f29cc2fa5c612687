#pragma once
// ModuleList: any number of modules of one type.

#include <memory>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/module.hpp>
#include <utility>

namespace tapegrad::nn {

/// Modules named "0", "1", …, made in place: each is T(list, its name, arguments...).
///
///   nn::ModuleList<Block> blocks{*this, "blocks", 12, width};  // twelve of Block(list, "0", width) …
///   for (const Block& block : blocks) x = block(x);
template <std::derived_from<Module> T>
class ModuleList : public Module {
 public:
  ModuleList(Owner owner, const MemberName& name) : Module(OwnsElsewhere{}, owner, name) {}
  ModuleList() : ModuleList(kNoOwner, "") {}
  template <class... Arguments>
  ModuleList(Owner owner, const MemberName& name, std::size_t count, const Arguments&... arguments)
      : ModuleList(owner, name) {
    while (items_.size() < count) emplace_back(arguments...);
  }
  ModuleList(const ModuleList& other) : Module(other) { copy(other); }
  ModuleList(ModuleList&&) noexcept = default;
  ModuleList& operator=(const ModuleList& other) {
    if (this == &other) return *this;
    Module::operator=(other);
    if (items_.size() == other.items_.size()) {
      for (std::size_t i = 0; i < items_.size(); ++i) *items_[i] = *other.items_[i];
      return *this;
    }
    items_.clear();
    copy(other);
    for (std::size_t i = 0; i < items_.size(); ++i) adopt(*items_[i], std::to_string(i));
    return *this;
  }
  ModuleList& operator=(ModuleList&& other) noexcept(false) {
    *this = std::as_const(other);
    return *this;
  }
  ~ModuleList() override = default;

  template <class... Arguments>
  T& emplace_back(const Arguments&... arguments) {
    items_.push_back(std::make_unique<T>(*this, std::to_string(items_.size()), arguments...));
    return *items_.back();
  }

  std::size_t size() const { return items_.size(); }
  /// IndexError if there is no such module.
  T& operator[](std::size_t i) { return *items_[checked(i)]; }
  const T& operator[](std::size_t i) const { return *items_[checked(i)]; }

  template <class Item, class Pointer>
  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = Item;
    Iterator() = default;
    explicit Iterator(Pointer at) : at_(at) {}
    Item& operator*() const { return **at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    Pointer at_{};
  };
  auto begin() { return Iterator<T, const std::unique_ptr<T>*>(items_.data()); }
  auto end() { return Iterator<T, const std::unique_ptr<T>*>(items_.data() + items_.size()); }
  auto begin() const { return Iterator<const T, const std::unique_ptr<T>*>(items_.data()); }
  auto end() const { return Iterator<const T, const std::unique_ptr<T>*>(items_.data() + items_.size()); }

 protected:
  void visit_owned(const Visitor& visit) const override {
    for (std::size_t i = 0; i < items_.size(); ++i) visit(std::to_string(i), *items_[i]);
  }

 private:
  void copy(const ModuleList& other) {
    for (const auto& item : other.items_) items_.push_back(std::make_unique<T>(*item));
  }
  std::size_t checked(std::size_t i) const {
    if (i < items_.size()) return i;
    throw IndexError(describe() + ": no module " + std::to_string(i) + "; it has " + std::to_string(items_.size()));
  }

  std::vector<std::unique_ptr<T>> items_;
};

}  // namespace tapegrad::nn
