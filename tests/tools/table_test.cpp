// tapegrad train table, on data small enough for a test.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "program.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class Tables : public Program {
 protected:
  /// Flowers that are red where a and b differ in sign, which no linear model can say; one value in 25 is missing.
  /// `weight` follows a and the shade.
  static std::string flowers(int rows) {
    std::string text = "a,b,shade,weight,colour\n";
    for (int i = 0; i < rows; ++i) {
      const double a = (i * 37 % 101 - 50) / 10.0, b = (i * 53 % 97 - 48) / 10.0;
      const std::string shade = i % 3 == 0 ? "dark" : "pale";
      text += fmt::format("{},{},{},{:.3f},{}\n", i % 25 == 7 ? "" : fmt::format("{:.1f}", a), b, shade,
                          40 + 3 * a + (i % 3 == 0 ? 8 : 0), a * b < 0 ? "red" : "blue");
    }
    return text;
  }
};

TEST_F(Tables, TellClasses) {
  write("flowers.csv", flowers(900));
  const Outcome o = run("train table flowers.csv --target colour --ignore weight --lr 0.005 --epochs 40 --out model");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("612 training, 108 validation and 180 test rows of 5 features; 2 classes"));
  EXPECT_THAT(o.out, ContainsRegex("\nmodel +0\\.9[0-9]+ +0\\.[89]"));
  EXPECT_THAT(o.out, ContainsRegex("\nlinear +0\\.[3-6]")) << "the yardstick cannot";
  EXPECT_THAT(o.out, ContainsRegex("\ntest roc_auc 0\\.9[0-9]+\n$"));
  EXPECT_THAT(files("model"), IsSupersetOf({"columns.json", "config.json", "curves.svg", "metrics.jsonl", "model.mmd",
                                            "model.safetensors", "report.html"}));
  const std::string report = content_of(folder_ / "model/report.html");
  for (const char* part : {"ridge or logistic regression", "loss when shuffled", "<td>shade</td>", "Confusion matrix"})
    EXPECT_THAT(report, HasSubstr(part));

  write("new.csv", "b,shade,a\n3,dark,-3\n3,unheard of,3\n-2.5,,\n");
  const Outcome told = run("predict --model model new.csv");
  ASSERT_EQ(told.status, 0) << told.err;
  EXPECT_THAT(told.out,
              ContainsRegex("^new.csv:2\n[ <>]+[0-9.]+ %  red\n[ <>]+[0-9.]+ %  blue\n  columns \\(integrated"));
  EXPECT_THAT(told.out, ContainsRegex("new.csv:3\n[ <>]+[0-9.]+ %  blue\n"));
  EXPECT_THAT(told.out, HasSubstr("new.csv:4\n"));
  const std::string json = run("predict --model model new.csv --json").out;
  const auto first = nlohmann::json::parse(json.substr(0, json.find('\n')));
  EXPECT_EQ(first["row"], "new.csv:2");
  EXPECT_EQ(first["class"], "red");
  EXPECT_EQ(first["columns"].size(), 3u);

  expect_refused("predict --model model", {"give a table"});
  write("lacks.csv", "a,b\n1,2\n");
  expect_refused("predict --model model lacks.csv", {"lacks.csv: there is no column \"shade\""});
  write("words.csv", "a,b,shade\n1,2,dark\none,2,dark\n");
  expect_refused("predict --model model words.csv", {"words.csv:3", "\"one\""});
  write("model/columns.json", "{}");
  expect_refused("predict --model model new.csv", {"model/columns.json: is no table encoder"});
}

TEST_F(Tables, TellNumbers) {
  write("flowers.csv", flowers(400));
  write("test.csv", flowers(90));
  const Outcome o = run("train table flowers.csv --target weight --test test.csv --epochs 15 --out model");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("340 training, 60 validation and 90 test rows of 7 features; a number to tell"));
  EXPECT_THAT(o.out, ContainsRegex("\ntest r_squared 0\\.[89]"));
  write("one.csv", "a,b,shade,colour\n5,1,pale,blue\n");
  EXPECT_THAT(run("predict --model model one.csv").out, ContainsRegex("^one.csv:2\n  weight 5[0-9]"));
}

TEST_F(Tables, AreComparedFoldByFold) {
  write("flowers.csv", flowers(300));
  const Outcome o = run("train table flowers.csv --target colour --ignore weight --folds 3 --epochs 2 --quiet");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, ContainsRegex("fold 3 [^\n]*\n  linear [^\n]*\nmean [^\n]*\n- linear [^\n]*\n  \\+/- [^\n]*\n"
                                   "all rows [^\n]*\ntest roc_auc [01]\\.[0-9]+\n$"));
  expect_refused("train table flowers.csv --target colour --folds 3 --out m", {"--folds", "--out"});
  expect_refused("train table flowers.csv --target colour --folds 301", {"cannot make 301 folds of 300 rows"});
}

TEST_F(Tables, SayWhatIsWrong) {
  write("t.csv", "a,b,c\n1,x,1\n2,y,1\n3,,1\n4,x,1\n");
  expect_refused("train table missing.csv --target a --out m", {"missing.csv: cannot read the file"});
  expect_refused("train table t.csv --target d --out m", {"t.csv: there is no column \"d\""});
  expect_refused("train table t.csv --target b --out m", {"t.csv:4: the target \"b\" is missing"});
  expect_refused("train table t.csv --target c --out m", {"t.csv: the target c is 1 in all rows"});
  expect_refused("train table t.csv --target c --category c --out m", {"all rows are of the class 1; two are needed"});
  expect_refused("train table t.csv --target a --ignore b d --out m", {"there is no column \"d\""});
  expect_refused("train table t.csv --target a --ignore b c --out m", {"no column is left"});
  expect_refused("train table t.csv --target a --number b --out m", {"t.csv:2", "\"x\""});
  write("short.csv", "a,b\n1,2\n3\n");
  expect_refused("train table short.csv --target a --out m", {"short.csv:3: a record of 1 fields; the header has 2"});
}

}  // namespace
}  // namespace tapegrad::tools
