#pragma once
// How well each class is recognised.

#include <cstdint>
#include <span>
#include <string>
#include <tapegrad/train/metric.hpp>
#include <vector>

namespace tapegrad::tools {

struct ClassScore {
  std::string name;
  std::int64_t rows = 0;  ///< of this class in the test set
  double precision = 0, recall = 0, f1 = 0;
};

struct ClassReport {
  std::vector<ClassScore> classes;
  train::ConfusionMatrix confusion;
  std::int64_t rows = 0;
  double accuracy = 0;
};

/// From the predicted and the true class of each row.
ClassReport class_report(std::span<const std::int64_t> predicted, std::span<const std::int32_t> labels,
                         const std::vector<std::string>& class_names);

/// A table, with a line a class.
std::string to_text(const ClassReport& report);

}  // namespace tapegrad::tools
