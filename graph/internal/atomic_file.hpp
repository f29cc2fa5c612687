#pragma once

#include <filesystem>
#include <string_view>

namespace tapegrad::graph {

/// Writes a file as a whole: until it is complete, what was there before stays. Something that is no regular file (a
/// pipe, a device) is simply written to. Throws IoError, and leaves nothing behind, if that fails.
void write_file(const std::filesystem::path& path, std::string_view content);

}  // namespace tapegrad::graph
