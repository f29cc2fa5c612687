#include "box_picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <tapegrad/data/images.hpp>
#include <tapegrad/ops/arrange.hpp>

namespace tapegrad::tools {
namespace {

using Colour = std::array<std::uint8_t, 3>;

// Okabe and Ito's, which most people can tell apart, and mixtures.
constexpr std::array<Colour, 10> kColours{{{230, 159, 0},
                                           {86, 180, 233},
                                           {0, 158, 115},
                                           {240, 228, 66},
                                           {0, 114, 178},
                                           {213, 94, 0},
                                           {204, 121, 167},
                                           {170, 220, 120},
                                           {160, 130, 240},
                                           {255, 160, 160}}};

// Digits of three by five dots, row by row from the top, the first dot in the highest bit.
constexpr std::array<unsigned, 10> kDigits{0b111101101101111, 0b010110010010111, 0b111001111100111, 0b111001111001111,
                                           0b101101111001001, 0b111100111001111, 0b111100111101111, 0b111001010010010,
                                           0b111101111101111, 0b111101111001111};
constexpr std::int64_t kDigitWidth = 3, kDigitHeight = 5, kDot = 2, kLine = 2;

class Canvas {
 public:
  explicit Canvas(const Tensor& picture) : height_(picture.size(0)), width_(picture.size(1)), pixels_(picture) {
    to_ = pixels_.mutable_data<std::uint8_t>();
  }

  void fill(std::int64_t left, std::int64_t top, std::int64_t right, std::int64_t bottom, const Colour& colour) {
    for (std::int64_t y = std::max<std::int64_t>(0, top); y < std::min(height_, bottom); ++y)
      for (std::int64_t x = std::max<std::int64_t>(0, left); x < std::min(width_, right); ++x)
        std::ranges::copy(colour, to_.subspan(static_cast<std::size_t>(3 * (y * width_ + x))).begin());
  }

  void frame(std::int64_t left, std::int64_t top, std::int64_t right, std::int64_t bottom, const Colour& colour) {
    fill(left, top, right, top + kLine, colour);
    fill(left, bottom - kLine, right, bottom, colour);
    fill(left, top, left + kLine, bottom, colour);
    fill(right - kLine, top, right, bottom, colour);
  }

  void number(std::size_t value, std::int64_t left, std::int64_t top, const Colour& behind) {
    const std::string digits = std::to_string(value);
    const std::int64_t step = (kDigitWidth + 1) * kDot;
    fill(left, top, left + step * std::ssize(digits) + kDot, top + (kDigitHeight + 2) * kDot, behind);
    for (std::int64_t i = 0; const char digit : digits) {
      const unsigned dots = kDigits[static_cast<std::size_t>(digit - '0')];
      for (std::int64_t dot = 0; dot < kDigitWidth * kDigitHeight; ++dot) {
        if ((dots >> (kDigitWidth * kDigitHeight - 1 - dot) & 1) == 0) continue;
        const std::int64_t x = left + step * i + kDot * (1 + dot % kDigitWidth),
                           y = top + kDot * (1 + dot / kDigitWidth);
        fill(x, y, x + kDot, y + kDot, {0, 0, 0});
      }
      ++i;
    }
  }

  Tensor done() const { return pixels_; }

 private:
  std::int64_t height_, width_;
  Tensor pixels_;
  std::span<std::uint8_t> to_;
};

}  // namespace

Tensor with_boxes(const Tensor& picture, const Detections& objects) {
  constexpr std::int64_t kShown = 480;  // pixels that the longer side has at least
  const std::int64_t times = (kShown - 1) / std::max(picture.size(0), picture.size(1)) + 1;
  Canvas canvas(repeat(repeat(data::with_channels(picture, 3), times, 0), times, 1).clone());
  const std::vector<double> edges = objects.boxes.values(), classes = objects.classes.values();
  // The surest on top.
  for (std::size_t i = classes.size(); i-- > 0;) {
    const auto edge = [&](std::size_t e) { return std::llround(edges[4 * i + e] * static_cast<double>(times)); };
    const Colour& colour = kColours[static_cast<std::size_t>(classes[i]) % kColours.size()];
    canvas.frame(edge(0), edge(1), edge(2), edge(3), colour);
    canvas.number(i + 1, edge(0), edge(1), colour);
  }
  return canvas.done();
}

}  // namespace tapegrad::tools
