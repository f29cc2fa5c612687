// tapegrad train speech, on tones that stand for words and letters.

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "program.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class Speech : public Program {
 protected:
  static std::string number(std::size_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  }
  /// A tenth of a second a letter, with silence around: a is low, b is high.
  void write_wav(const std::string& name, const std::string& letters, std::size_t rate, double loudness) const {
    std::string data;
    const auto tone = [&](double hertz, double seconds) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(seconds * static_cast<double>(rate)); ++i) {
        const double phase = 2 * std::numbers::pi * hertz * static_cast<double>(i) / static_cast<double>(rate);
        const double value =
            hertz > 0 ? loudness * std::sin(phase) : loudness / 100 * std::sin(static_cast<double>(i * i));
        data += number(static_cast<std::size_t>(std::lround(value) & 0xffff), 2);
      }
    };
    tone(0, 0.06);
    for (const char letter : letters) {
      tone(letter == 'a' ? 500 : 2000, 0.1);
      tone(0, 0.06);
    }
    write(name, "RIFF" + number(36 + data.size(), 4) + "WAVEfmt " + number(16, 4) + number(1, 2) + number(1, 2) +
                    number(rate, 4) + number(2 * rate, 4) + number(2, 2) + number(16, 2) + "data" +
                    number(data.size(), 4) + data);
  }
  Speech() {
    std::string list = "file,text\n";
    for (int i = 0; i < 48; ++i) {
      const std::vector<std::string> texts{"ab", "ba", "aab", "bba", "a", "b"};
      const std::string& text = texts[static_cast<std::size_t>(i) % texts.size()];
      const std::string name = "wav/" + std::to_string(i) + ".wav";
      write_wav(name, text, i % 4 < 2 ? 8000 : 16000, 3000 + 400 * i);
      list += name + "," + (i % 5 == 0 ? " A" + text.substr(1) : text) + "\n";
      if (i % 5 == 0 && text[0] != 'a') list.erase(list.rfind(name)), list += name + "," + text + "\n";
    }
    write("list.csv", list);
  }
};

TEST_F(Speech, IsSpelled) {
  const Outcome o =
      run("train speech list.csv --bands 12 --channels 16 --width 16 --epochs 30 --batch 6 --lr 0.01 --dropout 0 "
          "--no-augment "
          "--validation-split 0 --out out");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("43 training, 0 validation and 5 test recordings of 2 letters"));
  EXPECT_THAT(o.out, ContainsRegex("\ntest letters wrong 0\\.[01]"));
  EXPECT_THAT(files("out"), IsSupersetOf({"config.json", "model.safetensors", "model.mmd", "report.html"}));
  write_wav("new.wav", "abba", 22050, 9000);
  EXPECT_EQ(run("predict --model out new.wav").out, "new.wav\n  abba\n");
  EXPECT_EQ(run("predict --model out new.wav --json").out, "{\"recording\":\"new.wav\",\"text\":\"abba\"}\n");
  expect_refused("export out -o model.onnx", {"out is a speech recogniser, which cannot be exported yet"});
}

TEST_F(Speech, IsOneOfSeveralWords) {
  const Outcome o =
      run("train speech list.csv --model words --bands 12 --channels 16 --width 16 --epochs 15 --batch 6 --lr 0.01 "
          "--dropout 0 --no-augment --out out");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, ContainsRegex("\ntest accuracy (0\\.[89]|1\\.0)"));
  const auto json = nlohmann::json::parse(run("predict --model out wav/2.wav --json").out);
  EXPECT_EQ(json["class"], "aab");
}

TEST_F(Speech, SaysWhatIsWrong) {
  expect_refused("train speech missing.csv --out m", {"missing.csv: cannot read the file"});
  write("columns.csv", "sound,text\nwav/0.wav,a\n");
  expect_refused("train speech columns.csv --out m",
                 {"columns.csv: has no column file; there are \"sound\", \"text\""});
  write("gone.csv", "file,text\nwav/0.wav,a\nwav/none.wav,b\n");
  expect_refused("train speech gone.csv --out m", {"gone.csv:3: wav/none.wav: cannot read the file"});
  write("empty.csv", "file,text\nwav/0.wav,  \n");
  expect_refused("train speech empty.csv --out m", {"empty.csv:2: has no text"});
  write("long.csv", "file,text\nwav/0.wav," + std::string(80, 'x') + "\nwav/1.wav,y\nwav/2.wav,x\n");
  expect_refused("train speech long.csv --test long.csv --validation-split 0 --out m",
                 {"long.csv:2: is too short for its text, which takes 159 steps of 20 ms; there are"});
  write("other.csv", "file,text\nwav/0.wav,c\n");
  expect_refused("train speech list.csv --test other.csv --out m",
                 {"other.csv:2: \"c\" does not occur in the training"});
  write_wav("slow.wav", "a", 4000, 9000);
  write("slow.csv", "file,text\nslow.wav,a\n");
  expect_refused("train speech slow.csv --out m",
                 {"slow.csv:2: ", "slow.wav: has 4000 samples a second; 8000 at least"});
}

}  // namespace
}  // namespace tapegrad::tools
