#pragma once
// Sequential: one layer after the other.

#include <concepts>
#include <memory>
#include <tapegrad/nn/layer.hpp>

namespace tapegrad::nn {

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
  };
  template <class F>
  struct Holder final : AnyStage {
    template <class G>
    explicit Holder(G&& f) : function(std::forward<G>(f)) {}
    Tensor run(const Tensor& x) override { return function(x); }
    std::unique_ptr<AnyStage> clone() const override { return std::make_unique<Holder>(function); }
    bool assign(const AnyStage& other) override {
      if constexpr (std::derived_from<F, Module>)
        if (const auto* same = dynamic_cast<const Holder*>(&other)) {
          function = same->function;
          return true;
        }
      return false;
    }
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

}  // namespace tapegrad::nn
