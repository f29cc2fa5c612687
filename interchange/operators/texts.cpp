// Strings.

#include <algorithm>
#include <cmath>
#include <map>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>

namespace tapegrad::onnx {
namespace {

/// ASCII letters; others stay.
std::string in_case(std::string text, bool upper) {
  for (char& ch : text) {
    if (upper && ch >= 'a' && ch <= 'z') ch = static_cast<char>(ch - 'a' + 'A');
    if (!upper && ch >= 'A' && ch <= 'Z') ch = static_cast<char>(ch - 'A' + 'a');
  }
  return text;
}

Value normalized_strings(const Call& c) {
  const Strings* given = c.value(0).strings();
  if (!given || given->shape.rank() < 1 || given->shape.rank() > 2 ||
      (given->shape.rank() == 2 && given->shape[0] != 1))
    c.fail("the input must be strings of shape [C] or [1, C]");
  const std::string action = c.text("case_change_action", "NONE");
  if (action != "NONE" && action != "LOWER" && action != "UPPER") c.fail("case_change_action is '" + action + "'");
  const bool exact = c.integer("is_case_sensitive", 0) != 0;
  std::vector<std::string> stop = c.texts("stopwords");
  const auto compared = [&](const std::string& text) { return exact ? text : in_case(text, false); };
  for (std::string& word : stop) word = compared(word);
  Strings result;
  for (const std::string& text : given->values) {
    if (std::ranges::find(stop, compared(text)) != stop.end()) continue;
    result.values.push_back(action == "NONE" ? text : in_case(text, action == "UPPER"));
  }
  if (result.values.empty()) result.values.emplace_back();
  const auto count = static_cast<std::int64_t>(result.values.size());
  result.shape = given->shape.rank() == 2 ? Shape{1, count} : Shape{count};
  return result;
}

/// How often each n-gram of a pool occurs, its parts at equal distances.
Value term_frequencies(const Call& c) {
  const std::vector<std::int64_t> starts = c.integers("ngram_counts"), places = c.integers("ngram_indexes");
  const std::vector<std::string> words = c.texts("pool_strings");
  const std::vector<std::int64_t> numbers = c.integers("pool_int64s");
  const std::vector<float> weights = c.numbers("weights");
  const std::int64_t shortest = c.integer("min_gram_length", 1), longest = c.integer("max_gram_length", 1);
  const std::int64_t most_skipped = c.integer("max_skip_count", 0);
  const std::string mode = c.text("mode", "TF");
  const Strings* strings = c.value(0).strings();
  // Words are told apart by numbers.
  std::map<std::string, std::int64_t> ids;
  std::vector<std::int64_t> pool = numbers, text;
  for (const std::string& word : words)
    pool.push_back(ids.try_emplace(word, static_cast<std::int64_t>(ids.size())).first->second);
  Shape shape;
  if (strings) {
    shape = strings->shape;
    for (const std::string& word : strings->values) text.push_back(ids.contains(word) ? ids[word] : -1);
  } else {
    shape = c.in(0).shape();
    for (const double v : c.in(0).values()) text.push_back(static_cast<std::int64_t>(v));
  }
  if (shape.rank() < 1 || shape.rank() > 2 || longest < 1 || shortest < 1 || longest > 64 || most_skipped < 0 ||
      most_skipped > 4096)
    c.fail("the input must be [C] or [N, C], and the lengths within reason");
  std::map<std::vector<std::int64_t>, std::size_t> grams;
  std::size_t index = 0;
  for (std::size_t n = 0; n < starts.size(); ++n) {
    const std::int64_t end = n + 1 < starts.size() ? starts[n + 1] : static_cast<std::int64_t>(pool.size());
    const auto length = static_cast<std::int64_t>(n) + 1;
    if (starts[n] < 0 || end > static_cast<std::int64_t>(pool.size())) c.fail("ngram_counts leads out of the pool");
    for (std::int64_t at = starts[n]; at + length <= end; at += length)
      grams.emplace(std::vector(pool.begin() + at, pool.begin() + at + length), index++);
  }
  if (places.size() != index || (!weights.empty() && weights.size() != index))
    c.fail("ngram_indexes does not fit the pool");
  std::int64_t width = 0;
  for (const std::int64_t place : places) {
    if (place < 0 || place >= std::int64_t{1} << 31) c.fail("an index is out of range");
    width = std::max(width, place + 1);
  }
  const std::int64_t rows = shape.rank() == 2 ? shape[0] : 1, columns = shape[-1];
  Tensor result = zeros(shape.rank() == 2 ? Shape{rows, width} : Shape{width});
  auto to = result.mutable_data<float>();
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t skip = 1; skip <= most_skipped + 1; ++skip)
      for (std::int64_t length = shortest; length <= longest; ++length) {
        if (length == 1 && skip > 1) continue;  // a word alone has no distance
        for (std::int64_t first = 0; first + (length - 1) * skip < columns; ++first) {
          std::vector<std::int64_t> gram;
          for (std::int64_t i = 0; i < length; ++i)
            gram.push_back(text[static_cast<std::size_t>(row * columns + first + i * skip)]);
          if (const auto found = grams.find(gram); found != grams.end())
            to[static_cast<std::size_t>(row * width + places[found->second])] += 1;
        }
      }
  if (mode == "TF") return result;
  if (mode != "IDF" && mode != "TFIDF") c.fail("mode is '" + mode + "'; TF, IDF and TFIDF are known");
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::size_t i = 0; i < places.size(); ++i) {
      float& count = to[static_cast<std::size_t>(row * width + places[i])];
      const float weight = weights.empty() ? 1 : weights[i];
      count = mode == "IDF" ? (count > 0 ? weight : 0) : count * weight;
    }
  return result;
}

constexpr Importer kImporters[] = {
    {"StringNormalizer", normalized_strings},
    {"TfIdfVectorizer", term_frequencies},
};

}  // namespace

std::span<const Importer> text_importers() { return kImporters; }

}  // namespace tapegrad::onnx
