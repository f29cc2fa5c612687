#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/containers.hpp>

namespace tapegrad::nn {

Sequential::Sequential(const Sequential& other) : Layer(other) {
  for (const Stage& s : other.stages_) stages_.push_back({s.name, s.stage->clone()});
}

Sequential::Sequential(Sequential&&) noexcept = default;

Sequential& Sequential::operator=(const Sequential& other) {
  if (this == &other) return *this;
  Layer::operator=(other);
  stages_.resize(other.stages_.size());
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const Stage& from = other.stages_[i];
    Stage& to = stages_[i];
    to.name = from.name;
    if (!to.stage || !to.stage->assign(*from.stage)) to.stage = from.stage->clone();
    if (Module* module = to.stage->module()) adopt(*module, to.name);
  }
  return *this;
}

Sequential& Sequential::operator=(Sequential&& other) { return *this = static_cast<const Sequential&>(other); }

Sequential::~Sequential() = default;

void Sequential::append(std::string name, std::unique_ptr<AnyStage> stage) {
  if (name.empty() || name.find('.') != std::string::npos)
    throw ValueError(describe() + ": '" + name +
                     "' cannot be the name of a layer: names are not empty and have no dot");
  if (std::ranges::find(stages_, name, &Stage::name) != stages_.end())
    throw ValueError(describe() + ": it has a layer named '" + name + "' already");
  if (Module* module = stage->module()) adopt(*module, name);
  stages_.push_back({std::move(name), std::move(stage)});
}

Tensor Sequential::forward(Tensor x) {
  for (const Stage& s : stages_) x = s.stage->run(x);
  return x;
}

void Sequential::visit_owned(const Visitor& visit) const {
  for (const Stage& s : stages_)
    if (Module* module = s.stage->module()) visit(s.name, *module);
}

}  // namespace tapegrad::nn
