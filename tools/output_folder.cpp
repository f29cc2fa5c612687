#include "output_folder.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <tapegrad/core/error.hpp>

namespace tapegrad::tools {

namespace fs = std::filesystem;

OutputFolder::OutputFolder(fs::path target, std::string_view marker) : target_(std::move(target)) {
  if (target_.filename().empty()) target_ = target_.parent_path();  // "out/"
  std::error_code error;
  const fs::path parent = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
  fs::create_directories(parent, error);
  if (error) throw IoError(parent.string() + ": cannot be made a folder: " + error.message());
  if (fs::exists(target_, error)) {
    if (!fs::is_directory(target_, error)) throw IoError(target_.string() + ": is a file, not a folder; name another");
    if (!fs::is_empty(target_, error) && !fs::exists(target_ / marker, error))
      throw IoError(target_.string() + ": holds other files (no " + std::string(marker) +
                    "); name a new folder, or empty it first");
  }
  work_ = parent / ("." + target_.filename().string() + "." + std::to_string(::getpid()) + ".part");
  fs::create_directory(work_, error);
  if (error) throw IoError(target_.string() + ": cannot be written: " + error.message());
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(work_, ignored);
}

void OutputFolder::write(std::string_view name, std::string_view content) const {
  std::ofstream file(path(name), std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file) throw IoError((target_ / name).string() + ": cannot be written: " + std::strerror(errno));
}

void OutputFolder::commit() {
  // An exchange, so that at every moment the name leads to a whole folder: the old one or the new one.
  if (::rename(work_.c_str(), target_.c_str()) != 0) {
    if (::renameat2(AT_FDCWD, work_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) != 0)
      throw IoError(target_.string() + ": cannot be replaced: " + std::strerror(errno));
    std::error_code ignored;
    fs::remove_all(work_, ignored);
  }
  committed_ = true;
}

}  // namespace tapegrad::tools
