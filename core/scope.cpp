#include <map>
#include <memory>
#include <mutex>
#include <tapegrad/core/scope.hpp>
#include <unordered_map>
#include <utility>

namespace tapegrad {
namespace {

thread_local const ScopeName* innermost = nullptr;

using Children = std::map<std::string, std::unique_ptr<ScopeName>, std::less<>>;

const ScopeName* intern(const ScopeName* parent, std::string_view name, Location where) {
  static auto* mutex = new std::mutex;  // both outlive every static of the program, as the nodes that point here may
  static auto* tree = new std::unordered_map<const ScopeName*, Children>;
  const std::lock_guard lock(*mutex);
  Children& siblings = (*tree)[parent];
  if (auto found = siblings.find(name); found != siblings.end()) return found->second.get();
  auto made = std::make_unique<ScopeName>();
  made->parent = parent;
  made->name = name;
  made->path = parent ? parent->path + "." + made->name : made->name;
  made->where = where;
  return siblings.emplace(made->name, std::move(made)).first->second.get();
}

}  // namespace

Scope::Scope(std::string_view name, Location where) : outer_(innermost) { innermost = intern(outer_, name, where); }

Scope::~Scope() { innermost = outer_; }

const ScopeName* Scope::current() { return innermost; }

}  // namespace tapegrad
