// The systems of `tapegrad train`, on data small enough for a test.

#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "../hostile/formats.hpp"
#include "program.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

/// Language models.
class Language : public Program {
 protected:
  Language() {
    std::string texts;
    for (int i = 0; i < 120; ++i)
      texts +=
          "the " + std::string(i % 2 ? "cat" : "dog") + " sat on the mat number " + std::to_string(i % 10) + "\n%\n";
    write("texts", texts);
  }
  static constexpr const char* kSmall =
      " --tokens 280 --width 32 --context 16 --epochs 20 --batch 4 --lr 0.01 --dropout 0 ";
};

TEST_F(Language, IsLearnedAndGoesOn) {
  for (const std::string kind : {"lstm", "gpt"}) {
    const Outcome trained = run("train language texts --heads 2 --model " + kind + kSmall + "--out " + kind);
    ASSERT_EQ(trained.status, 0) << trained.err;
    EXPECT_THAT(trained.out, ContainsRegex("\ntest nats per character 0\\.[0-3]"));
    EXPECT_THAT(files(kind),
                IsSupersetOf({"config.json", "tokens.txt", "model.safetensors", "model.mmd", "metrics.jsonl"}));

    const auto config = nlohmann::json::parse(content_of(folder_ / kind / "config.json"));
    EXPECT_EQ(config, nlohmann::json({{"kind", "language model"},
                                      {"version", 1},
                                      {"model", kind},
                                      {"tokens", 280},
                                      {"width", 32},
                                      {"layers", kind == "lstm" ? 1 : 4},
                                      {"heads", 2},
                                      {"context", 16},
                                      {"dropout", 0.0}}))
        << "as version 0.1.0 wrote it";

    const std::string generate = "generate --model " + kind + " --prompt 'the cat' --temperature 0 --length 12";
    const Outcome text = run(generate);
    EXPECT_EQ(text.status, 0) << text.err;
    EXPECT_THAT(text.out, HasSubstr("the cat sat on the mat"));
    EXPECT_EQ(run(generate + " --no-cache").out, text.out);

    const std::string random = "generate --model " + kind + " --count 2 --length 40 --top-k 20 --seed ";
    EXPECT_EQ(run(random + "5").out, run(random + "5").out);
    EXPECT_NE(run(random + "5").out, run(random + "6").out);
    EXPECT_THAT(run(random + "5").out, HasSubstr("\n%\n"));
  }
}

TEST_F(Language, SaysWhatIsWrong) {
  write("empty", "");
  write("latin", "caf\xe9\n%\nbar\n");
  write("one", "alone\n");
  expect_refused("train language missing --out m", {"missing: cannot read the file: No such file"});
  expect_refused("train language empty --out m", {"empty: holds 0 texts"});
  expect_refused("train language latin --out m", {"latin:1: byte 4 of the line", "is not UTF-8"});
  expect_refused("train language one --out m", {"one: holds 1 texts"});
  expect_refused("train language fortunes:/nowhere",
                 {"/nowhere: holds no fortunes", "packages fortunes and fortunes-min"});
  expect_refused("train language texts --context 60000", {"shorter than one context of 60000"});
  expect_refused("train language texts --width 30 --heads 4", {"--heads 4 does not divide --width 30"});
  expect_refused("train language texts --model rnn", {"rnn"});
  expect_refused("generate --model texts", {"texts/config.json: cannot read the file"});
  write("lm/config.json", R"({"kind": "language model"})");
  expect_refused("predict --model lm bird", {"the language model in lm does not classify", "tapegrad generate"});
  expect_refused("generate --model texts --top-p 2", {"--top-p"});
}

/// Images.
class Images : public Program {
 protected:
  /// Images of 8 × 8, dark but for one row that is the class.
  void write_images(const std::string& part, int count) const {
    std::string images(std::string("\0\0\x08\x03", 4)), labels(std::string("\0\0\x08\x01", 4));
    const auto number = [](int n) { return std::string{'\0', '\0', static_cast<char>(n >> 8), static_cast<char>(n)}; };
    images += number(count) + number(8) + number(8);
    labels += number(count);
    for (int i = 0; i < count; ++i) {
      const int label = i % 8;
      for (int p = 0; p < 64; ++p)
        images.push_back(static_cast<char>(p / 8 == label ? 200 + i % 50 : (i * 7 + p) % 30));
      labels.push_back(static_cast<char>(label));
    }
    write("set/" + part + "-images-idx3-ubyte", images);
    write("set/" + part + "-labels-idx1-ubyte", labels);
  }
};

TEST_F(Images, AreClassified) {
  write_images("train", 320);
  write_images("t10k", 80);
  for (const std::string model : {"mlp --hidden 32", "cnn --channels 8 16"}) {
    const Outcome o =
        run("train images set --no-augment --epochs 8 --lr 0.01 --batch 32 --dropout 0 --out out --model " + model);
    ASSERT_EQ(o.status, 0) << o.err;
    EXPECT_THAT(o.out, HasSubstr("304 training, 16 validation and 80 test images of 8 × 8"));
    EXPECT_THAT(o.out, ContainsRegex("\ntest accuracy (0\\.9|1\\.0)"));
    const auto config = nlohmann::json::parse(content_of(folder_ / "out/config.json"));
    EXPECT_EQ(config["model"], model.substr(0, 3));
    std::vector<std::string> keys;
    for (const auto& [key, value] : config.items()) keys.push_back(key);
    EXPECT_THAT(keys, ::testing::ElementsAre("channels", "classes", "deviation", "dropout", "height", "hidden", "kind",
                                             "mean", "model", "version", "width"))
        << "as version 0.1.0 wrote them";
  }
  // Image 13 is of class 5, as are 21 and 29.
  const std::string predict = "predict --model out set/t10k-images-idx3-ubyte --row 13 ";
  const Outcome o = run(predict + "--picture why.png");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, ContainsRegex("^set/t10k-images-idx3-ubyte\\[13\\]\n +[0-9.]+ %  5\n"));
  EXPECT_THAT(o.out, HasSubstr("pixels for 5 in orange, against it in blue (integrated-gradients): why.png"));
  const std::string picture = content_of(folder_ / "why.png");
  EXPECT_EQ(picture.substr(1, 3), "PNG");
  // 8 pixels, one between the two, and 8, each 40 wide.
  EXPECT_EQ(picture.substr(16, 8), std::string("\0\0\x02\xa8\0\0\x01\x40", 8));
  const std::string bytes = content_of(folder_ / "set/t10k-images-idx3-ubyte");
  write("one.pgm", "P5 8 8 255\n" + bytes.substr(16 + 13 * 64, 64));
  const auto json =
      nlohmann::json::parse(run("predict --model out one.pgm --json --attribution saliency --picture why.png").out);
  EXPECT_EQ(json["class"], "5");
  EXPECT_EQ(json["attribution"], "saliency");
  EXPECT_NE(content_of(folder_ / "why.png"), picture);
  write("small.pgm", "P5 2 1 255\n..");
  expect_refused("predict --model out small.pgm", {"small.pgm: an image of 1 × 2; the model takes 8 × 8"});
  expect_refused("predict --model out set/t10k-images-idx3-ubyte --row 80", {"has no row 80; it has 80 images"});
  expect_refused("predict --model out set/t10k-labels-idx1-ubyte", {"images are u8 [N, height, width]"});
  expect_refused("predict --model out one.pgm small.pgm --picture both.png", {"--picture is of one image"});
  expect_refused("predict --model out", {"give an image"});

  EXPECT_EQ(run("train images set --epochs 1 --limit 64 --hidden 8").status, 0);
  EXPECT_EQ(run("train images set --epochs 1 --limit 1 --hidden 8 --validation-split 0 --out one").status, 0);
  write_images("t10k", 0);
  expect_refused("train images set --epochs 1 --limit 64 --hidden 8 --out m", {"set"});
}

TEST_F(Images, SayWhatIsWrong) {
  write_images("train", 40);
  expect_refused("train images set", {"set/t10k-", "-ubyte.gz: is missing"});
  expect_refused("train images nowhere --out m", {"nowhere: is no folder", "folders by class, or IDX files"});
  write("set/t10k-images-idx3-ubyte", "nonsense");
  write("set/t10k-labels-idx1-ubyte", "nonsense");
  expect_refused("train images set --out m", {"set/t10k-", "not an IDX file"});
}

TEST_F(Images, ComeInFoldersByClass) {
  // Bright above or below, red or blue, of two sizes.
  const auto picture = [](int side, int i, bool top) {
    std::string rows;
    for (int y = 0; y < side; ++y) {
      rows += '\0';
      for (int x = 0; x < side; ++x) {
        const char light = static_cast<char>((y < side / 2) == top ? 200 + i % 50 : i % 30);
        rows += {light, '\x10', light};
      }
    }
    return hostile::png(static_cast<std::uint32_t>(side), static_cast<std::uint32_t>(side), 8, 2, rows);
  };
  for (int i = 0; i < 40; ++i)
    for (const bool top : {true, false})
      write(std::string("pictures/") + (top ? "above" : "below") + "/" + std::to_string(i) + ".png",
            picture(i % 2 ? 8 : 12, i, top));
  expect_refused("train images pictures --out m", {"1.png: is 8 × 8, where ", "0.png is 12 × 12; choose a size"});
  const Outcome o =
      run("train images pictures --size 8 8 --hidden 8 --epochs 8 --batch 4 --lr 0.01 --dropout 0 --out out");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("61 training, 3 validation and 16 test images of 8 × 8"));
  EXPECT_THAT(o.out, HasSubstr("\ntest accuracy 1.0000\n"));
  write("new.png", picture(20, 3, false));
  const Outcome told = run("predict --model out new.png --picture why.png");
  EXPECT_THAT(told.out, ContainsRegex("^new.png\n +[0-9.]+ %  below\n")) << told.err;
  EXPECT_EQ(run("predict --model out pictures/above/0.png --json").status, 0);
  expect_refused("predict --model out gone.png", {"gone.png: cannot read the file"});
  write("pictures/above/notes", "no picture");
  expect_refused("train images pictures --size 8 8 --out m", {"above/notes: is no picture", "PNG, JPEG and PGM"});
  expect_refused("train images pictures/above --out m", {"pictures/above: has no folder; expected one a class"});
  expect_refused("train images pictures --class-names a b", {"the classes of pictures are its folders' names"});

  for (const std::string part : {"train", "test"})
    for (int i = 0; i < 8; ++i)
      write("parts/" + part + (i % 2 ? "/odd/" : "/even/") + std::to_string(i) + ".jpg",
            hostile::jpeg(6, 6, {static_cast<unsigned char>(i % 2 * 200)}));
  const Outcome parts =
      run("train images parts --hidden 4 --epochs 20 --batch 2 --lr 0.02 --dropout 0 --validation-split 0");
  EXPECT_THAT(parts.out, HasSubstr("8 training, 0 validation and 8 test images of 6 × 6")) << parts.err;
  EXPECT_THAT(parts.out, HasSubstr("\ntest accuracy 1.0000\n"));
  write("parts/test/third/1.jpg", hostile::jpeg(6, 6, {1}));
  expect_refused("train images parts", {"parts/test/third: is no class that is known; there are even, odd"});
}

TEST_F(Images, OfIdxFilesMayHaveNamesOfClasses) {
  write_images("train", 64);
  write_images("t10k", 16);
  const std::string train = "train images set --epochs 1 --hidden 8 --class-names ";
  EXPECT_THAT(run(train + "a b c d e f g h").out, ContainsRegex("\nh +2 "));
  expect_refused(train + "a b", {"has the label 2; there are 2 classes"});
  expect_refused(train + "a b c d e f g g", {"--class-names has a name twice"});
  expect_refused("train images set --size 8 8", {"--size is for folders of pictures"});
}

TEST_F(Images, AreListedUnderTheirNewName) {
  expect_refused("train fashion-mnist --model cnn --out m", {"train images"});
  const Outcome o = run("train list");
  EXPECT_EQ(o.status, 0);
  EXPECT_THAT(o.out, ContainsRegex("(^|\n)images +A classifier of pictures"));
  EXPECT_THAT(o.out, ::testing::Not(HasSubstr("fashion-mnist ")));
}

class Sentiment : public Program {};

TEST_F(Sentiment, IsReadFromATrainAndATestPart) {
  std::string train = "text,label\n", test = train;
  for (int i = 0; i < 200; ++i)
    (i % 5 ? train : test) += i % 2 ? "\"I love it, great\",great\n" : "it was not good at all,other\n";
  write("reviews/train.csv", train);
  write("reviews/test.csv", test);
  const Outcome o = run("train sentiment reviews --epochs 10 --lr 0.01 --out model");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, ContainsRegex("\ntest accuracy 1.0000\n$"));
  EXPECT_THAT(run("predict --model model 'great, I love it'").out, ContainsRegex("%  great"));
  expect_refused("train sentiment",
                 {"food-reviews/train.csv: is missing", "scripts/data/food-reviews", "r-cran-modeldata"});
}

}  // namespace
}  // namespace tapegrad::tools
