#include <tapegrad/train/translation_scores.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <tapegrad/core/error.hpp>

namespace tapegrad::train {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_point(char c) { return c == '.' || c == ','; }

/// The characters of UTF-8, each as its bytes.
std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> found;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    found.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return found;
}

/// What Python's str.split() parts words at.
bool is_space(std::string_view character) {
  if (character.size() == 1) {
    const char c = character[0];
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
  }
  static constexpr std::array<std::string_view, 19> kSpaces{
      "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
      "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
  return std::ranges::find(kSpaces, character) != kSpaces.end();
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

/// Each pair of neighbours for which `parts` holds, left to right and none twice, written by `put`.
template <class Parts, class Put>
std::string rewrite_pairs(const std::string& text, const Parts& parts, const Put& put) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && parts(text[i], text[i + 1])) {
      put(out, text[i], text[i + 1]);
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

template <class Part>
using Counts = std::map<std::vector<Part>, std::int64_t>;

template <class Part>
Counts<Part> runs(const std::vector<Part>& parts, std::size_t length) {
  Counts<Part> counts;
  for (std::size_t i = 0; i + length <= parts.size(); ++i)
    ++counts[{parts.begin() + static_cast<std::ptrdiff_t>(i), parts.begin() + static_cast<std::ptrdiff_t>(i + length)}];
  return counts;
}

/// Runs of one length.
struct Tally {
  double text = 0, reference = 0, matches = 0;
};

template <class Part>
void count(const std::vector<Part>& text, const std::vector<Part>& reference, std::span<Tally> tallies) {
  for (std::size_t n = 1; n <= tallies.size(); ++n) {
    Tally& tally = tallies[n - 1];
    const Counts<Part> in_reference = runs(reference, n);
    for (const auto& [run, times] : runs(text, n)) {
      const auto found = in_reference.find(run);
      if (found != in_reference.end()) tally.matches += static_cast<double>(std::min(times, found->second));
    }
    const auto of = [&](const std::vector<Part>& parts) {
      return parts.size() < n ? 0.0 : static_cast<double>(parts.size() - n + 1);
    };
    tally.text += of(text);
    tally.reference += of(reference);
  }
}

void check(const char* what, std::size_t texts, std::size_t references) {
  if (texts != references)
    throw ValueError(fmt::format("{}: {} texts and {} references; one each is needed", what, texts, references));
}

}  // namespace

std::vector<std::string> tokens_13a(std::string_view line) {
  std::string text(line);
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  std::string apart = " ";
  for (const char c : text) {
    static constexpr std::string_view kAlone = "{|}~[\\]^_` !\"#$%&()*+:;<=>?@/";
    if (kAlone.find(c) == std::string_view::npos)
      apart += c;
    else
      apart += {' ', c, ' '};
  }
  apart += ' ';
  apart = rewrite_pairs(
      apart, [](char a, char b) { return !is_digit(a) && is_point(b); },
      [](std::string& out, char a, char b) {
        out += {a, ' ', b, ' '};
      });
  apart = rewrite_pairs(
      apart, [](char a, char b) { return is_point(a) && !is_digit(b); },
      [](std::string& out, char a, char b) {
        out += {' ', a, ' ', b};
      });
  apart = rewrite_pairs(
      apart, [](char a, char b) { return is_digit(a) && b == '-'; },
      [](std::string& out, char a, char b) {
        out += {a, ' ', b, ' '};
      });
  std::vector<std::string> tokens(1);
  for (const std::string_view c : characters(apart)) {
    if (!is_space(c))
      tokens.back() += c;
    else if (!tokens.back().empty())
      tokens.emplace_back();
  }
  if (tokens.back().empty()) tokens.pop_back();
  return tokens;
}

double bleu(std::span<const std::string> texts, std::span<const std::string> references) {
  check("bleu", texts.size(), references.size());
  std::array<Tally, 4> tallies;
  for (std::size_t i = 0; i < texts.size(); ++i) count(tokens_13a(texts[i]), tokens_13a(references[i]), tallies);
  const double length = tallies[0].text, wanted = tallies[0].reference;
  if (std::ranges::none_of(tallies, [](const Tally& t) { return t.matches > 0; })) return 0;
  double sum = 0, smooth = 1;
  for (const Tally& t : tallies) {
    if (t.text == 0) return 0;
    sum += std::log(t.matches > 0 ? t.matches / t.text : 1 / ((smooth *= 2) * t.text));
  }
  const double brevity = length < wanted ? std::exp(1 - wanted / length) : 1;
  return 100 * brevity * std::exp(sum / 4);
}

double chrf(std::span<const std::string> texts, std::span<const std::string> references) {
  check("chrf", texts.size(), references.size());
  std::array<Tally, 6> tallies;
  const auto without_space = [](std::string_view text) {
    std::vector<std::string_view> all = characters(text);
    std::erase_if(all, is_space);
    return all;
  };
  for (std::size_t i = 0; i < texts.size(); ++i) count(without_space(texts[i]), without_space(references[i]), tallies);
  constexpr double kFactor = 4;  // beta squared
  double precision = 0, recall = 0, orders = 0;
  for (const Tally& t : tallies) {
    if (t.text == 0 || t.reference == 0) continue;
    precision += t.matches / t.text;
    recall += t.matches / t.reference;
    ++orders;
  }
  if (precision + recall == 0) return 0;
  precision /= orders;
  recall /= orders;
  return 100 * (1 + kFactor) * precision * recall / (kFactor * precision + recall);
}

}  // namespace tapegrad::train
