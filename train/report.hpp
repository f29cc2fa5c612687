#pragma once
// A training as one page that opens without a network.

#include <tapegrad/train/confusion_matrix.hpp>
#include <tapegrad/train/trainer.hpp>

namespace tapegrad::train {

struct Report {
  std::string title = "Training";
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< a table: "test accuracy", "0.91"
  std::vector<EpochRecord> epochs = {};                         ///< as curves, and as a table
  ConfusionMatrix confusion = {};                               ///< left out if empty
  std::vector<std::string> class_names = {};                    ///< of the matrix; numbers where there is none
  std::string summary = {};                                     ///< Module::summary(), say
  std::string graph_svg = {};                                   ///< a picture, as graph::save writes it
};

/// One HTML file with nothing outside of it and no scripts; it forbids both to itself.
std::string report_html(const Report& report);
/// Writes it, whole or not at all.
void save_report(const std::filesystem::path& path, const Report& report);

/// The curves of loss and metrics alone, as SVG.
std::string curves_svg(std::span<const EpochRecord> epochs);

}  // namespace tapegrad::train
