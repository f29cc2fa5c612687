#pragma once
// What `tapegrad train table` leaves: a model, the table's encoder, and how its outputs are read.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tapegrad/data/table.hpp>
#include <tapegrad/nn/models/table_model.hpp>

#include "../saved_model.hpp"

namespace tapegrad::tools {

/// What a folder holds: config.json, columns.json and model.safetensors.
struct SavedTable {
  using Model = nn::models::TableModel;
  static constexpr std::string_view kKind = "table model", kColumns = "columns.json";
  static constexpr int kVersion = 1;

  /// How outputs become answers: logits are divided by the temperature; a number is mean + deviation · output.
  struct Reading {
    double temperature = 1, mean = 0, deviation = 1;
  };

  nn::models::TableModelOptions options;
  Reading reading = {};
  std::optional<data::TableEncoder> encoder = {};

  static constexpr auto fields() {
    return std::tuple{part(&SavedTable::options),
                      part(&SavedTable::reading, Setting{"temperature", &Reading::temperature},
                           Setting{"mean", &Reading::mean}, Setting{"deviation", &Reading::deviation})};
  }

  bool is_classifier() const { return !encoder->class_names().empty(); }
  std::int64_t outputs() const { return is_classifier() ? std::ssize(encoder->class_names()) : 1; }
  /// Logits, or numbers in the target's unit.
  Tensor answers(const Tensor& outputs) const;

  std::unique_ptr<Model> make(Rng& rng) const;
  void read_files(const std::filesystem::path& folder);
  void write_files(const OutputFolder& to) const { encoder->save(to.path(kColumns)); }
};

/// How much the features of each column say, [N, columns], of what the features [N, features] say.
Tensor by_column(const Tensor& features, const data::TableEncoder& encoder);

}  // namespace tapegrad::tools
