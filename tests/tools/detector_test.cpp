// tapegrad train detect, on pictures small enough for a test.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "program.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class Detect : public Program {
 protected:
  /// Dark pictures of 48 × 48 with a bright box each, tall or wide.
  Detect() {
    nlohmann::json set{{"categories", {{{"id", 1}, {"name", "tall"}}, {{"id", 2}, {"name", "wide"}}}}};
    for (int i = 0; i < 40; ++i) {
      const int width = i % 2 ? 24 : 14, height = i % 2 ? 14 : 24, left = i * 7 % (48 - width),
                top = i * 5 % (48 - height);
      std::string pixels(48 * 48, '\x10');
      for (int y = top; y < top + height; ++y)
        for (int x = left; x < left + width; ++x) pixels[static_cast<std::size_t>(y * 48 + x)] = '\xe0';
      const std::string name = "pictures/" + std::to_string(i) + ".pgm";
      write(name, "P5 48 48 255\n" + pixels);
      set["images"].push_back({{"id", i}, {"file_name", name}});
      set["annotations"].push_back({{"image_id", i}, {"category_id", 1 + i % 2}, {"bbox", {left, top, width, height}}});
    }
    write("set.json", set.dump());
  }
};

TEST_F(Detect, FindsObjects) {
  const Outcome o = run(
      "train detect set.json --channels 8 16 16 --features 16 --epochs 20 --batch 4 --lr 0.01 --validation-split 0.1 "
      "--out out");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("29 training, 3 validation and 8 test pictures of 48 × 48, 2 classes"));
  EXPECT_THAT(o.out, ContainsRegex("\ntest mAP@0.5 (0\\.9|1\\.0)"));
  EXPECT_THAT(files("out"),
              IsSupersetOf({"config.json", "model.safetensors", "model.mmd", "report.html", "found.png"}));
  const auto config = nlohmann::json::parse(content_of(folder_ / "out/config.json"));
  EXPECT_EQ(config["kind"], "detector");
  EXPECT_EQ(config["classes"], nlohmann::json({"tall", "wide"}));

  const Outcome said = run("predict --model out pictures/3.pgm --picture boxes.png");
  ASSERT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.out,
              ContainsRegex("^pictures/3.pgm\n   1 +[0-9.]+ %  wide, from 2[0-9], 1[0-9] to 4[0-9], [23][0-9]\n"));
  // Ten times as large: 480 pixels are shown at least.
  EXPECT_EQ(content_of(folder_ / "boxes.png").substr(16, 8), std::string("\0\0\x01\xe0\0\0\x01\xe0", 8));
  const auto json = nlohmann::json::parse(run("predict --model out pictures/2.pgm --json").out);
  ASSERT_GE(json["objects"].size(), 1u);
  EXPECT_EQ(json["objects"][0]["class"], "tall");
  EXPECT_NEAR(json["objects"][0]["bbox"][3].get<double>(), 24, 6);
  EXPECT_THAT(run("predict --model out pictures/2.pgm --least-score 1").out, HasSubstr("nothing with a score of 1"));
  EXPECT_EQ(run("export out -o model.onnx").status, 0);
  expect_refused("predict --model out set.json", {"set.json: is no picture"});
}

TEST_F(Detect, SaysWhatIsWrong) {
  expect_refused("train detect missing.json --out m", {"missing.json: cannot read the file"});
  expect_refused("train detect set.json --pictures elsewhere --out m",
                 {"elsewhere/pictures/0.pgm: cannot read the file"});
  expect_refused("train detect set.json --channels 8 8 --out m", {"Detector: 2 channels; three at least are needed"});
  expect_refused("train detect --size 32 32 --out m", {"--test, --pictures and --size are for pictures of your own"});
  write("bad.json", "{\"images\": [\n,]}");
  expect_refused("train detect bad.json --out m", {"bad.json:2"});
}

}  // namespace
}  // namespace tapegrad::tools
