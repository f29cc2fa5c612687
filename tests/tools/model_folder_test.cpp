// A trained model whose files have been tampered with.

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "program.hpp"

namespace tapegrad::tools {
namespace {

using nlohmann::json;

class ModelFolder : public Program {
 protected:
  void SetUp() override {
    write_texts("texts.tsv");
    ASSERT_EQ(run("train text texts.tsv --out model --epochs 1 --hidden 8").status, 0);
    config_ = json::parse(content_of(folder_ / "model/config.json"));
    weights_ = content_of(folder_ / "model/model.safetensors");
    vocabulary_ = content_of(folder_ / "model/vocabulary.txt");
  }
  void expect_config_refused(const json& config, const std::string& why) {
    write("model/config.json", config.dump());
    expect_refused("predict --model model 'a small animal'", {"model/config.json", why});
    write("model/config.json", config_.dump());
  }

  json config_;
  std::string weights_, vocabulary_;
};

TEST_F(ModelFolder, ConfigIsTakenAtItsWordNowhere) {
  for (const auto& [key, unused] : config_.items()) {
    json without = config_;
    without.erase(key);
    expect_config_refused(without, "it has no \"" + key + "\"");
    for (const json& value : {json(nullptr), json::object(), json("x"), json(-1), json(1.5), json(1e300)}) {
      if (value.is_number() && (key == "dropout" || key == "mean_dropout")) continue;
      json other = config_;
      other[key] = value;
      expect_config_refused(other, "");
    }
  }
  for (const char* key : {"embedding", "hidden"}) {
    json huge = config_;
    const json size = 1 << 20;
    huge[key] = huge[key].is_array() ? json{size, size} : size;
    expect_config_refused(huge, "its sizes ask for more than model.safetensors holds");
  }
  json more = config_;
  more["magic"] = 1;
  expect_config_refused(more, "it has \"magic\", which means nothing here");
  json deep = config_;
  deep["hidden"] = std::vector<int>(100'000, 1);
  expect_config_refused(deep, "its sizes ask for more than model.safetensors holds");
  json twice = config_;
  twice["classes"] = {"tool", "tool"};
  expect_config_refused(twice, "\"classes\" has tool twice");
  write("model/config.json", "{\"kind\": \"text classifier\", \"kind\": \"text classifier\"}");
  expect_refused("predict --model model bird", {"model/config.json", "the key \"kind\" twice"});
}

// As version 0.1.0 wrote it.
TEST_F(ModelFolder, ConfigOfTheFirstReleaseIsRead) {
  const std::string answer = run("predict --model model 'a small animal'").out;
  write("model/config.json", R"({
  "kind": "text classifier",
  "version": 1,
  "classes": ["bird", "tool"],
  "embedding": 32,
  "hidden": [8],
  "dropout": 0.0,
  "mean_dropout": 0.0,
  "sparse": true,
  "vocabulary": )" + config_["vocabulary"].dump() +
                                 R"(,
  "max_length": 512,
  "keep_unknown": true,
  "lower_case": true,
  "strip_html": true
}
)");
  EXPECT_EQ(json::parse(content_of(folder_ / "model/config.json")), config_);
  EXPECT_EQ(run("predict --model model 'a small animal'").out, answer);
}

TEST_F(ModelFolder, NonFiniteWeightsAreNamed) {
  std::string bad = weights_;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bad.data() + bad.size() - sizeof nan, &nan, sizeof nan);
  write("model/model.safetensors", bad);
  expect_refused("predict --model model 'a small animal'",
                 {"model/model.safetensors: the tensor ", "has a NaN or an infinity", "--allow-nonfinite"});
  EXPECT_EQ(run("predict --model model --allow-nonfinite 'a small animal'").status, 0);
}

TEST_F(ModelFolder, EscapesInClassNamesReachNoTerminal) {
  json config = config_;
  config["classes"] = {"\x1B]0;owned\x07",
                       "\xC2\x9B"
                       "2J"};
  write("model/config.json", config.dump());
  const Outcome o = run("predict --model model 'a small animal'");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(o.out.find('\x1B'), std::string::npos);
  EXPECT_EQ(o.out.find("\xC2\x9B"), std::string::npos);
  EXPECT_THAT(o.out, ::testing::HasSubstr("\\x1B]0;owned\\x07"));
  expect_refused("predict --model 'no\x1B[2Jsuch' bird", {"\\x1B[2J"});
}

TEST_F(ModelFolder, TextsWithoutAWordHaveNoAnswer) {
  for (const char* text : {"''", "'   '", "'!?'"})
    expect_refused(std::string("predict --model model ") + text, {"there is no word in it"});
}

TEST_F(ModelFolder, FilesAreRegular) {
  for (const char* file : {"config.json", "vocabulary.txt", "model.safetensors"}) {
    const fs::path path = folder_ / "model" / file;
    fs::rename(path, folder_ / "kept");
    fs::create_symlink("/dev/zero", path);
    expect_refused("predict --model model bird", {file, "it is not a regular file"});
    fs::remove(path);
    fs::rename(folder_ / "kept", path);
  }
}

}  // namespace
}  // namespace tapegrad::tools
