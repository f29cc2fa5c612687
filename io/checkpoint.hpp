#pragma once
// Checkpoints: what a training needs to go on, in files that are there as a whole or not at all.

#include <filesystem>
#include <optional>
#include <string>
#include <tapegrad/core/named_tensors.hpp>
#include <vector>

namespace tapegrad::io {

/// Tensors, and as a text all else.
struct Checkpoint {
  NamedTensors tensors;
  std::string state;
};

/// Writes one file in the format safetensors, whose metadata has the state and a checksum over all. The file that was
/// there before stays until the new one is on the disk. Throws as save_safetensors() does.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);
/// Throws IoError for a file that save_checkpoint() did not write, or that has changed since.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// A folder of checkpoints by step, "step-000000120.safetensors", of which the newest stay.
class CheckpointFolder {
 public:
  /// Makes the folder if it is missing, and removes what writers that were killed have left half-written. ValueError
  /// unless `keep` is at least 1.
  explicit CheckpointFolder(std::filesystem::path folder, std::int64_t keep = 2);

  /// Adds a checkpoint, then removes all but the newest `keep`. Returns its path.
  std::filesystem::path save(std::int64_t step, const Checkpoint& checkpoint) const;
  /// The one beside them that is the best so far, "best.safetensors".
  std::filesystem::path best() const { return folder_ / "best.safetensors"; }

  /// A checkpoint by the step after which it was written.
  struct Entry {
    std::int64_t step;
    std::filesystem::path path;
  };
  /// Those that are there, the newest first.
  std::vector<Entry> list() const;

  /// A checkpoint that could be read.
  struct Found {
    std::filesystem::path path;
    Checkpoint checkpoint;
    std::vector<std::string> unreadable;  ///< why newer ones were passed over
  };
  /// The newest that can be read; nothing if there is none at all. IoError if there are some, and none can be read.
  std::optional<Found> newest() const;

  const std::filesystem::path& path() const { return folder_; }

 private:
  std::filesystem::path folder_;
  std::int64_t keep_;
};

}  // namespace tapegrad::io
