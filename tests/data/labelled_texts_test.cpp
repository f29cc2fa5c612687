#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/labelled_texts.hpp>

#include "../message_of.hpp"
#include "../needs.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LabelledTextsTest : public ::testing::Test {
 protected:
  LabelledTexts read(std::string_view name, std::string_view content, const ReadOptions& options = {}) {
    return read_labelled_texts(folder_.write(name, content), options).train;
  }

  template <class E>
  std::string refusal(std::string_view name, std::string_view content, const ReadOptions& options = {}) {
    return message_of<E>([&] { read(name, content, options); });
  }

  TemporaryFolder folder_;
};

TEST_F(LabelledTextsTest, ReadsLabelTabText) {
  const LabelledTexts texts = read("t.tsv", "\xEF\xBB\xBFpos\tgood\tand cheap\r\n\nneg \tbad, \"truly\"\npos\t\n");
  EXPECT_THAT(texts.texts, ElementsAre("good\tand cheap", "bad, \"truly\"", ""));
  EXPECT_THAT(texts.class_names, ElementsAre("neg", "pos"));
  EXPECT_THAT(texts.labels, ElementsAre(1, 0, 1));
  EXPECT_THAT(texts.where(1), HasSubstr("t.tsv:3"));
  EXPECT_THAT(texts.notes, IsEmpty());
  EXPECT_THROW((void)texts.where(3), IndexError);
}

TEST_F(LabelledTextsTest, ReadsCsvByTheNamesOfItsColumns) {
  const LabelledTexts texts = read("t.csv", "id,text,label\n1,\"good,\n \"\"really\"\"\",pos\n2,bad,neg\n");
  EXPECT_THAT(texts.texts, ElementsAre("good,\n \"really\"", "bad"));
  EXPECT_THAT(texts.class_names, ElementsAre("neg", "pos"));
  EXPECT_THAT(texts.where(0), HasSubstr("t.csv:2"));
  EXPECT_THAT(texts.where(1), HasSubstr("t.csv:4"));

  const ReadOptions named{.text_column = "review", .label_column = "sentiment"};
  EXPECT_EQ(read("u.csv", "review;sentiment\ngood;1\nbad;0\n", named).size(), 2);
  EXPECT_EQ(read("u.data", "sentiment\treview\n1\tgood\n0\tbad\n", named).size(), 2);
  const ReadOptions piped{.separator = '|'};
  EXPECT_EQ(read("p.csv", "text|label\ngood, cheap|1\nbad|0\n", piped).size(), 2);
}

TEST_F(LabelledTextsTest, TellsCsvFromLabelTabTextByTheHeader) {
  EXPECT_EQ(read("with-header.tsv", "label\ttext\npos\tgood\nneg\tbad\n").size(), 2);
  EXPECT_EQ(read("with-header.txt", "text,label\ngood,pos\nbad,neg\n").size(), 2);
  EXPECT_EQ(read("quotes.tsv", "pos\t\"Great\" film\nneg\t\"bad\n").size(), 2);
  EXPECT_EQ(read("without.tsv", "label\tthis class is called label\ntext\tand this text\n").size(), 2);
}

TEST_F(LabelledTextsTest, NamesTheColumnsThereAre) {
  EXPECT_THAT(refusal<IoError>("t.csv", "Text,rating\na,1\n"),
              AllOf(HasSubstr("t.csv:1: no column \"text\""), HasSubstr("\"Text\", \"rating\""),
                    HasSubstr("did you mean \"Text\"?")));
  EXPECT_THAT(refusal<IoError>("t.csv", "text,lable\na,1\n"), HasSubstr("did you mean \"lable\"?"));
  EXPECT_THAT(refusal<IoError>("t.csv", "text,stars\na,1\n"), Not(HasSubstr("did you mean")));
  EXPECT_THAT(refusal<IoError>("t.csv", "text,label,text\na,b,c\n"), HasSubstr("2 columns are named \"text\""));
  EXPECT_THAT(refusal<ValueError>("t.csv", "text,x\na,b\n", {.label_column = "text"}),
              HasSubstr("both text and label"));
}

TEST_F(LabelledTextsTest, NamesFileAndLineOfABadRecord) {
  EXPECT_THAT(refusal<IoError>("t.csv", "text,label\ngood,pos\nbad, truly,neg\n"),
              HasSubstr("t.csv:3: the header names 2 columns, this record has 3"));
  EXPECT_THAT(refusal<IoError>("t.csv", "text,label\ngood\n"),
              HasSubstr("t.csv:2: the header names 2 columns, this record has 1"));
  EXPECT_THAT(refusal<IoError>("t.csv", "text,label\ngood,pos\n\"bad,neg\nx,y\n"), HasSubstr("t.csv:3: the quote"));
  EXPECT_THAT(refusal<IoError>("t.csv", "text,label\ngood,\n"), HasSubstr("t.csv:2: the label is empty"));
  EXPECT_THAT(refusal<IoError>("t.csv", "text,label\ngood,\"a\nb\"\n"),
              HasSubstr("\"a\\x0Ab\" has control characters"));
  EXPECT_THAT(refusal<IoError>("t.csv", "text,label\ngood,pos\ncaf\xE9,neg\n"), HasSubstr("t.csv:3: byte 4"));
  EXPECT_THAT(refusal<IoError>("t.tsv", "pos\tgood\nneg bad\n"), HasSubstr("t.tsv:2: no tab"));
  EXPECT_THAT(refusal<IoError>("t.tsv", "pos\tgood\n\tbad\n"), HasSubstr("t.tsv:2: the label is empty"));
}

TEST_F(LabelledTextsTest, RefusesWhatIsEmptyOrCannotBeLearned) {
  EXPECT_THAT(refusal<IoError>("t.tsv", ""), HasSubstr("t.tsv is empty"));
  EXPECT_THAT(refusal<IoError>("t.tsv", "\n\n  \n"), HasSubstr("t.tsv has no labelled text"));
  EXPECT_THAT(refusal<IoError>("t.csv", "text,label\n"), HasSubstr("t.csv has no labelled text"));
  EXPECT_THAT(refusal<IoError>("t.csv", "\n"), HasSubstr("t.csv has no labelled text"));
  EXPECT_THAT(refusal<ValueError>("t.tsv", "pos\ta\npos\tb\n"), HasSubstr("every text has the label \"pos\""));
  std::string swapped;
  for (int i = 0; i < 20; ++i) swapped += "text number " + std::to_string(i) + "\tpos\n";
  EXPECT_THAT(refusal<ValueError>("t.tsv", swapped), HasSubstr("a label of its own"));
  EXPECT_THAT(message_of<IoError>([&] { read_labelled_texts(folder_.path("none.csv")); }), HasSubstr("none.csv"));
}

TEST_F(LabelledTextsTest, TestTextsTakeTheClassesOfTraining) {
  const LabelledTexts train = read("train.tsv", "b\tx\na\ty\nc\tz\n");
  const LabelledTexts test = read_test_texts(folder_.write("test.tsv", "c\tx\nc\ty\n"), train.class_names);
  EXPECT_EQ(test.class_names, train.class_names);
  EXPECT_THAT(test.labels, ElementsAre(2, 2));
  EXPECT_THAT(
      message_of<ValueError>([&] { read_test_texts(folder_.write("test.tsv", "c\tx\nd\ty\n"), train.class_names); }),
      AllOf(HasSubstr("test.tsv:2: the label \"d\" is not among the classes learned"),
            HasSubstr("\"a\", \"b\", \"c\"")));
}

TEST_F(LabelledTextsTest, ReadsOneFolderPerClass) {
  folder_.write("d/pos/2.txt", "second");
  folder_.write("d/pos/1.txt", "first\nwith two lines\n");
  folder_.write("d/neg/x.txt", "third");
  folder_.write("d/neg/.hidden.txt", "\xFF");
  folder_.write("d/neg/readme.md", "no text");
  folder_.write("d/notes.txt", "nor this");
  const LabelledTexts texts = read_labelled_texts(folder_.path("d")).train;
  EXPECT_THAT(texts.texts, ElementsAre("third", "first\nwith two lines\n", "second"));
  EXPECT_THAT(texts.class_names, ElementsAre("neg", "pos"));
  EXPECT_THAT(texts.labels, ElementsAre(0, 1, 1));
  EXPECT_EQ(texts.where(2), folder_.path("d/pos/2.txt"));
  EXPECT_THAT(texts.notes, ElementsAre(HasSubstr("left out: 2")));
}

TEST_F(LabelledTextsTest, ReadsTrainAndTestFoldersAndLeavesOutTheUnlabelled) {
  for (const char* name : {"train/pos/1.txt", "train/neg/1.txt", "train/unsup/1.txt", "test/pos/1.txt"}) {
    folder_.write(name, name);
  }
  folder_.write("train/urls_pos.txt", "http://…");
  folder_.write("valid/pos/1.txt", "for another purpose");
  const TrainAndTest both = read_labelled_texts(folder_.path());
  EXPECT_EQ(both.train.size(), 2);
  EXPECT_THAT(both.train.notes, ElementsAre(HasSubstr("unsup holds texts without labels: left out"),
                                            HasSubstr("other files and folders"), HasSubstr("left out: \"valid\"")));
  ASSERT_TRUE(both.test);
  EXPECT_THAT(both.test->labels, ElementsAre(1));
  EXPECT_THAT(read_test_texts(folder_.path(), both.train.class_names).texts, ElementsAre("test/pos/1.txt"));

  folder_.write("test/mixed/1.txt", "a class that training lacks");
  EXPECT_THAT(message_of<ValueError>([&] { read_labelled_texts(folder_.path()); }),
              AllOf(HasSubstr("test/mixed/1.txt: the label \"mixed\""), HasSubstr("\"neg\", \"pos\"")));
}

TEST_F(LabelledTextsTest, ClassesMayBeCalledTrainAndTest) {
  folder_.write("d/train/1.txt", "on rails");
  folder_.write("d/test/1.txt", "an exam");
  const TrainAndTest result = read_labelled_texts(folder_.path("d"));
  EXPECT_THAT(result.train.class_names, ElementsAre("test", "train"));
  EXPECT_FALSE(result.test);
}

TEST_F(LabelledTextsTest, RefusesBadFolders) {
  const auto message = [&](const std::string& name) {
    return message_of<Error>([&] { read_labelled_texts(folder_.path(name)); });
  };
  std::filesystem::create_directories(folder_.path("empty"));
  EXPECT_THAT(message("empty"), HasSubstr("expected one folder per class"));
  folder_.write("flat/a.txt", "a");
  EXPECT_THAT(message("flat"), HasSubstr("expected one folder per class"));
  folder_.write("single/pos/a.txt", "a");
  EXPECT_THAT(message("single"), HasSubstr("two classes at least"));
  folder_.write("hollow/pos/a.txt", "a");
  std::filesystem::create_directories(folder_.path("hollow/neg"));
  EXPECT_THAT(message("hollow"), HasSubstr("hollow/neg has no .txt file"));
  folder_.write("latin/pos/a.txt", "a");
  folder_.write("latin/neg/b.txt", "one\nna\xEFve");
  EXPECT_THAT(message("latin"), HasSubstr("latin/neg/b.txt:2: byte 3"));
  folder_.write("named/pos/a.txt", "a");
  folder_.write("named/caf\xE9/a.txt", "a");
  EXPECT_THAT(message("named"), HasSubstr("the label \"caf\\xE9\" is not UTF-8"));
  folder_.write("dangling/pos/a.txt", "a");
  std::filesystem::create_symlink("nowhere", folder_.path("dangling/pos/b.txt"));
  EXPECT_THAT(message("dangling"), HasSubstr("b.txt: cannot read the file: No such file"));
}

constexpr std::string_view kLicence =
    "  1 This software and database is being provided to you, the LICENSEE | as is  \n";

TEST_F(LabelledTextsTest, ReadsWordnet) {
  const std::string path = folder_.write(
      "data.noun", std::string(kLicence) +
                       "00001740 03 n 01 entity 0 000 | that which is perceived  \n"
                       "00017222 20 n 01 plant 0 000 | a living organism  \n"
                       "02084071 05 n 01 dog 0 000 | a member of the genus; \"the dog barked | all night\"  \n"
                       "02084072 05 n 01 hound 0 000 | a living organism  \n");
  const LabelledTexts texts = read_labelled_texts("wordnet:" + path).train;
  EXPECT_THAT(texts.texts, ElementsAre("a living organism", "a member of the genus; \"the dog barked | all night\""));
  EXPECT_THAT(texts.class_names, ElementsAre("animal", "plant"));
  EXPECT_THAT(texts.labels, ElementsAre(1, 0));
  EXPECT_THAT(texts.where(0), HasSubstr("data.noun:3"));
  EXPECT_THAT(texts.notes, ElementsAre(HasSubstr("left out: 1")));
}

// One file as several programs write it.
TEST_F(LabelledTextsTest, ReadsTheSameFromEveryWriter) {
  const std::string mark = "\xEF\xBB\xBF";
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    for (const std::string& content : {
             mark + "label,text" + end + "pos,good film" + end + "neg,bad film" + end,
             mark + "label;text" + end + "pos;good film" + end + "neg;bad film",
             "sep=;" + end + "label;text" + end + "pos;good film" + end + "neg;bad film" + end,
             "label\ttext" + end + "pos\tgood film" + end + "neg\tbad film" + end,
             "\"text\",\"label\"" + end + "\"good film\",\"pos\"" + end + end + "\"bad film\",\"neg\"" + end,
             mark + "pos\tgood film" + end + "neg\tbad film" + end,
         }) {
      const LabelledTexts texts = read_labelled_texts(folder_.write("texts", content)).train;
      EXPECT_THAT(texts.texts, ElementsAre("good film", "bad film")) << content;
      EXPECT_THAT(texts.class_names, ElementsAre("neg", "pos")) << content;
    }
  }
}

TEST_F(LabelledTextsTest, TakesNoLoneQuoteForALongText) {
  const std::string path = folder_.write("a.tsv", "label\ttext\nneg\ta\npos\t\"b\nneg\tc\nneg\td\"\npos\te\n");
  EXPECT_THAT(message_of<IoError>([&] { read_labelled_texts(path); }),
              HasSubstr("a.tsv:3: the quote that opens here closes on line 5"));
  EXPECT_EQ(read_labelled_texts(path, {.quoting = Quoting::none}).train.size(), 5);
  EXPECT_EQ(read_labelled_texts(path, {.quoting = Quoting::csv}).train.size(), 3);
  // Lines whose first word is no label are one text.
  const std::string poem = folder_.write("b.csv", "label,text\nneg,a\npos,\"roses\nviolets, blue\"\n");
  EXPECT_THAT(read_labelled_texts(poem).train.texts, ElementsAre("a", "roses\nviolets, blue"));
}

TEST_F(LabelledTextsTest, RefusesWhatIsNotWordnet) {
  const auto message = [&](const std::string& path) {
    return message_of<IoError>([&] { read_labelled_texts("wordnet:" + path); });
  };
  EXPECT_THAT(message(folder_.path("none")), HasSubstr("apt-get install wordnet-base"));
  EXPECT_THAT(message(folder_.write("x", "some text\n")), HasSubstr("x:1: not a synset"));
  EXPECT_THAT(message(folder_.write("x", std::string(kLicence) + "00001740 05\n")), HasSubstr("x:2: not a synset"));
  EXPECT_THAT(message(folder_.write("x", "0 | \n")), HasSubstr("x:1: not a synset"));
  EXPECT_THAT(message(folder_.write("x", kLicence)), HasSubstr("no labelled text"));
  EXPECT_THAT(message(folder_.write("x", "")), HasSubstr("no labelled text"));
}

TEST(Wordnet, HasTenKindsOfDefinitions) {
  SKIP_UNLESS(std::filesystem::exists("/usr/share/wordnet/data.noun"), "needs the Debian package wordnet-base");
  const LabelledTexts texts = read_labelled_texts("wordnet:").train;
  EXPECT_EQ(texts.size(), 60'676);
  EXPECT_THAT(texts.class_names, ElementsAre("act", "animal", "artifact", "body", "communication", "food", "location",
                                             "person", "plant", "substance"));
}

}  // namespace
}  // namespace tapegrad::data
