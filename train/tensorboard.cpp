#include <tapegrad/train/observers.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <tapegrad/core/error.hpp>

namespace tapegrad::train {
namespace {

// The records are TFRecords: length, its checksum, content, its checksum. The content is protocol-buffer messages
// Event, of which five fields are needed; no library is worth that.

constexpr std::array<std::uint32_t, 256> kCastagnoli = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82F63B78u : 0);
    table[i] = value;
  }
  return table;
}();

std::uint32_t masked_crc(std::string_view data) {
  std::uint32_t sum = ~0u;
  for (const char c : data) sum = sum >> 8 ^ kCastagnoli[(sum ^ static_cast<unsigned char>(c)) & 0xff];
  return std::rotr(~sum, 15) + 0xA282EAD8u;
}

std::string fixed(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string varint(std::uint64_t value) {
  std::string text;
  for (; value > 0x7f; value >>= 7) text += static_cast<char>(value | 0x80);
  return text + static_cast<char>(value);
}

enum WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
std::string field(int number, WireType type, const std::string& content) {
  return static_cast<char>(number << 3 | type) + (type == kBytes ? varint(content.size()) : "") + content;
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

EventFile::EventFile(const std::filesystem::path& folder) {
  static std::atomic<unsigned> serial = 0;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  // TensorBoard takes the files of a folder in the order of their names, so that of the seconds.
  char host[256] = "host";
  ::gethostname(host, sizeof host - 1);
  path_ = folder / fmt::format("events.out.tfevents.{:010}.{}.{}.{}", static_cast<std::int64_t>(now()), host,
                               ::getpid(), serial++);
  if (error) fail(error.value());
  file_ = std::fopen(path_.c_str(), "wbxe");
  if (!file_) fail(errno);
  event(0, field(3, kBytes, "brain.Event:2"));
  flush();
}

EventFile::~EventFile() {
  if (file_) std::fclose(file_);
}

void EventFile::fail(int error) const {
  throw IoError(fmt::format("{}: cannot write the file: {}", path_.string(), std::generic_category().message(error)));
}

void EventFile::record(const std::string& data) {
  const std::string length = fixed(data.size(), 8);
  const std::string all = length + fixed(masked_crc(length), 4) + data + fixed(masked_crc(data), 4);
  if (std::fwrite(all.data(), 1, all.size(), file_) != all.size()) fail(errno);
}

void EventFile::event(std::int64_t step, const std::string& rest) {
  record(field(1, kFixed64, fixed(std::bit_cast<std::uint64_t>(now()), 8)) +
         field(2, kVarint, varint(static_cast<std::uint64_t>(step))) + rest);
}

void EventFile::scalar(std::string_view tag, std::int64_t step, double value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  const std::string one = field(1, kBytes, std::string(tag)) + field(2, kFixed32, fixed(bits, 4));
  event(step, field(5, kBytes, field(1, kBytes, one)));
}

void EventFile::restart(std::int64_t step) {
  constexpr std::uint64_t kStart = 1;  // of a session
  event(step, field(7, kBytes, field(1, kVarint, varint(kStart))));
}

void EventFile::flush() {
  if (std::fflush(file_) != 0) fail(errno);
}

TensorBoardLog::TensorBoardLog(const std::filesystem::path& folder, std::int64_t every) : file_(folder), every_(every) {
  if (every < 1) throw ValueError(fmt::format("TensorBoardLog: every is {}; it is at least 1", every));
}

void TensorBoardLog::on_start(Trainer& trainer, const StartRecord& start) {
  // The next step is the first that counts anew.
  if (start.resumed) file_.restart(trainer.optimizer().steps() + 1);
}

void TensorBoardLog::on_step(Trainer& trainer, const StepRecord& step) {
  const std::int64_t steps = trainer.optimizer().steps();
  if (step.step_loss && steps % every_ == 0) file_.scalar("batch/loss", steps, *step.step_loss);
}

void TensorBoardLog::on_epoch(Trainer& /*trainer*/, const EpochRecord& epoch) {
  const auto write = [&](const std::string& part, const Scores& scores) {
    file_.scalar(part + "/loss", epoch.steps, scores.loss);
    for (const auto& [name, value] : scores.metrics) file_.scalar(part + "/" + name, epoch.steps, value);
  };
  write("train", epoch.train);
  if (epoch.validation) write("validation", *epoch.validation);
  file_.scalar("lr", epoch.steps, epoch.lr);
  file_.flush();
}

}  // namespace tapegrad::train
