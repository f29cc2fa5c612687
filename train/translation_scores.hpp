#pragma once
// How near texts are to those that people wrote: BLEU and chrF, digit for digit as sacreBLEU 2 computes them by default
// (Post 2018), with one reference each.

#include <span>
#include <string>
#include <string_view>
#include <tapegrad/core/language.hpp>
#include <vector>

namespace tapegrad::train {

/// A line in the tokens of mteval-v13a, which BLEU counts: punctuation apart, but for points and commas in numbers.
std::vector<std::string> tokens_13a(std::string_view line);

/// BLEU of a corpus, from 0 to 100: the geometric mean of the shares of runs of one to four tokens that the references
/// have, times a penalty for brevity (Papineni et al. 2002); the k-th share that is 0 counts as 1 / 2ᵏ of a match.
/// ValueError unless there are as many references as texts.
double bleu(std::span<const std::string> texts, std::span<const std::string> references);

/// chrF2 of a corpus, from 0 to 100: runs of one to six characters, white space apart, with recall weighing twice as
/// much as precision (Popović 2015). ValueError as bleu().
double chrf(std::span<const std::string> texts, std::span<const std::string> references);

}  // namespace tapegrad::train
