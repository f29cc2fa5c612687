// tapegrad train masked, and tapegrad train text --init, which goes on from it.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "program.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class MaskedLanguage : public Program {
 protected:
  MaskedLanguage() {
    std::string texts, labelled;
    for (int i = 0; i < 240; ++i) {
      const std::string text = fmt::format(
          "{} {}", i % 2 ? "a small feathered animal which sings" : "an instrument of hard steel which cuts", i);
      texts += text + "\n\n";
      labelled += (i % 2 ? "bird\t" : "tool\t") + text + "\n";
    }
    write("texts", texts);
    write("labelled", labelled);
  }
  static constexpr const char* kSmall =
      " --tokens 300 --width 16 --layers 1 --heads 2 --dropout 0 --epochs 20 --batch 8 --lr 0.01 --held-out 0.1 ";
};

TEST_F(MaskedLanguage, IsLearnedAndGoneOnFrom) {
  const Outcome learned = run("train masked texts" + std::string(kSmall) + "--out lm");
  ASSERT_EQ(learned.status, 0) << learned.err;
  EXPECT_THAT(learned.out, HasSubstr("test texts; 301 different tokens")) << "one hides";
  EXPECT_THAT(learned.out, ContainsRegex("\ntest accuracy 0\\.[7-9]")) << "numbers apart, all can be told";
  EXPECT_THAT(files("lm"), IsSupersetOf({"config.json", "model.mmd", "model.safetensors", "tokens.txt"}));
  EXPECT_EQ(nlohmann::json::parse(content_of(folder_ / "lm/config.json")),
            nlohmann::json({{"kind", "masked language model"},
                            {"version", 1},
                            {"tokens", 301},
                            {"width", 16},
                            {"layers", 1},
                            {"heads", 2},
                            {"dropout", 0.0},
                            {"longest", 48}}));

  const std::string on = "train text labelled --init lm --labels 0.2 --epochs 6 --batch 8 --lr 0.01 --layer-rate 0.5 ";
  for (const std::string how : {"", "--frozen ", "--untrained "}) {
    const Outcome o = run(on + how + "--out classifier" + std::to_string(how.size()));
    ASSERT_EQ(o.status, 0) << o.err;
    EXPECT_THAT(o.out, AllOf(HasSubstr(" 22 validation and 24 test texts of 2 classes"),
                             ContainsRegex("\ntest accuracy (1\\.0|0\\.9)")))
        << how;
  }
  const Outcome told = run("predict --model classifier0 'feathered animal' --json");
  ASSERT_EQ(told.status, 0) << told.err;
  EXPECT_EQ(nlohmann::json::parse(told.out)["class"], "bird");
  EXPECT_THAT(run("predict --model classifier0 'hard steel'").out, HasSubstr("\"hard steel\"\n"));

  expect_refused("predict --model lm x",
                 {"the masked language model in lm does not classify; tapegrad train text --init takes it"});
  expect_refused("train text labelled --init classifier0 --out m",
                 {"classifier0/config.json: is not of a masked language model"});
  expect_refused("train text labelled --init lm --ngrams 2 --out m", {"--init", "--ngrams"});
  expect_refused("train text labelled --frozen --out m", {"--frozen", "--init"});
}

TEST_F(MaskedLanguage, SaysWhatIsWrong) {
  expect_refused("train masked none --out m", {"none: cannot read the file"});
  write("one", "alone\n\nalone\n");
  expect_refused("train masked one --out m", {"one: holds 1 texts"});
  expect_refused("train masked wordnet:/nowhere --out m", {"/nowhere/data.adj: is missing", "wordnet-base"});
  expect_refused("train masked texts --width 9 --heads 3 --out m", {"the width is 9; positions need an even one"});
}

}  // namespace
}  // namespace tapegrad::tools
