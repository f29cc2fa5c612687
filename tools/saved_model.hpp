#pragma once
// Reading the folder that `tapegrad train --out` writes. All that throws, throws IoError that names the file.

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/memory_limit.hpp>
#include <tapegrad/nn/module.hpp>
#include <vector>

namespace tapegrad::tools {

/// config.json, field by field: each has its type and range, and is one that is known.
class Config {
 public:
  /// The largest size of a layer. Three of them, and the bytes of a number, fit 64 bits.
  static constexpr std::int64_t kLargest = std::int64_t{1} << 20;

  explicit Config(const std::filesystem::path& folder);
  ~Config();
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  const std::string& file() const { return file_; }
  [[noreturn]] void refuse(const std::string& why) const;

  /// What kind of model it says it is.
  std::string kind();
  /// Refuses one of another kind or version.
  void require(std::string_view kind, int version);

  std::int64_t size(const char* key, std::int64_t least = 1, std::int64_t most = kLargest);
  std::vector<std::int64_t> sizes(const char* key);
  double number(const char* key);
  bool flag(const char* key);
  /// One of the words, by its index.
  std::size_t choice(const char* key, std::initializer_list<std::string_view> words);
  std::vector<std::string> names(const char* key);

  /// Refuses fields that nobody asked for.
  void finish() const;

 private:
  const nlohmann::json& field(const char* key);

  std::string file_;
  std::unique_ptr<nlohmann::json> json_;
  std::set<std::string, std::less<>> used_;
};

struct LoadOptions {
  bool allow_nonfinite = false;  ///< weights that are NaN or infinite
};

/// model.safetensors. Refuses a NaN or an infinity, by the tensor's name, unless allowed.
NamedTensors read_weights(const std::filesystem::path& folder, const LoadOptions& options);

/// What the tensors of a model with these weights may take while it is made: initial values are drawn, and thrown away.
std::uint64_t most_memory(const NamedTensors& weights);

/// make(), which makes a model by the sizes in config.json. They are refused when they ask for more than the weights
/// hold, before that is allocated, or when no layer takes them.
template <class Make>
auto make_model(const Config& config, const NamedTensors& weights, Make make) {
  try {
    const memory::Limit limit(most_memory(weights));
    return make();
  } catch (const MemoryError&) {
    config.refuse("its sizes ask for more than model.safetensors holds");
  } catch (const IoError&) {
    throw;
  } catch (const Error& error) {
    config.refuse(error.what());
  }
}

/// Puts the weights of the folder in place, and the model into use.
void put_weights(const std::filesystem::path& folder, const NamedTensors& weights, nn::Module& model);

}  // namespace tapegrad::tools
