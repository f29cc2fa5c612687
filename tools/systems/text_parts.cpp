#include "text_parts.hpp"
#include "../option_values.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <tapegrad/data/splits.hpp>

namespace tapegrad::tools {
namespace {

data::LabelledTexts take(const data::LabelledTexts& all, std::span<const std::int64_t> rows) {
  data::LabelledTexts part;
  part.class_names = all.class_names;
  part.sources = all.sources;
  for (const std::int64_t row : rows) {
    const auto i = static_cast<std::size_t>(row);
    part.texts.push_back(all.texts[i]);
    part.labels.push_back(all.labels[i]);
    part.origins.push_back(all.origins[i]);
  }
  return part;
}

}  // namespace

TextParts read_text_parts(TextSource source, std::uint64_t seed) {
  if (!source.text_column.empty()) source.columns.text_column = source.text_column;
  if (!source.label_column.empty()) source.columns.label_column = source.label_column;
  data::TrainAndTest read = data::read_labelled_texts(source.source, source.columns);
  for (const std::string& note : read.train.notes) std::cout << "note: " << note << '\n';
  if (!source.test.empty()) read.test = data::read_test_texts(source.test, read.train.class_names, source.columns);
  TextParts parts;
  data::Split kept;
  if (read.test) {
    kept = data::split(read.train.size(), source.validation, seed);
    parts.test = std::move(*read.test);
  } else {
    const data::Split halves = data::split(read.train.size(), source.held_out, seed);
    parts.test = take(read.train, halves.held_out);
    kept = data::split(halves.kept, source.validation, seed);
  }
  if (source.labels < 1) kept.kept = data::split(kept.kept, source.labels, seed).held_out;
  parts.train = take(read.train, kept.kept);
  parts.validation = take(read.train, kept.held_out);
  return parts;
}

void add_text_options(CLI::App& command, TextSource& source) {
  command.add_option("--test", source.test, "Test texts, in one of the same forms; else a share is held out")
      ->type_name("FILE|FOLDER");
  command.add_option("--held-out", source.held_out, "That share")->capture_default_str()->check(between(0.0, 0.9));
  command.add_option("--validation-split", source.validation, "Share of the training texts that only measures")
      ->capture_default_str()
      ->check(between(0.0, 0.9));
  command
      .add_option("--labels", source.labels, "Share of the other training texts to learn from, as if labels were few")
      ->capture_default_str()
      ->check(between(1e-6, 1.0));
  command.add_option("--text-column", source.text_column, "Of a CSV; text if not given");
  command.add_option("--label-column", source.label_column, "Of a CSV; label if not given");
  const std::vector<std::pair<std::string, data::Quoting>> quotings{{"csv", data::Quoting::csv},
                                                                    {"none", data::Quoting::none}};
  add_choice(command, "--quotes", source.columns.quoting, quotings,
             "Of a CSV: csv, quotes hold separators and line breaks; none, they stand for themselves");
}

}  // namespace tapegrad::tools
