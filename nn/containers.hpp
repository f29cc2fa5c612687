#pragma once
// Modules made of modules: any number of one type, one after the other, around a shortcut (residual).

#include <concepts>
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
    const std::string name = std::to_string(items_.size());
    items_.push_back(std::make_unique<T>(*this, MemberName(name, declared_at()), arguments...));
    return *items_.back();
  }

  std::size_t size() const { return items_.size(); }
  /// IndexError if there is no such module.
  T& operator[](std::size_t i) { return *items_[checked(i)]; }
  const T& operator[](std::size_t i) const { return *items_[checked(i)]; }

  /// Over the modules, in order.
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

/// What a Sequential is made of: layers, or functions such as relu.
template <class F>
concept StageFunction =
    std::invocable<F&, const Tensor&> && std::convertible_to<std::invoke_result_t<F&, const Tensor&>, Tensor>;

/// Owns layers of any types and runs them in order. They are named "0", "1", … unless add() names them.
///
///   nn::Sequential net{nn::Linear(784, 512), relu, nn::Linear(512, 10)};
class Sequential : public Layer<Sequential> {
 public:
  template <class... Stages>
  requires(StageFunction<std::decay_t<Stages>>&&...) Sequential(Owner owner, const MemberName& name, Stages&&... stages)
      : Layer(OwnsElsewhere{}, owner, name) {
    (add(std::forward<Stages>(stages)), ...);
  }
  Sequential() : Sequential(kNoOwner, "") {}
  template <class... Stages>
  requires(sizeof...(Stages) > 0 &&
           (StageFunction<std::decay_t<Stages>> && ...)) explicit Sequential(Stages&&... stages)
      : Sequential(kNoOwner, "", std::forward<Stages>(stages)...) {}
  Sequential(const Sequential& other);
  Sequential(Sequential&&) noexcept;
  Sequential& operator=(const Sequential& other);
  Sequential& operator=(Sequential&& other);
  ~Sequential() override;

  /// Appends a copy of `stage`. ValueError if the name is taken.
  template <class Stage>
  requires StageFunction<std::decay_t<Stage>> Sequential& add(std::string name, Stage&& stage) {
    append(std::move(name), std::make_unique<Holder<std::decay_t<Stage>>>(std::forward<Stage>(stage)));
    return *this;
  }
  template <class Stage>
  requires StageFunction<std::decay_t<Stage>> Sequential& add(Stage&& stage) {
    return add(std::to_string(size()), std::forward<Stage>(stage));
  }

  std::size_t size() const { return stages_.size(); }
  Tensor forward(Tensor x);

 protected:
  void visit_owned(const Visitor& visit) const override;

 private:
  struct AnyStage {
    virtual ~AnyStage() = default;
    virtual Tensor run(const Tensor& x) = 0;
    virtual std::unique_ptr<AnyStage> clone() const = 0;
    /// Takes over the other's parameters, in the leaves that are there; false if it is not a module of the same type.
    virtual bool assign(const AnyStage& other) = 0;
    virtual Module* module() = 0;
    /// One address a type; a dynamic_cast would need programs to be compiled with RTTI.
    virtual const void* kind() const = 0;
  };
  template <class F>
  static inline char kKind = 0;
  template <class F>
  struct Holder final : AnyStage {
    template <class G>
    explicit Holder(G&& f) : function(std::forward<G>(f)) {}
    Tensor run(const Tensor& x) override { return function(x); }
    std::unique_ptr<AnyStage> clone() const override { return std::make_unique<Holder>(function); }
    bool assign(const AnyStage& other) override {
      if constexpr (std::derived_from<F, Module>)
        if (other.kind() == kind()) {
          function = static_cast<const Holder&>(other).function;
          return true;
        }
      return false;
    }
    const void* kind() const override { return &kKind<F>; }
    Module* module() override {
      if constexpr (std::derived_from<F, Module>) return &function;
      return nullptr;
    }
    F function;
  };
  struct Stage {
    std::string name;
    std::unique_ptr<AnyStage> stage;
  };

  void append(std::string name, std::unique_ptr<AnyStage> stage);
  std::vector<Stage> stages_;
};

/// The input added to what layers make of it, one after the other:
///
///   nn::Residual block{nn::Linear(64, 64), relu, nn::Linear(64, 64)};
class Residual : public Layer<Residual> {
 public:
  template <class... Stages>
  requires(StageFunction<std::decay_t<Stages>>&&...) Residual(Owner owner, const MemberName& name, Stages&&... stages)
      : Layer(owner, name), body(*this, "body", std::forward<Stages>(stages)...) {}
  template <class... Stages>
  requires(sizeof...(Stages) > 0 && (StageFunction<std::decay_t<Stages>> && ...)) explicit Residual(Stages&&... stages)
      : Residual(kNoOwner, "", std::forward<Stages>(stages)...) {}

  /// ShapeError if the layers change the shape.
  Tensor forward(const Tensor& x);

  Sequential body;
};

}  // namespace tapegrad::nn
