#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/data/table.hpp>
#include <tapegrad/data/token_stream.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kHouses =
    "area,rooms,kind,price\n"
    "100,3,flat,10\n"
    "200,NA,house,20\n"
    "300,5,flat,30\n"
    "9999,4,castle,1e3\n"
    ",6,,5\n";

TEST(Table, FindsTypesAndMissingValues) {
  const TemporaryFolder folder;
  const Table table = read_table(folder.write("t.csv", kHouses));
  EXPECT_EQ(table.size(), 5);
  EXPECT_EQ(table["price"].numbers[3], 1000);
  EXPECT_TRUE(std::isnan(table["area"].numbers[4]));
  EXPECT_EQ(table["kind"].type, ColumnType::category);
  EXPECT_THAT(table["kind"].categories, ElementsAre("castle", "flat", "house"));
  EXPECT_THAT(table["kind"].codes, ElementsAre(1, 2, 1, 0, -1));
  EXPECT_EQ(table.where(3), folder.path("t.csv") + ":5");
  EXPECT_THAT(message_of<ValueError>([&] { (void)table["pricee"]; }),
              AllOf(HasSubstr("rooms"), HasSubstr("did you mean \"price\"")));
  const Table typed = read_table(folder.path("t.csv"), {.types = {{"rooms", ColumnType::category}}});
  EXPECT_THAT(typed["rooms"].categories, ElementsAre("3", "4", "5", "6"));
}

TEST(Table, NamesTheLineOfWhatIsWrong) {
  const TemporaryFolder folder;
  const auto reason = [&](const std::string& content, const TableOptions& options = {}) {
    return message_of<IoError>([&] { read_table(folder.write("t.csv", content), options); });
  };
  EXPECT_THAT(reason("a,b\n1,2\n\"x\ny\",2\n3\n"), HasSubstr("t.csv:5: a record of 1 fields; the header has 2"));
  EXPECT_THAT(reason("a,b\n1,2,3\n"), HasSubstr("t.csv:2: a record of 3 fields"));
  EXPECT_THAT(reason("a,b\n1,2\n1,two\n", {.types = {{"b", ColumnType::number}}}),
              HasSubstr("t.csv:3: \"two\" in the column \"b\""));
  EXPECT_THAT(reason("a,a\n1,2\n"), HasSubstr("two columns are named \"a\""));
  EXPECT_THAT(reason(""), HasSubstr("is empty"));
  EXPECT_THAT(reason("a,b\n"), HasSubstr("no records"));
  EXPECT_THAT(reason("a\n1\n\"2\n"), HasSubstr("t.csv:3"));
  EXPECT_THROW(read_table(folder.write("t.csv", kHouses), {.types = {{"prise", ColumnType::number}}}), ValueError);
}

TEST(TableEncoder, LearnsFromTheTrainingPartAlone) {
  const TemporaryFolder folder;
  const Table table = read_table(folder.write("t.csv", kHouses));
  const TableEncoder encoder(table, "price", std::vector<std::int64_t>{0, 1, 2});
  EXPECT_THAT(encoder.feature_names(), ElementsAre("area", "rooms", "rooms missing", "kind = flat", "kind = house"));
  std::vector<std::string> groups;
  for (const FeatureGroup& g : encoder.groups()) groups.push_back(fmt::format("{} {}+{}", g.name, g.first, g.count));
  EXPECT_THAT(groups, ElementsAre("area 0+1", "rooms 1+2", "kind 3+2"));
  const TensorDataset data = encoder.encode(table, all_rows(5));
  const Batch all = data.batch(all_rows(5));
  const auto row = [&](std::int64_t i) { return all.inputs[0][i].values(); };
  const double unit = std::sqrt(20000.0 / 3);
  EXPECT_THAT(row(0), ElementsAre(::testing::DoubleNear(-100 / unit, 1e-6), -1, 0, 1, 0));
  EXPECT_THAT(row(1), ElementsAre(0, 0, 1, 0, 1));
  EXPECT_FLOAT_EQ(static_cast<float>(row(3)[0]), static_cast<float>((9999 - 200) / unit));
  EXPECT_THAT(row(4), ElementsAre(0, 2, 0, 0, 0));  // nothing was missing there in the training part
  EXPECT_EQ(all.targets.values(), (std::vector<double>{10, 20, 30, 1000, 5}));
  EXPECT_EQ(all.targets.shape(), (Shape{5, 1}));
  const TableEncoder chosen(table, "price", all_rows(5), {.features = {"rooms"}});
  EXPECT_THAT(chosen.feature_names(), ElementsAre("rooms", "rooms missing"));
}

TEST(TableEncoder, NamesTheLineOfATargetThatCannotBe) {
  const TemporaryFolder folder;
  const Table table = read_table(folder.write("t.csv", kHouses));
  const TableEncoder kinds(table, "kind", std::vector<std::int64_t>{0, 1});
  EXPECT_THAT(kinds.class_names(), ElementsAre("flat", "house"));
  EXPECT_EQ(kinds.encode(table, std::vector<std::int64_t>{1, 2}).batch(all_rows(2)).targets.values(),
            (std::vector<double>{1, 0}));
  EXPECT_THAT(message_of<ValueError>([&] { kinds.encode(table, all_rows(5)); }),
              AllOf(HasSubstr("t.csv:5"), HasSubstr("castle")));
  EXPECT_THAT(message_of<ValueError>([&] { TableEncoder(table, "kind", all_rows(5)); }),
              AllOf(HasSubstr("t.csv:6"), HasSubstr("missing")));
  EXPECT_THAT(message_of<ValueError>([&] { TableEncoder(table, "area", all_rows(5)); }),
              AllOf(HasSubstr("t.csv:6"), HasSubstr("missing")));
  const Table other = read_table(folder.write("o.csv", "area,rooms,kind,price\nlarge,1,flat,3\n"));
  const TableEncoder prices(table, "price", all_rows(5));
  EXPECT_THAT(message_of<ValueError>([&] { prices.inputs(other, all_rows(1)); }),
              HasSubstr("o.csv: the column \"area\""));
}

TEST(TableEncoder, ComesBackFromItsFile) {
  const TemporaryFolder folder;
  const Table table = read_table(folder.write("t.csv", kHouses));
  const std::filesystem::path file = folder.path("encoder.json");
  for (const char* target : {"price", "kind"}) {
    const std::vector<std::int64_t> rows{0, 1, 2};
    const TableEncoder encoder(table, target, rows);
    encoder.save(file);
    const TableEncoder again = TableEncoder::load(file);
    EXPECT_EQ(again.feature_names(), encoder.feature_names());
    EXPECT_EQ(again.class_names(), encoder.class_names());
    EXPECT_EQ(again.types(), encoder.types());
    const Batch before = encoder.encode(table, rows).batch(rows), after = again.encode(table, rows).batch(rows);
    EXPECT_EQ(after.inputs[0].values(), before.inputs[0].values());
    EXPECT_EQ(after.targets.values(), before.targets.values());
  }
  // A file whose column looks otherwise, without the target, is read by the types that were learned.
  const TableEncoder encoder(table, "price", std::vector<std::int64_t>{0, 1});
  const Table houses = read_table(folder.write("new.csv", "area,rooms,kind\n100,,17\n"), {.types = encoder.types()});
  EXPECT_EQ(encoder.inputs(houses, all_rows(1)).shape(), (Shape{1, 5}));
}

TEST(TableEncoder, SaysWhatIsNoFileOfIts) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& content) {
    const std::filesystem::path file = folder.write("encoder.json", content);
    return message_of<IoError>([&] { TableEncoder::load(file); });
  };
  EXPECT_THAT(message("no json"), AllOf(HasSubstr("encoder.json:1:2"), HasSubstr("not valid JSON")));
  EXPECT_THAT(message(R"({"kind": "vocabulary"})"), HasSubstr("its kind is \"vocabulary\""));
  EXPECT_THAT(message(R"({"kind": "table encoder", "version": 2})"), HasSubstr("its version is 2"));
  const std::string head = R"({"kind": "table encoder", "version": 1, "target": "y", "classes": [], "features": )";
  EXPECT_THAT(message(head + R"([{"column": "a", "categories": ["b", "a"]}]})"),
              HasSubstr("the categories of \"a\" are not sorted"));
  EXPECT_THAT(message(head + R"([{"column": "a", "mean": 1, "deviation": 0, "marks_missing": true}]})"),
              HasSubstr("the deviation of \"a\" is 0"));
  EXPECT_THAT(message(head + R"([{"column": "a", "mean": "1"}]})"), HasSubstr("is no table encoder"));
  EXPECT_THROW(TableEncoder::load(folder.path("missing.json")), IoError);
}

std::vector<std::int32_t> count_to(std::int32_t n) {
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < n; ++i) tokens.push_back(i);
  return tokens;
}

TEST(TokenWindows, HoldWhatComesNext) {
  const TokenWindows windows(count_to(12), 4);
  EXPECT_EQ(windows.size(), 2);  // a third one would lack what follows it
  const Batch batch = windows.batch(std::vector<std::int64_t>{1, 0});
  EXPECT_EQ(batch.inputs[0].shape(), (Shape{2, 4}));
  EXPECT_EQ(batch.inputs[0].values(), (std::vector<double>{4, 5, 6, 7, 0, 1, 2, 3}));
  EXPECT_EQ(batch.targets.values(), (std::vector<double>{5, 6, 7, 8, 1, 2, 3, 4}));
  EXPECT_EQ(TokenWindows(count_to(13), 4).size(), 3);
  EXPECT_EQ(TokenWindows(count_to(12), 4, 1).size(), 8);
  EXPECT_THROW(TokenWindows(count_to(4), 4), ValueError);
  EXPECT_THROW(TokenWindows(count_to(9), 0), ValueError);
}

TEST(TokenLanes, GoOnFromBatchToBatch) {
  TokenLanes lanes(count_to(21), 2, 4);
  EXPECT_EQ(lanes.batches(), 3);
  std::vector<std::vector<double>> inputs, targets;
  Batch batch;
  for (lanes.start(0); lanes.next(batch);) {
    inputs.push_back(batch.inputs[0].values());
    targets.push_back(batch.targets.values());
  }
  EXPECT_THAT(inputs, ElementsAre(ElementsAre(0, 1, 2, 3, 10, 11, 12, 13), ElementsAre(4, 5, 6, 7, 14, 15, 16, 17),
                                  ElementsAre(8, 18)));
  EXPECT_THAT(targets.back(), ElementsAre(9, 19));
  lanes.start(1);
  lanes.skip(1);
  ASSERT_TRUE(lanes.next(batch));
  EXPECT_EQ(batch.inputs[0].values(), inputs[1]);
  EXPECT_THROW(TokenLanes(count_to(3), 2, 4), ValueError);
}

}  // namespace
}  // namespace tapegrad::data
