// By hand; 64 texts, 60 of them random, gave the tokens of google-research/bert's tokenization.py, but for a final
// sigma, which it tells apart.

#include <tapegrad/data/word_pieces.hpp>

#include <gmock/gmock.h>

#include <tapegrad/core/error.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WordPiecesTest : public ::testing::Test {
 protected:
  WordPieces load(const std::string& tokens, bool lower_case = true) const {
    return WordPieces::load(folder_.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n" + tokens), lower_case);
  }
  /// As they are written.
  std::vector<std::string> split(const WordPieces& pieces, std::string_view text) const {
    std::vector<std::string> tokens;
    for (const std::int32_t id : pieces.encode(text)) tokens.push_back(pieces.token(id));
    return tokens;
  }
  const TemporaryFolder folder_;
};

TEST_F(WordPiecesTest, TakesTheLongestPieceFirst) {
  const WordPieces pieces = load("un\n##aff\n##able\nable\n##a\n##ffable\nunaf\n");
  EXPECT_THAT(split(pieces, "unaffable able"), ElementsAre("[UNK]", "able")) << "unaf leaves fable, which has no piece";
  EXPECT_THAT(split(pieces, "una unable"), ElementsAre("un", "##a", "un", "##able"));
  EXPECT_THAT(split(pieces, "un" + std::string(98, 'a')).size(), 99u);
  EXPECT_THAT(split(pieces, "un" + std::string(99, 'a')), ElementsAre("[UNK]")) << "too long";
  EXPECT_THAT(split(pieces, " \t\n"), ElementsAre());
}

TEST_F(WordPiecesTest, CutsAtPunctuationAndIdeographs) {
  const WordPieces pieces = load("a\n,\n$\n—\n日\n本\n≠\n=\ncafe\n");
  EXPECT_THAT(split(pieces, "a,a$a—a"), ElementsAre("a", ",", "a", "$", "a", "—", "a"));
  EXPECT_THAT(split(pieces, "a日本a"), ElementsAre("a", "日", "本", "a"));
  EXPECT_THAT(split(pieces, std::string("a\0b \xff a\xE2\x80\x8B", 10)), ElementsAre("[UNK]", "a")) << "left out";
  EXPECT_THAT(split(pieces, "CAFÉ cafe\u0301 ≠"), ElementsAre("cafe", "cafe", "=")) << "decomposed, without marks";
  EXPECT_THAT(split(load("≠\nCAFÉ\n", false), "CAFÉ café ≠"), ElementsAre("CAFÉ", "[UNK]", "≠"));
}

TEST_F(WordPiecesTest, MakesABatch) {
  const WordPieces pieces = load("a\nb\n");
  const std::vector<std::string> texts{"a", "a b a", ""};
  const PieceBatch batch = pieces.batch(texts);
  EXPECT_EQ(batch.ids.shape(), (Shape{3, 5}));
  EXPECT_THAT(batch.ids.values(), ElementsAre(2, 4, 3, 0, 0, 2, 4, 5, 4, 3, 2, 3, 0, 0, 0));
  EXPECT_THAT(batch.mask.values(), ElementsAre(1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0));
  EXPECT_THAT(pieces.batch(texts, 3).ids.values(), ElementsAre(2, 4, 3, 2, 4, 3, 2, 3, 0));
  EXPECT_THAT(message_of<ValueError>([&] { pieces.batch(texts, 1); }), HasSubstr("at most 1 tokens"));
  EXPECT_EQ(pieces.find("[SEP]"), 3);
  EXPECT_EQ(pieces.find("c"), std::nullopt);
  EXPECT_THAT(message_of<IndexError>([&] { pieces.token(6); }), HasSubstr("token 6, of which there are 6"));
}

TEST_F(WordPiecesTest, SaysWhatIsWrongWithTheFile) {
  EXPECT_THAT(message_of<IoError>([&] { load("a\nb\na\n"); }),
              HasSubstr("vocab.txt:7: the token 'a' is in line 5, too"));
  EXPECT_THAT(message_of<IoError>([&] { WordPieces::load(folder_.write("v.txt", "[UNK]\n[CLS]\n[PAD]\n")); }),
              HasSubstr("v.txt: not a vocabulary of BERT's kind: it lacks [SEP]"));
}

}  // namespace
}  // namespace tapegrad::data
