#include <tapegrad/data/internal/byte_pairs.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <queue>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/data/internal/pair_joining.hpp>
#include <tapegrad/data/text_file.hpp>
#include <unordered_map>
#include <unordered_set>

namespace tapegrad::data {
namespace {

constexpr std::string_view kHeader = "tapegrad byte pairs 1";

enum class Kind { letter, digit, space, line, other };

Kind kind_of(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if ((byte | 32) >= 'a' && (byte | 32) <= 'z') return Kind::letter;
  if (byte >= 0x80 || byte == '\'') return Kind::letter;  // other scripts; don't
  if (byte >= '0' && byte <= '9') return Kind::digit;
  if (byte == '\n' || byte == '\r') return Kind::line;
  return byte == ' ' || byte == '\t' ? Kind::space : Kind::other;
}

/// Calls use(piece) for each piece that no token reaches across.
template <class Use>
void for_pieces(std::string_view text, const Use& use) {
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && kind_of(text[end]) == Kind::space) ++end;
    // The last space goes with what follows it.
    if (end - begin > 1 || (end == text.size() && end > begin)) {
      const std::size_t spaces = end == text.size() ? end - begin : end - begin - 1;
      use(text.substr(begin, spaces));
      begin += spaces;
      continue;
    }
    const Kind kind = kind_of(text[end]);
    while (end < text.size() && kind_of(text[end]) == kind) ++end;
    use(text.substr(begin, end - begin));
    begin = end;
  }
}

Tokens bytes_of(std::string_view piece) {
  Tokens tokens;
  for (const char c : piece) tokens.push_back(static_cast<unsigned char>(c));
  return tokens;
}

/// The pieces of the texts with how often each occurs, and how often each pair of tokens does.
class PairCounts {
 public:
  explicit PairCounts(std::span<const std::string> texts) {
    std::unordered_map<std::string_view, std::size_t> seen;
    for (const std::string& text : texts)
      for_pieces(text, [&](std::string_view piece) {
        const auto [at, is_new] = seen.emplace(piece, words_.size());
        if (is_new) words_.push_back({bytes_of(piece), 0});
        ++words_[at->second].count;
      });
    for (std::size_t word = 0; word < words_.size(); ++word) count(word, +1);
    for (const auto& [pair, count] : counts_) queue_.push({count, pair});
  }

  /// The most frequent pair; false if none occurs twice.
  bool best(std::int32_t& left, std::int32_t& right) {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      if (const auto at = counts_.find(top.pair); at != counts_.end() && at->second == top.count) {
        left = static_cast<std::int32_t>(top.pair >> 32);
        right = static_cast<std::int32_t>(top.pair & 0xffffffffu);
        return top.count > 1;
      }
      queue_.pop();  // its count has changed since
    }
    return false;
  }

  void replace(std::int32_t left, std::int32_t right, std::int32_t joined) {
    const std::unordered_set<std::size_t> words = std::move(places_[key_of(left, right)]);
    changed_.clear();
    for (const std::size_t word : words) {
      count(word, -1);
      join(words_[word].tokens, left, right, joined);
      count(word, +1);
    }
    for (const Key pair : changed_)
      if (const auto at = counts_.find(pair); at != counts_.end() && at->second > 1) queue_.push({at->second, pair});
  }

 private:
  struct Word {
    Tokens tokens;
    std::int64_t count;
  };
  struct Candidate {
    std::int64_t count;
    Key pair;
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };

  void count(std::size_t at, std::int64_t sign) {
    const Word& word = words_[at];
    for (std::size_t i = 0; i + 1 < word.tokens.size(); ++i) {
      const Key pair = key_of(word.tokens[i], word.tokens[i + 1]);
      counts_[pair] += sign * word.count;
      changed_.insert(pair);
      if (sign > 0) places_[pair].insert(at);
    }
  }

  std::vector<Word> words_;
  std::unordered_map<Key, std::int64_t> counts_;
  std::unordered_map<Key, std::unordered_set<std::size_t>> places_;  // words that have, or once had, the pair
  std::unordered_set<Key> changed_;
  std::priority_queue<Candidate> queue_;
};

}  // namespace

void BytePairs::add(Pair pair) {
  strings_.push_back(std::string(bytes(pair.left)) + std::string(bytes(pair.right)));
  const auto rank = static_cast<std::int32_t>(pairs_.size());
  joins_.emplace(key_of(pair.left, pair.right), Join{rank, kEnd + 1 + rank});
  pairs_.push_back(pair);
  total_ += strings_.back().size();
}

// A token may be twice as long as the one before it: without a bound, a file of some lines would ask for all memory.
bool BytePairs::has_room_for(Pair pair) const {
  return size() < kMostTokens && bytes(pair.left).size() + bytes(pair.right).size() <= kMostBytes - total_;
}

BytePairs BytePairs::learn(std::span<const std::string> texts, std::int32_t size) {
  if (size <= kEnd)
    throw ValueError(fmt::format("byte pairs: {} tokens; the bytes and the end alone are {}", size, kEnd + 1));
  BytePairs result;
  PairCounts counts(texts);
  Pair best{};
  while (result.size() < size && counts.best(best.left, best.right) && result.has_room_for(best)) {
    counts.replace(best.left, best.right, result.size());
    result.add(best);
  }
  return result;
}

void BytePairs::encode(std::string_view text, std::vector<std::int32_t>& tokens) const {
  std::unordered_map<std::string_view, Tokens> known;
  for_pieces(text, [&](std::string_view piece) {
    const auto [at, is_new] = known.try_emplace(piece);
    if (is_new) {
      at->second = bytes_of(piece);
      join_all(at->second, joins_);
    }
    tokens.insert(tokens.end(), at->second.begin(), at->second.end());
  });
}

std::string_view BytePairs::bytes(std::int32_t token) const {
  static const std::string all = [] {
    std::string bytes;
    for (int i = 0; i < kEnd; ++i) bytes.push_back(static_cast<char>(i));
    return bytes;
  }();
  if (token < 0 || token >= size())
    throw IndexError(fmt::format("byte pairs: token {}, of which there are {}", token, size()));
  if (token == kEnd) return {};
  if (token < kEnd) return std::string_view(all).substr(static_cast<std::size_t>(token), 1);
  return strings_[static_cast<std::size_t>(token - kEnd - 1)];
}

std::string BytePairs::decode(std::span<const std::int32_t> tokens) const {
  std::string text;
  for (const std::int32_t token : tokens) text += bytes(token);
  return text;
}

void BytePairs::save(const std::filesystem::path& path) const {
  std::string text(kHeader);
  text += '\n';
  for (const Pair& pair : pairs_) text += fmt::format("{} {}\n", pair.left, pair.right);
  write_file(path, text);
}

BytePairs BytePairs::load(const std::filesystem::path& path) {
  const std::string content = read_text_file(path);
  LineReader lines(content);
  std::string_view line;
  if (!lines.next(line) || line != kHeader)
    throw IoError(fmt::format("{}:1: expected the line \"{}\"", path.string(), kHeader));
  BytePairs result;
  while (lines.next(line)) {
    const auto refuse = [&](const std::string& why) {
      throw IoError(fmt::format("{}:{}: {}", path.string(), lines.number(), why));
    };
    Pair pair{};
    const char* end = line.data() + line.size();
    const auto left = std::from_chars(line.data(), end, pair.left);
    const auto right = std::from_chars(std::min(left.ptr + 1, end), end, pair.right);
    const auto known = [&](std::int32_t token) { return token >= 0 && token != kEnd && token < result.size(); };
    if (left.ec != std::errc() || right.ec != std::errc() || right.ptr != end || *left.ptr != ' ' ||
        !known(pair.left) || !known(pair.right))
      refuse("expected two earlier tokens, such as \"116 104\"");
    if (!result.has_room_for(pair))
      refuse(fmt::format("a token too many, or too long: there are at most {}, of {} bytes together", kMostTokens,
                         kMostBytes));
    result.add(pair);
  }
  return result;
}

}  // namespace tapegrad::data
