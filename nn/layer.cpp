#include <tapegrad/nn/module.hpp>

namespace tapegrad::nn {
namespace {

thread_local const Module* innermost = nullptr;

// The rest of `path` below `outer`, or all of it where it does not lie there.
std::string_view path_below(std::string_view outer, std::string_view path) {
  const bool within = path.size() > outer.size() + 1 && path.starts_with(outer) && path[outer.size()] == '.';
  return within ? path.substr(outer.size() + 1) : path;
}

}  // namespace

LayerScope::LayerScope(const Module& layer, Location where) : outer_(innermost) {
  innermost = &layer;
  if (!layer.path().empty()) scope_.emplace(path_below(outer_ ? outer_->path() : "", layer.path()), where);
}

LayerScope::~LayerScope() { innermost = outer_; }

}  // namespace tapegrad::nn
