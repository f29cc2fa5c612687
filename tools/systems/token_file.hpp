#pragma once
// The byte pairs beside a model's weights.

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <tapegrad/data/internal/byte_pairs.hpp>

#include "../output_folder.hpp"

namespace tapegrad::tools {

/// IoError unless they are as many as config.json asks for.
data::BytePairs read_token_file(const std::filesystem::path& folder, std::int64_t wanted);
void write_token_file(const OutputFolder& to, const data::BytePairs& tokens);

}  // namespace tapegrad::tools
