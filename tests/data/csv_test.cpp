#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/data/table.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Record = std::vector<std::string>;

std::vector<Record> read(std::string_view text, char separator = ',') {
  CsvReader csv(text, "t.csv", separator);
  std::vector<Record> records;
  for (Record record; csv.next(record);) records.push_back(record);
  return records;
}

TEST(Csv, ReadsPlainAndQuotedFields) {
  EXPECT_THAT(read("a,b\n1,\"2, \"\"two\"\"\"\n"), ElementsAre(Record{"a", "b"}, Record{"1", "2, \"two\""}));
  EXPECT_THAT(read("a;b", ';'), ElementsAre(Record{"a", "b"}));
  EXPECT_THAT(read("\"\",x,\"\"\n"), ElementsAre(Record{"", "x", ""}));
  EXPECT_THAT(read(",\n"), ElementsAre(Record{"", ""}));
  EXPECT_THAT(read("5\" disk, b \n"), ElementsAre(Record{"5\" disk", " b "})) << "a quote inside stands for itself";
}

TEST(Csv, TakesEveryLineBreakAndSkipsBlankLines) {
  EXPECT_THAT(read("a\r\nb\nc"), ElementsAre(Record{"a"}, Record{"b"}, Record{"c"}));
  EXPECT_THAT(read("\n\r\na\n\n\nb\r\n\r\n"), ElementsAre(Record{"a"}, Record{"b"}));
  EXPECT_THAT(read("a\r"), ElementsAre(Record{"a"}));
  EXPECT_THAT(read("\"a\r\nb\"\n"), ElementsAre(Record{"a\r\nb"}));
  EXPECT_THAT(read(""), IsEmpty());
  EXPECT_THAT(read("\r\n"), IsEmpty());
}

// As old spreadsheets on a Mac write them.
TEST(Csv, TakesCrAloneWhereNoLineEndsWithLf) {
  EXPECT_THAT(read("a,b\r1,2\r\r3,4"), ElementsAre(Record{"a", "b"}, Record{"1", "2"}, Record{"3", "4"}));
  EXPECT_THAT(read("a,\"b\rc\"\r"), ElementsAre(Record{"a", "b\rc"}));
  EXPECT_THAT(message_of<IoError>([] { read("a\rb\n"); }), HasSubstr("t.csv:1: a carriage return (CR) inside a field"));
}

TEST(Csv, TakesTheSeparatorThatAFirstLineNames) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const std::string text = "sep=;" + end + "a,b;c" + end;
    CsvReader csv(text, "t.csv", std::nullopt);
    Record record;
    ASSERT_TRUE(csv.next(record));
    EXPECT_THAT(record, ElementsAre("a,b", "c"));
    EXPECT_EQ(csv.line(), 2);
  }
}

TEST(Csv, ReadsQuotesAsCharactersWhereToldTo) {
  CsvReader csv("\"a\tb\nc\"\td\n", "t.tsv", '\t', Quoting::none);
  Record record;
  csv.next(record);
  EXPECT_THAT(record, ElementsAre("\"a", "b"));
  csv.next(record);
  EXPECT_THAT(record, ElementsAre("c\"", "d"));
}

TEST(Csv, SaysWhenARecordMayBeLines) {
  const auto any = [](CsvReader::Line) { return true; };
  const auto doubtful = [&](std::string_view text) {
    CsvReader csv(text, "t.csv");
    Record record;
    csv.next(record);
    csv.next(record);
    return csv.may_be_lines(any);
  };
  EXPECT_TRUE(doubtful("x,y\na,\"b\nc,d\"\n"));
  EXPECT_FALSE(doubtful("x,y\na,\"b\nc\"\n"));
  EXPECT_FALSE(doubtful("x,y\na,\"b, b\nc,d\"\n"));
  EXPECT_FALSE(doubtful("x,y\na,b\n"));
}

TEST(Csv, SaysWhereARecordBegins) {
  CsvReader csv("h\n\n\"one\ntwo\nthree\"\nlast\n");
  Record record;
  std::vector<std::int64_t> lines;
  while (csv.next(record)) lines.push_back(csv.line());
  EXPECT_THAT(lines, ElementsAre(1, 3, 6));
}

TEST(Csv, NamesTheLineOfABadQuote) {
  const auto message = [](std::string_view text) { return message_of<IoError>([&] { read(text); }); };
  EXPECT_THAT(message("a,b\nx,\"never\nclosed\n"),
              HasSubstr("t.csv:2: the quote that opens on this line is never closed"));
  EXPECT_THAT(message("\""), HasSubstr("t.csv:1:"));
  EXPECT_THAT(message("a,b\n\"x\ny\"z,1\n"), HasSubstr("t.csv:3: text after the closing quote"));
  EXPECT_THROW(CsvReader("", "t.csv", '"'), ValueError);
  EXPECT_THROW(CsvReader("", "t.csv", '\n'), ValueError);
}

TEST(Csv, GuessesTheSeparatorFromTheHeader) {
  EXPECT_EQ(guess_csv_separator("a,b\n"), ',');
  EXPECT_EQ(guess_csv_separator("a;b;\"x,y,z\"\n1,2,3,4"), ';');
  EXPECT_EQ(guess_csv_separator("a\tb"), '\t');
  EXPECT_EQ(guess_csv_separator("alone"), ',');
  EXPECT_EQ(guess_csv_separator(""), ',');
}

rc::Gen<std::string> any_field() {
  return rc::gen::container<std::string>(
      rc::gen::weightedOneOf<char>({{1, rc::gen::element('"', ',', ';', '\n', '\r', '\t', ' ')},
                                    {1, rc::gen::inRange<char>('a', 'e')},
                                    {1, rc::gen::arbitrary<char>()}}));
}

RC_GTEST_PROP(Csv, GivesBackWhatWasWritten, ()) {
  const auto records =
      *rc::gen::container<std::vector<Record>>(rc::gen::nonEmpty(rc::gen::container<Record>(any_field())));
  const char separator = *rc::gen::element(',', ';', '\t', '|');
  std::string text;
  for (const Record& record : records) text += csv_record(record, separator);
  RC_ASSERT(read(text, separator) == records);
}

RC_GTEST_PROP(Csv, ReadsOrRefusesAnything, ()) {
  const std::string text = *any_field();
  try {
    for (const Record& record : read(text)) RC_ASSERT(!record.empty());
  } catch (const IoError&) {
    RC_ASSERT(text.find_first_of("\"\r") != std::string::npos);
  }
}

}  // namespace
}  // namespace tapegrad::data
