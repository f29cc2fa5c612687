// tapegrad train recommend and tapegrad recommend, on ratings few enough for a test.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "program.hpp"
#include "rating_baselines.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

TEST(AlternatingLeastSquares, FindsBiasesAndFactors) {
  std::vector<Rating> ratings, left_out;
  for (std::int32_t u = 0; u < 40; ++u)
    for (std::int32_t i = 0; i < 30; ++i)
      ((u * 7 + i * 3) % 11 == 0 ? left_out : ratings)
          .push_back({u, i, 3 + 0.5 * (u % 3 - 1) + (u % 2 ? 1 : -1) * (i % 2 ? 0.8 : -0.8)});
  const auto error = [&](std::int64_t factors) {
    const AlternatingLeastSquares fit = fit_als(ratings, left_out, 40, 30, factors, 1);
    double most = 0;
    for (const Rating& r : left_out) most = std::max(most, std::abs(fit.predict(r) - r.value));
    return most;
  };
  EXPECT_GT(error(0), 0.7) << "which biases alone cannot say";
  EXPECT_LT(error(2), 0.2);
}

class Recommenders : public Program {
 protected:
  /// Users who like comedies and hate westerns, or the other way round, in the morning all a little more.
  static std::string ratings() {
    std::string text = "user,item,rating,time\n";
    for (int u = 0; u < 60; ++u)
      for (int i = 0; i < 24; ++i)
        if ((u * 5 + i * 7) % 3 != 0)
          text += fmt::format("u{},\"film {}\",{},{}\n", u, i, u % 2 == i % 2 ? 4.5 : 1.5, 1000 * u + 60 * i);
    return text;
  }
  static std::string films() {
    std::string text = "item,year,genres\n";
    for (int i = 0; i < 25; ++i)
      text +=
          fmt::format("film {},{},{}\n", i, i % 5 ? std::to_string(1990 + i) : "", i % 2 ? "Western|Drama" : "Comedy");
    return text;
  }
};

TEST_F(Recommenders, TellWhatUsersLike) {
  write("ratings.csv", ratings());
  write("films.csv", films());
  const Outcome o = run("train recommend ratings.csv --items films.csv --factors 2 --hidden 4 --out model");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out,
              HasSubstr("821 training, 43 validation and 96 test ratings of 25 items, with 6 features, by 60 users"));
  EXPECT_THAT(o.out, ContainsRegex("\nbiases +1\\.[3-9]"));
  EXPECT_THAT(o.out, ContainsRegex("\nwhat most have rated +[01]\\."));
  EXPECT_THAT(o.out, ContainsRegex("\ntest rmse 0\\.[0-3][0-9]*\n$"));
  EXPECT_THAT(files("model"), IsSupersetOf({"config.json", "items.json", "metrics.jsonl", "model.mmd",
                                            "model.safetensors", "ratings.csv", "report.html"}));

  // A new user who likes comedies, with five ratings; and film 24, which nobody has rated, is one.
  write("mine.csv", "item,rating\nfilm 0,4.5\nfilm 1,1.5\nfilm 2,4.5\nfilm 3,1.5\nfilm 99,1\n");
  const Outcome list = run("recommend --model model --ratings mine.csv");
  ASSERT_EQ(list.status, 0) << list.err;
  EXPECT_THAT(list.err, HasSubstr("the item film 99 is not one of the training"));
  EXPECT_EQ(std::ranges::count(list.out, '\n'), 10);
  EXPECT_THAT(list.out, Not(ContainsRegex("film (0|2)\n"))) << "what is rated already";
  EXPECT_THAT(list.out, Not(ContainsRegex("film [0-9]*[13579]\n")));
  const auto told =
      nlohmann::json::parse(run("recommend --model model --ratings mine.csv --item 'film 24' --json").out);
  EXPECT_EQ(told["item"], "film 24");
  EXPECT_GT(told["rating"], 3.5);
  const auto of_user = nlohmann::json::parse(run("recommend --model model --user u1 --item 'film 24' --json").out);
  EXPECT_LT(of_user["rating"], 2.5);
  EXPECT_EQ(run("recommend --model model").status, 0) << "for somebody unknown";

  expect_refused("recommend --model model --user u99", {"the user u99 is not among the 60"});
  expect_refused("recommend --model model --user u1 --item none", {"there is no item none"});
  expect_refused("predict --model model x", {"the recommender in model does not classify", "tapegrad recommend"});
  expect_refused("generate --model model", {"the recommender in model makes nothing new", "tapegrad recommend"});
  write("high.csv", "item,rating\nfilm 1,9\n");
  expect_refused("recommend --model model --ratings high.csv",
                 {"high.csv: the item film 1 has a rating of 9", "1.5 to 4.5"});
  write("model/ratings.csv", "user,item,rating\nu1,other,3\n");
  expect_refused("recommend --model model", {"model/ratings.csv: the item other is not in items.json"});
}

TEST_F(Recommenders, SayWhatIsWrong) {
  write("r.csv", "user,item,rating\na,x,1\na,,2\n");
  expect_refused("train recommend r.csv --out m", {"r.csv:3: the item is missing"});
  write("r.csv", "user,item,rating\na,x,good\n");
  expect_refused("train recommend r.csv --out m", {"r.csv:2: \"good\" in the column \"rating\" is no number"});
  write("r.csv", "user,film,rating\na,x,1\n");
  expect_refused("train recommend r.csv --out m", {"r.csv", "\"item\""});
  write("r.csv", "user,item,rating,time\na,x,1,noon\na,y,2,noon\n");
  expect_refused("train recommend r.csv --out m", {"r.csv: the column time holds words"});
  write("r.csv", "user,item,rating\na,x,1\na,y,1\nb,x,1\nb,y,1\n");
  expect_refused("train recommend r.csv --out m", {"r.csv: all ratings are 1"});
  write("r.csv", ratings());
  write("f.csv", "item,year\nfilm 1,2000\nfilm 1,2001\n");
  expect_refused("train recommend r.csv --items f.csv --out m", {"f.csv:3: the item film 1 is in line 2 already"});
}

}  // namespace
}  // namespace tapegrad::tools
