#pragma once
// A model's settings as options of a command.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <stdexcept>
#include <string>
#include <tapegrad/nn/models/setting.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "option_values.hpp"

namespace tapegrad::tools {

/// The option --NAME for the setting NAME of `options`, with its help and its range.
template <class Options>
CLI::Option* add_setting(CLI::App& command, Options& options, std::string_view name) {
  CLI::Option* added = nullptr;
  const auto add = [&]<class T>(const nn::models::Setting<Options, T>& setting) {
    if (setting.name != name) return;
    std::string flag = "--" + std::string(name);
    std::ranges::replace(flag, '_', '-');
    if constexpr (std::is_enum_v<T>) {
      std::vector<std::pair<std::string, T>> values;
      for (const std::string_view word : choices(T{})) values.emplace_back(word, T(values.size()));
      added = add_choice(command, flag, options.*setting.member, values, std::string(setting.doc));
    } else {
      added = command.add_option(flag, options.*setting.member, std::string(setting.doc))->capture_default_str();
      if constexpr (std::is_same_v<T, double>)
        added->check(between(0.0, 0.99));
      else
        added->check(between(setting.range.least, setting.range.most));
    }
  };
  std::apply([&](const auto&... setting) { (add(setting), ...); }, Options::fields());
  if (!added) throw std::logic_error("a model has no setting " + std::string(name));
  return added;
}

}  // namespace tapegrad::tools
