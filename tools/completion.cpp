#include "completion.hpp"

#include <CLI/CLI.hpp>
#include <cctype>
#include <string_view>
#include <tapegrad/op/registry.hpp>

#include "help.hpp"
#include "option_values.hpp"

namespace tapegrad::tools {
namespace {

/// Reads words up to the last one, and says what may stand there.
class Reader {
 public:
  explicit Reader(const CLI::App& program) : command_(&program) {}

  void take(const std::string& word) {
    if (open_ && !word.starts_with("--")) {
      if (word != "=" && --open_left_ <= 0) open_ = nullptr;  // bash parts --option=value at the sign
    } else if (word.size() > 1 && word.starts_with('-')) {
      open(word);
    } else if (const CLI::App* inner = command_named(word)) {
      command_ = inner;
      arguments_ = 0;
    } else {
      ++arguments_;
    }
  }

  Completion complete(const std::string& word) {
    typed_ = word == "=" && open_ ? "" : word;
    const std::size_t equals = word.find('=');
    if (word.starts_with("--") && equals != std::string::npos) {
      open(word.substr(0, equals));
      if (open_) add_values(*open_, word.substr(0, equals + 1));
    } else if (open_) {
      add_values(*open_);
    } else if (word.starts_with('-')) {
      add_options();
    } else {
      for (const CLI::App* inner : commands_of(*command_)) add(inner->get_name(), inner->get_description());
      if (const CLI::Option* argument = next_argument()) add_values(*argument);
      if (found_.candidates.empty() && !found_.files && !found_.folders) add_options();
    }
    return std::move(found_);
  }

 private:
  void open(const std::string& name) {
    open_ = command_->get_option_no_throw(name);
    open_left_ = open_ ? open_->get_items_expected_max() : 0;
    if (open_left_ == 0) open_ = nullptr;  // a flag
  }

  const CLI::App* command_named(const std::string& word) const {
    for (const CLI::App* inner : commands_of(*command_))
      if (inner->check_name(word)) return inner;
    return nullptr;
  }

  const CLI::Option* next_argument() const {
    const CLI::Option* last = nullptr;
    for (int left = arguments_; const CLI::Option* option : command_->get_options()) {
      if (option->nonpositional()) continue;
      left -= option->get_items_expected_max();
      last = option;
      if (left < 0) return last;
    }
    return nullptr;
  }

  void add(const std::string& word, const std::string& about) {
    if (word.starts_with(typed_)) found_.candidates.push_back({word, about});
  }

  void add_options() {
    for (const CLI::Option* option : command_->get_options()) {
      if (option->get_group().empty() || !option->nonpositional()) continue;
      for (const std::string& name : option->get_lnames()) add("--" + name, option->get_description());
      if (typed_ == "-")
        for (const std::string& name : option->get_snames()) add("-" + name, option->get_description());
    }
  }

  /// The words of its kind, and what the others stand for.
  void add_values(const CLI::Option& option, const std::string& before = "") {
    const std::string kinds = kind_of(option) + '|';
    for (std::size_t begin = 0, end; (end = kinds.find('|', begin)) != std::string::npos; begin = end + 1) {
      const std::string kind = kinds.substr(begin, end - begin);
      if (kind == kFile) found_.files = true;
      if (kind == kFolder) found_.folders = true;
      if (kind == kOperation)
        for (const OpEntry* op : all_ops()) add(before + std::string(op->info().name), std::string(op->info().formula));
      if (!kind.empty() && std::islower(static_cast<unsigned char>(kind[0])) != 0) add(before + kind, "");
    }
  }

  const CLI::App* command_;
  int arguments_ = 0;
  const CLI::Option* open_ = nullptr;  // takes the next word
  int open_left_ = 0;
  std::string typed_;
  Completion found_;
};

}  // namespace

Completion complete(const CLI::App& program, std::span<const std::string> words) {
  Reader reader(program);
  if (words.empty()) return {};
  if (words.size() > 1 && words.front() == "help") words = words.subspan(1);
  for (const std::string& word : words.first(words.size() - 1)) reader.take(word);
  return reader.complete(words.back());
}

}  // namespace tapegrad::tools
