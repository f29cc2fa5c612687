#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/core/error.hpp>
#include <tapegrad/train/translation_scores.hpp>

namespace tapegrad::train {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Texts = std::vector<std::string>;

TEST(Tokens13a, PartPunctuationButNotNumbers) {
  EXPECT_THAT(tokens_13a("Hello, world!"), ElementsAre("Hello", ",", "world", "!"));
  EXPECT_THAT(tokens_13a("1,000.5 and x.y 3."), ElementsAre("1,000.5", "and", "x", ".", "y", "3", "."));
  EXPECT_THAT(tokens_13a("don't re-use 1990-95 (it's/a)"),
              ElementsAre("don't", "re-use", "1990", "-", "95", "(", "it's", "/", "a", ")"));
  EXPECT_THAT(tokens_13a("&lt;b&gt; &quot;x&quot; &amp;amp;"),
              ElementsAre("<", "b", ">", "\"", "x", "\"", "&", "amp", ";"));
  // In "..." each match takes two characters: the first point is parted by the first rule, the others by the next.
  EXPECT_THAT(tokens_13a("so..."), ElementsAre("so", ".", ".", "."));
  EXPECT_THAT(tokens_13a("d\u00e9j\u00e0 vu\u00a0: oui,non"),
              ElementsAre("d\u00e9j\u00e0", "vu", ":", "oui", ",", "non"));
  EXPECT_THAT(tokens_13a(" \t "), IsEmpty());
}

TEST(Bleu, IsWhatHandsCompute) {
  const Texts reference{"the cat sat on the mat"};
  EXPECT_NEAR(bleu(reference, reference), 100, 1e-9);
  // 5 of 6 tokens, 3 of 5 pairs, 2 of 4 runs of three and 1 of 3 of four; as long as the reference.
  EXPECT_NEAR(bleu(Texts{"the cat sat on a mat"}, reference), 100 * std::pow(5.0 / 6 * 3 / 5 * 2 / 4 * 1 / 3, 0.25),
              1e-9);
  // "the" counts no more often than the reference has it: 2 of 4; nothing longer, which is smoothed to 1/2, 1/4, 1/8.
  EXPECT_NEAR(bleu(Texts{"the the the the"}, reference),
              100 * std::exp(1 - 6.0 / 4) * std::pow(2.0 / 4 * (1.0 / 2 / 3) * (1.0 / 4 / 2) * (1.0 / 8 / 1), 0.25),
              1e-9);
  // Counts of all lines together: 5 + 4 of 10, 4 + 3 of 8, 3 + 2 of 6, 2 + 1 of 4.
  EXPECT_NEAR(bleu(Texts{"a b c d e", "f g h i x"}, Texts{"a b c d e", "f g h i j"}),
              100 * std::pow(9.0 / 10 * 7 / 8 * 5 / 6 * 3 / 4, 0.25), 1e-9);
  EXPECT_EQ(bleu(Texts{"x y z w"}, reference), 0);
  EXPECT_EQ(bleu(Texts{"the cat"}, reference), 0) << "no runs of four";
  EXPECT_EQ(bleu(Texts{}, Texts{}), 0);
  EXPECT_THROW(bleu(Texts{"a"}, Texts{}), ValueError);
}

TEST(Chrf, IsWhatHandsCompute) {
  EXPECT_NEAR(chrf(Texts{"abcdef g"}, Texts{"abc defg"}), 100, 1e-9) << "white space does not count";
  // Characters 3 of 4, pairs 2 of 3, threes 1 of 2, fours 0 of 1; for the reference of five: 3/5, 2/4, 1/3, 0/2; longer
  // runs the text does not have.
  const double precision = (3.0 / 4 + 2.0 / 3 + 1.0 / 2 + 0) / 4, recall = (3.0 / 5 + 2.0 / 4 + 1.0 / 3 + 0) / 4;
  EXPECT_NEAR(chrf(Texts{"abcx"}, Texts{"abcde"}), 100 * 5 * precision * recall / (4 * precision + recall), 1e-9);
  EXPECT_NEAR(chrf(Texts{"\u00e9"}, Texts{"\u00e9"}), 100, 1e-9);
  EXPECT_EQ(chrf(Texts{"a"}, Texts{"\u00e9"}), 0);
  EXPECT_EQ(chrf(Texts{""}, Texts{"a"}), 0);
  EXPECT_THROW(chrf(Texts{"a"}, Texts{}), ValueError);
}

}  // namespace
}  // namespace tapegrad::train
