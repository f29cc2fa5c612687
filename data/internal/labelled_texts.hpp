#pragma once
// Texts with a class each, read from what people have: two columns, CSV, folders, WordNet.

#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <tapegrad/data/table.hpp>
#include <vector>

namespace tapegrad::data {

struct LabelledTexts {
  /// Where a text was read: a line of a source; line 0 if the text is the whole of it.
  struct Origin {
    std::int32_t source;
    std::int64_t line;
  };

  std::vector<std::string> texts;
  std::vector<std::int32_t> labels;      ///< the class of each text: an index of class_names
  std::vector<std::string> class_names;  ///< sorted by their bytes
  std::vector<std::string> sources;      ///< the files that were read
  std::vector<Origin> origins;           ///< of each text
  std::vector<std::string> notes;        ///< what was left out, in sentences for the user

  std::int64_t size() const { return std::ssize(texts); }

  /// "reviews.csv:17", for messages. Throws IndexError.
  std::string where(std::int64_t row) const;
};

struct ReadOptions {
  std::optional<std::string> text_column = {};   ///< of a CSV file; "text" if not given
  std::optional<std::string> label_column = {};  ///< of a CSV file; "label" if not given
  std::optional<char> separator = {};  ///< of a CSV file; if not given, the one of , ; and tab that its header uses
  Quoting quoting = Quoting::guess;    ///< of a CSV file; in lines label<TAB>text a quote is a character like others
};

struct TrainAndTest {
  LabelledTexts train;
  std::optional<LabelledTexts> test;  ///< if the source has one; its labels are indices of train.class_names
};

/// Reads training texts from `source`, by what it is:
///
/// - `wordnet:` or `wordnet:/path/to/data.noun`: what WordNet says of ten kinds of nouns, each different definition
///   once. The file comes with the Debian package wordnet-base;
/// - a folder with one folder per class, which holds .txt files; or with such folders in its folders `train` and
/// `test`,
///   as aclImdb has. A folder `unsup` is left out;
/// - a CSV file with a header: named .csv, or having the columns named in the options, or a header with the columns
/// "text"
///   and "label";
/// - otherwise a file with lines `label<TAB>text`.
///
/// Throws IoError, with file and line, for what cannot be read: a missing or empty file, bytes that are not UTF-8, a
/// missing column (with those there are), a record with too few or too many fields, a text without label, and what can
/// be read in two ways: a lone quote, a CR inside a line, a header above lines label<TAB>text; and ValueError for what
/// cannot be learned: one class only, or a class for every text.
TrainAndTest read_labelled_texts(const std::string& source, const ReadOptions& options = {});

/// Reads texts to test a classifier of `class_names` on: of a source with `train` and `test`, the latter. Throws as
/// above, and ValueError with file and line for a label that is not among the classes; one class alone will do.
LabelledTexts read_test_texts(const std::string& source, std::span<const std::string> class_names,
                              const ReadOptions& options = {});

}  // namespace tapegrad::data
