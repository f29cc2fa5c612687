// tapegrad train generator, on pictures small enough for a test.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "program.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class Generator : public Program {
 protected:
  /// Pictures of 8 × 8, bright on the left or on the right.
  Generator() {
    for (int i = 0; i < 60; ++i) {
      std::string pixels;
      for (int p = 0; p < 64; ++p) pixels += static_cast<char>((p % 8 < 4) == (i % 2 == 0) ? 200 + i % 7 : 20 + i % 5);
      write("set/" + std::string(i % 2 ? "right/" : "left/") + std::to_string(i) + ".pgm", "P5 8 8 255\n" + pixels);
    }
  }
  static constexpr const char* kSmall = " --channels 4 8 --hidden 16 --latent 2 --batch 8 --validation-split 0.1 ";
};

TEST_F(Generator, MakesPicturesByAnAutoencoder) {
  const std::string small = kSmall;
  const Outcome o = run("train generator set" + small + "--epochs 30 --lr 0.01 --out vae");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("43 training, 5 validation and 12 test images of 8 × 8"));
  // Far less than 64 pixels of one bit each, 44 nats, and below what the pixels' means tell.
  EXPECT_THAT(o.out, ContainsRegex("\ntest negative ELBO, nats (2[0-9]|3[0-4])\\."));
  EXPECT_THAT(o.out, ContainsRegex("\ntest pixels by their means alone, nats 4[0-9]"));
  EXPECT_THAT(files("vae"), IsSupersetOf({"config.json", "interpolations.png", "model.mmd", "model.safetensors",
                                          "report.html", "samples.png"}));
  EXPECT_EQ(nlohmann::json::parse(content_of(folder_ / "vae/config.json"))["model"], "vae");

  const Outcome made = run("generate --model vae --count 12 --picture new.png");
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(made.out, "12 images: new.png\n");
  // Ten in a row, two rows, each pixel as two by two.
  EXPECT_EQ(content_of(folder_ / "new.png").substr(16, 8), std::string("\0\0\0\xa0\0\0\0\x20", 8));
  EXPECT_EQ(run("generate --model vae --interpolate --count 3 --picture rows.png").out,
            "3 rows from one image to another: rows.png\n");
  EXPECT_EQ(run("export vae -o decoder.onnx").status, 0);

  expect_refused("generate --model vae", {"name the PNG file to write, with --picture"});
  expect_refused("generate --model vae --prompt a --picture p.png", {"--prompt is for texts; vae makes pictures"});
  expect_refused("predict --model vae set/left/0.pgm", {"the image generator in vae does not classify"});
}

TEST_F(Generator, MakesPicturesByAGan) {
  const std::string small = kSmall;
  ASSERT_EQ(run("train images set --model mlp --hidden 8 --epochs 8 --out classifier").status, 0);
  const Outcome o = run("train generator set" + small + "--model gan --epochs 3 --classifier classifier --out gan");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, ContainsRegex("\ntest distance by the critic -?[0-9]"));
  EXPECT_THAT(o.out, ContainsRegex("\ntest share classified with confidence of 0\\.9 [01]\\.[0-9]"));
  EXPECT_EQ(run("generate --model gan --picture new.png").status, 0);
}

TEST_F(Generator, GoesOnWhereItWasStopped) {
  const std::string gan = std::string("train generator set") + kSmall + "--model gan --quiet ";
  ASSERT_EQ(run(gan + "--epochs 2 --out whole").status, 0);
  ASSERT_EQ(run(gan + "--epochs 2 --checkpoints kept --out again").status, 0);
  EXPECT_EQ(content_of(folder_ / "whole/model.safetensors"), content_of(folder_ / "again/model.safetensors"));
}

TEST_F(Generator, SaysWhatIsWrong) {
  expect_refused("train generator missing --out m", {"missing: is no folder"});
  expect_refused("train generator set --classifier missing --epochs 1 --out m", {"missing/config.json"});
}

}  // namespace
}  // namespace tapegrad::tools
