#include <gmock/gmock.h>

#include <bit>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/train/observers.hpp>

#include "../temporary_folder.hpp"

namespace tapegrad::train {
namespace {

using namespace optim;

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// One call of fit() on a model of three classes.
History train(FitOptions options) {
  Rng rng(1);
  nn::Linear model(4, 3, {.rng = &rng});
  Trainer trainer(model, Sgd{.lr = 0.1}, nn::cross_entropy);
  options.batch_size = 8;
  options.validation_split = 0.2;
  return trainer.fit(data::TensorDataset(randn({40, 4}, f32, rng), randint(0, 3, {40}, rng)), options);
}

TEST(MetricsLog, HasALineAnEpochAlsoAfterAResumption) {
  const TemporaryFolder folder;
  MetricsLog log(folder.path("metrics.jsonl"));
  int seen = 0;
  FitOptions options{.epochs = 4, .checkpoint = {.folder = folder.path("c")}, .observers = {&log}};
  options.should_stop = [&] { return ++seen == 12; };
  train(options);
  MetricsLog other(folder.path("metrics.jsonl"));
  options.observers = {&other};
  options.should_stop = {};
  options.resume = true;
  const History history = train(options);
  EXPECT_EQ(content_of(folder.path("metrics.jsonl")), metrics_jsonl(history.epochs));
  std::istringstream lines(content_of(folder.path("metrics.jsonl")));
  std::int64_t epoch = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["epoch"], ++epoch);
    EXPECT_TRUE(json["validation_accuracy"].is_number());
  }
  EXPECT_EQ(epoch, 4);
  EpochRecord bad;
  bad.train.loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(metrics_jsonl({&bad, 1}), HasSubstr("\"loss\":null"));
}

// ---- TensorBoard's format, read independently of how it was written ----

std::uint32_t masked_crc(const std::string& data) {
  std::uint32_t sum = 0xFFFFFFFF;
  for (const char c : data)
    for (int bit = 0; bit < 8; ++bit) {
      const bool carry = ((sum ^ static_cast<std::uint32_t>(static_cast<unsigned char>(c) >> bit)) & 1u) != 0;
      sum = (sum >> 1) ^ (carry ? 0x82F63B78u : 0u);
    }
  sum = ~sum;
  return ((sum >> 15) | (sum << 17)) + 0xA282EAD8u;
}

std::uint64_t fixed(const std::string& data, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(data[at + i]);
  return value;
}

std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < file.size();) {
    const std::size_t length = fixed(file, at, 8);
    EXPECT_EQ(fixed(file, at + 8, 4), masked_crc(file.substr(at, 8)));
    found.push_back(file.substr(at + 12, length));
    EXPECT_EQ(fixed(file, at + 12 + length, 4), masked_crc(found.back()));
    at += 16 + length;
  }
  return found;
}

// Field number → content; numbers as text.
std::map<int, std::string> fields(const std::string& message) {
  std::map<int, std::string> found;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(message.at(at++));
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const std::uint64_t key = varint();
    const int number = static_cast<int>(key >> 3);
    if ((key & 7) == 0) {
      found[number] = std::to_string(varint());
      continue;
    }
    const std::size_t size = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : varint();
    found[number] = message.substr(at, size);
    at += size;
  }
  return found;
}

struct Scalar {
  std::string tag;
  std::int64_t step;
  float value;
  friend bool operator==(const Scalar&, const Scalar&) = default;
};

std::vector<Scalar> scalars(const fs::path& file) {
  std::vector<Scalar> found;
  const auto all = records(content_of(file));
  EXPECT_EQ(fields(all.at(0))[3], "brain.Event:2");
  for (std::size_t i = 1; i < all.size(); ++i) {
    auto event = fields(all[i]);
    EXPECT_GT(std::bit_cast<double>(fixed(event[1], 0, 8)), 1.5e9);
    if (event.contains(7)) {
      EXPECT_EQ(fields(event[7])[1], "1");
      found.push_back({"restart", std::stoll(event[2]), 0});
      continue;
    }
    auto value = fields(fields(event[5])[1]);
    found.push_back(
        {value[1], std::stoll(event[2]), std::bit_cast<float>(static_cast<std::uint32_t>(fixed(value[2], 0, 4)))});
  }
  return found;
}

TEST(EventFile, ReadsBack) {
  EXPECT_EQ(masked_crc("123456789"), ((0xE3069283u >> 15) | (0xE3069283u << 17)) + 0xA282EAD8u) << "the known value";
  const TemporaryFolder folder;
  EventFile file(folder.path("runs/one")), second(folder.path("runs/one"));
  file.scalar("loss", 0, 1.5);
  file.scalar(std::string(200, 'x'), 1'000'000, -0.25);
  file.restart(300);
  file.flush();
  EXPECT_NE(file.path(), second.path());
  EXPECT_THAT(file.path().filename().string(), ::testing::StartsWith("events.out.tfevents."));
  EXPECT_THAT(scalars(file.path()), ElementsAre(Scalar{"loss", 0, 1.5}, Scalar{std::string(200, 'x'), 1'000'000, -0.25},
                                                Scalar{"restart", 300, 0}));
  EXPECT_THROW(EventFile("/proc/none"), IoError);
}

TEST(TensorBoardLog, WritesBatchesAndEpochs) {
  const TemporaryFolder folder;
  FitOptions options{.epochs = 2};
  History history;
  {
    TensorBoardLog log(folder.path(), 2);
    options.observers = {&log};
    history = train(options);
  }
  std::vector<std::string> tags;
  std::vector<Scalar> found = scalars(fs::directory_iterator(folder.path())->path());
  for (const Scalar& scalar : found) tags.push_back(scalar.tag + "@" + std::to_string(scalar.step));
  EXPECT_THAT(tags, ElementsAre("batch/loss@2", "batch/loss@4", "train/loss@4", "train/accuracy@4", "validation/loss@4",
                                "validation/accuracy@4", "lr@4", "batch/loss@6", "batch/loss@8", "train/loss@8",
                                "train/accuracy@8", "validation/loss@8", "validation/accuracy@8", "lr@8"));
  EXPECT_EQ(found[4].value, static_cast<float>(history.epochs[0].validation->loss));
  EXPECT_THROW(TensorBoardLog(folder.path(), 0), ValueError);
}

TEST(Report, IsOnePageThatNeedsNothingElse) {
  Report report{.title = "A & <b>",
                .facts = {{"test accuracy", "0.9"}},
                .tables = {{"Columns", {"name"}, {{"<height>"}}}},
                .epochs = train({.epochs = 3}).epochs,
                .class_names = {"cat", "d<o>g"},
                .summary = "Linear <4>",
                .graph_svg = "<?xml version=\"1.0\"?>\n<!DOCTYPE svg>\n<svg id=\"graph\"></svg>"};
  for (const auto& [target, answer] : {std::pair{0, 0}, {0, 1}, {1, 1}, {1, 1}}) report.confusion.add(target, answer);
  const std::string page = report_html(report);
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("A &amp; &lt;b&gt;"));
  EXPECT_THAT(page, HasSubstr("d&lt;o&gt;g"));
  EXPECT_THAT(page, HasSubstr("Linear &lt;4&gt;"));
  EXPECT_THAT(page, HasSubstr("<h2>Columns</h2>\n<table>\n<tr><th>name</th></tr>\n<tr><td>&lt;height&gt;</td></tr>"));
  EXPECT_THAT(page, HasSubstr("<div class=\"picture\"><svg id=\"graph\">"));
  EXPECT_THAT(page, HasSubstr("validation accuracy"));
  EXPECT_THAT(page, HasSubstr("<td>0.667</td><td>1.000</td>"));
  EXPECT_THAT(page, HasSubstr("<polyline"));
  for (const char* outside : {"<script", "src=", "href=", "url(", "@import"})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  const TemporaryFolder folder;
  save_report(folder.path("report.html"), report);
  EXPECT_EQ(content_of(folder.path("report.html")), page);
  EXPECT_THAT(report_html({}), Not(HasSubstr("Confusion")));
}

}  // namespace
}  // namespace tapegrad::train
