#pragma once
// The folder that `tapegrad train --out` writes: config.json, model.safetensors, and what files a system adds. All that
// throws, throws IoError that names the file.
//
// A system says what is in them by a struct such as this one, in systems/; the rest is done here:
//
//   struct Tagger {
//     using Model = nn::models::Tagger;
//     static constexpr std::string_view kKind = "tagger";  // as config.json says it
//     static constexpr int kVersion = 1;
//     nn::models::TaggerOptions options;
//     data::TokenizerOptions words;
//     static constexpr auto fields() {  // all else that config.json holds
//       return std::tuple{part(&Tagger::options),
//                         part(&Tagger::words, Setting{"lower_case", &data::TokenizerOptions::lower_case})};
//     }
//     std::unique_ptr<Model> make(Rng& rng) const;
//     void read_files(const std::filesystem::path& folder);   // beside config and weights
//     void write_files(const OutputFolder& to) const;
//   };

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <tapegrad/nn/module.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "model_files.hpp"
#include "output_folder.hpp"

namespace tapegrad::tools {

using nn::models::Range;
using nn::models::Setting;
using nn::models::Since;

inline constexpr std::string_view kConfig = "config.json";

/// A member whose own settings count as its owner's.
template <class Owner, class Inner, class... Settings>
struct Part {
  Inner Owner::*member;
  std::tuple<Settings...> settings;
};
template <class Owner, class Inner, class... Settings>
constexpr Part<Owner, Inner, Settings...> part(Inner Owner::*member, Settings... settings) {
  return {member, {settings...}};
}
/// With all that it lists.
template <class Owner, class Inner>
constexpr auto part(Inner Owner::*member) {
  return std::apply([&](auto... settings) { return part(member, settings...); }, Inner::fields());
}

template <class Owner, class Options, class T, class F>
void visit_setting(Owner& owner, const Setting<Options, T>& setting, const F& f) {
  f(setting, owner.*setting.member);
}
template <class Owner, class O, class Inner, class... Settings, class F>
void visit_setting(Owner& owner, const Part<O, Inner, Settings...>& part, const F& f) {
  std::apply([&](const auto&... inner) { (visit_setting(owner.*part.member, inner, f), ...); }, part.settings);
}
/// f(setting, value) of each that `owner` lists.
template <class Owner, class F>
void for_settings(Owner& owner, const F& f) {
  std::apply([&](const auto&... setting) { (visit_setting(owner, setting, f), ...); }, Owner::fields());
}

/// Whether config.json needs not say it.
template <class Options, class T>
bool goes_unsaid(const Setting<Options, T>& setting, const T& value) {
  return setting.since == Since::later && value == Options{}.*setting.member;
}

/// Reads config.json, field by field: each has its type and range, and is one that is known.
class ConfigReader {
 public:
  explicit ConfigReader(const std::filesystem::path& folder);
  ~ConfigReader();
  ConfigReader(const ConfigReader&) = delete;
  ConfigReader& operator=(const ConfigReader&) = delete;

  const std::string& file() const { return file_; }
  [[noreturn]] void refuse(const std::string& why) const;

  /// What kind of model it says it is.
  std::string kind();
  /// Refuses one of another kind or version.
  void require(std::string_view kind, int version);

  bool has(std::string_view key) const;
  void read(std::string_view key, std::int64_t& value, Range range);
  void read(std::string_view key, std::vector<std::int64_t>& values, Range range);
  void read(std::string_view key, double& value, Range);
  void read(std::string_view key, bool& value, Range);
  void read(std::string_view key, std::vector<std::string>& names, Range);
  template <class E>
  requires std::is_enum_v<E>
  void read(std::string_view key, E& value, Range) { value = static_cast<E>(choice(key, choices(E{}))); }

  /// Refuses fields that nobody asked for.
  void finish() const;

 private:
  const nlohmann::json& field(std::string_view key);
  std::size_t choice(std::string_view key, std::span<const std::string_view> words);

  std::string file_;
  std::unique_ptr<nlohmann::json> json_;
  std::set<std::string, std::less<>> used_;
};

/// Its inverse.
class ConfigWriter {
 public:
  ConfigWriter(std::string_view kind, int version);
  ~ConfigWriter();
  ConfigWriter(const ConfigWriter&) = delete;
  ConfigWriter& operator=(const ConfigWriter&) = delete;

  void write(std::string_view key, std::int64_t value);
  void write(std::string_view key, const std::vector<std::int64_t>& values);
  void write(std::string_view key, double value);
  void write(std::string_view key, bool value);
  void write(std::string_view key, const std::vector<std::string>& names);
  void write(std::string_view key, std::string_view word);
  template <class E>
  requires std::is_enum_v<E>
  void write(std::string_view key, E value) { write(key, choices(E{})[static_cast<std::size_t>(value)]); }

  std::string text() const;

 private:
  std::unique_ptr<nlohmann::ordered_json> json_;
};

struct LoadOptions {
  bool allow_nonfinite = false;  ///< weights that are NaN or infinite
};

/// model.safetensors. Refuses a NaN or an infinity, by the tensor's name, unless allowed.
NamedTensors read_weights(const std::filesystem::path& folder, const LoadOptions& options);

/// What the tensors of a model with these weights may take while it is made: initial values are drawn, and thrown away.
std::uint64_t most_memory(const NamedTensors& weights);

/// Puts the weights of the folder in place, and the model into use.
void put_weights(const std::filesystem::path& folder, const NamedTensors& weights, nn::Module& model);

/// A model of a system, with what belongs to it.
template <class System>
struct SavedModel {
  System system;
  std::unique_ptr<typename System::Model> model;

  SavedModel(System with, Rng& rng) : system(std::move(with)), model(system.make(rng)) {}

  /// Throws IoError that names the file when one is missing or does not fit the others.
  static SavedModel load(const std::filesystem::path& folder, const LoadOptions& options) {
    ConfigReader config(folder);
    config.require(System::kKind, System::kVersion);
    System system;
    for_settings(system, [&](const auto& setting, auto& value) {
      if (setting.since == Since::first || config.has(setting.name)) config.read(setting.name, value, setting.range);
    });
    config.finish();
    system.read_files(folder);
    const NamedTensors weights = read_weights(folder, options);
    SavedModel saved = limited(config, weights, std::move(system));
    put_weights(folder, weights, *saved.model);
    return saved;
  }

  void save(const OutputFolder& to) const {
    ConfigWriter config(System::kKind, System::kVersion);
    for_settings(system, [&](const auto& setting, const auto& value) {
      if (!goes_unsaid(setting, value)) config.write(setting.name, value);
    });
    to.write(kConfig, config.text());
    save_weights(to, *model);
    system.write_files(to);
  }

 private:
  /// Sizes are refused when they ask for more than the weights hold, before that is allocated, or when no layer takes
  /// them.
  static SavedModel limited(const ConfigReader& config, const NamedTensors& weights, System system) {
    try {
      const memory::Limit limit(most_memory(weights));
      Rng rng;
      return SavedModel(std::move(system), rng);
    } catch (const MemoryError&) {
      config.refuse("its sizes ask for more than model.safetensors holds");
    } catch (const IoError&) {
      throw;
    } catch (const Error& error) {
      config.refuse(error.what());
    }
  }
};

}  // namespace tapegrad::tools
