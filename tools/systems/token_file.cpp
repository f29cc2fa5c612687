#include "token_file.hpp"

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>

#include "../saved_model.hpp"

namespace tapegrad::tools {
namespace {

constexpr std::string_view kFile = "tokens.txt";

}  // namespace

data::BytePairs read_token_file(const std::filesystem::path& folder, std::int64_t wanted) {
  data::BytePairs tokens = data::BytePairs::load(folder / kFile);
  if (tokens.size() != wanted)
    throw IoError(fmt::format("{}: has {} tokens, where {} asks for {}", (folder / kFile).string(), tokens.size(),
                              kConfig, wanted));
  return tokens;
}

void write_token_file(const OutputFolder& to, const data::BytePairs& tokens) { tokens.save(to.path(kFile)); }

}  // namespace tapegrad::tools
