// tapegrad train translate and tapegrad translate, on a language of a dozen words.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "program.hpp"
#include "translation_memory.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

TEST(TranslationMemory, FindsWhatSharesRareWords) {
  const TranslationMemory memory({"the cat sat on the mat", "the dog sat", "a Dog's dinner for the cat", "the end"});
  EXPECT_EQ(memory.nearest("where the mat is"), 0u);
  EXPECT_EQ(memory.nearest("DOG"), 1u) << "in the shorter text it is more of the whole";
  EXPECT_EQ(memory.nearest("dinner for a dog"), 2u);
  EXPECT_EQ(memory.nearest("nothing known"), 0u);
}

class Translations : public Program {
 protected:
  /// "two red cats sleep" to "deux chats rouges dorment": colours come after things. Quotes mean nothing.
  static std::string pairs() {
    using Words = std::vector<std::pair<const char*, const char*>>;
    const Words numbers{{"two", "deux"}, {"three", "trois"}, {"six", "six"}},
        colours{{"red", "rouges"}, {"green", "verts"}, {"black", "noirs"}, {"yellow", "jaunes"}},
        things{{"cats", "chats"}, {"dogs", "chiens"}, {"birds", "oiseaux"}, {"hats", "chapeaux"}, {"cups", "bols"}},
        verbs{{"sleep", "dorment"}, {"sing", "chantent"}};
    std::string text = "en\tfr\tgroup\n";
    std::size_t group = 0;
    for (const auto& [number, nombre] : numbers)
      for (const auto& [colour, couleur] : colours)
        for (const auto& [thing, chose] : things) {
          const auto& [verb, verbe] = verbs[++group % 2];
          text += fmt::format("{} {} {} {}\t{} {} {} {}\t{}\n", number, colour, thing, verb, nombre, chose, couleur,
                              verbe, group);
          text += fmt::format("\"{} {}\t{} {}\t{}\n", number, thing, nombre, chose, 100 + number[1]);
        }
    return text;
  }
  static constexpr const char* kSmall =
      " --tokens 300 --width 32 --layers 1 --heads 2 --dropout 0 --epochs 40 --batch 8 --lr 0.005 --test-split 0.1"
      " --validation-split 0.05 ";
};

TEST_F(Translations, AreLearned) {
  write("pairs.tsv", pairs());
  const Outcome o = run("train translate pairs.tsv" + std::string(kSmall) + "--out model");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out,
              HasSubstr("103 training, 5 validation and 12 test pairs, en to fr; 300 different tokens; 0 pairs"));
  EXPECT_THAT(o.out, ContainsRegex("\nnearest in the training part +[0-9]+\\.[0-9]+ +[0-9]+\\.[0-9]+\n"));
  EXPECT_THAT(o.out, ContainsRegex("\ntest BLEU ([6-9][0-9]|100)\\."));
  EXPECT_THAT(files("model"), IsSupersetOf({"attention.svg", "config.json", "metrics.jsonl", "model.mmd",
                                            "model.safetensors", "report.html", "tokens.txt"}));
  EXPECT_EQ(nlohmann::json::parse(content_of(folder_ / "model/config.json")),
            nlohmann::json({{"kind", "translator"},
                            {"version", 1},
                            {"tokens", 300},
                            {"width", 32},
                            {"layers", 1},
                            {"heads", 2},
                            {"dropout", 0.0},
                            {"languages", {"en", "fr"}}}));

  EXPECT_EQ(run("translate --model model 'two green hats sing' 'six black dogs sleep'").out,
            "deux chapeaux verts chantent\nsix chiens noirs dorment\n");
  const Outcome piped =
      run("translate --model model --beams 3 --top 2 --json --picture looks.svg 'three red cups sing'");
  ASSERT_EQ(piped.status, 0) << piped.err;
  const auto json = nlohmann::json::parse(piped.out);
  EXPECT_EQ(json["source"], "three red cups sing");
  ASSERT_EQ(json["translations"].size(), 2u);
  EXPECT_EQ(json["translations"][0]["text"], "trois bols rouges chantent");
  EXPECT_GT(json["translations"][0]["score"], json["translations"][1]["score"]);
  EXPECT_THAT(content_of(folder_ / "looks.svg"), HasSubstr("(end)</text>"));

  EXPECT_EQ(run("translate --model model ' ' ' two   green hats sing '").out, "\ndeux chapeaux verts chantent\n");
  expect_refused("predict --model model x", {"the translator in model does not classify; tapegrad translate takes it"});
  expect_refused("translate --model model --picture p.svg", {"--picture is of one text"});
  write("model/tokens.txt", "tapegrad byte pairs 1\n");
  expect_refused("translate --model model x", {"model/tokens.txt: has 257 tokens, where config.json asks for 300"});
}

TEST_F(Translations, SayWhatIsWrong) {
  expect_refused("train translate none.tsv --out m", {"none.tsv: cannot read the file"});
  write("p.tsv", "en\nx\n");
  expect_refused("train translate p.tsv --out m", {"p.tsv:1: expected a header"});
  write("p.tsv", "en\ten\na\tb\n");
  expect_refused("train translate p.tsv --out m", {"p.tsv:1: both columns are \"en\""});
  write("p.tsv", "en\tfr\na\tb\na\n");
  expect_refused("train translate p.tsv --out m", {"p.tsv:3: has 1 fields, where the header has 2"});
  write("p.csv", "en,fr\na,b\n\"c, d\",  \n");
  expect_refused("train translate p.csv --out m", {"p.csv:3: the text in \"fr\" is missing"});
  write("p.tsv", "en\tfr\n");
  expect_refused("train translate p.tsv --out m", {"p.tsv: has a header, but no pair of texts"});
  write("p.tsv", "en\tfr\na\tb\na\tc\n");
  expect_refused("train translate p.tsv --out m", {"none of 1 groups of rows is small enough"});
  write("p.tsv", pairs());
  write("t.tsv", "fr\ten\na\tb\n");
  expect_refused("train translate p.tsv --test t.tsv --out m", {"t.tsv:1: is of fr and en; p.tsv is of en and fr"});
  expect_refused("train translate p.tsv --longest 2 --out m", {"p.tsv: all pairs are longer than 2 tokens"});
  expect_refused("train translate p.tsv --width 9 --heads 3 --out m", {"the width is 9; positions need an even one"});
  expect_refused("translate --model p.tsv x", {"p.tsv/config.json"});
}

}  // namespace
}  // namespace tapegrad::tools
