#include "scenes.hpp"

#include <algorithm>
#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <vector>

namespace tapegrad::tools {
namespace {

constexpr double kVisible = 24;  // of 255: what is darker belongs to no thing

struct Rectangle {
  double left, top, width, height;
  double area() const { return width * height; }
};

double common_area(const Rectangle& a, const Rectangle& b) {
  const double w = std::min(a.left + a.width, b.left + b.width) - std::max(a.left, b.left);
  const double h = std::min(a.top + a.height, b.top + b.height) - std::max(a.top, b.top);
  return std::max(0.0, w) * std::max(0.0, h);
}

/// One picture of the set.
class Thing {
 public:
  Thing(const data::ImageDataset& set, std::int64_t row)
      : height_(set.height()), width_(set.width()), pixels_(set.images().data<std::uint8_t>()) {
    pixels_ =
        pixels_.subspan(static_cast<std::size_t>(row * height_ * width_), static_cast<std::size_t>(height_ * width_));
  }

  /// Between pixels, whose middles lie at 1/2; 0 outside.
  double at(double x, double y) const {
    const double left = std::floor(x - 0.5), top = std::floor(y - 0.5), fx = x - 0.5 - left, fy = y - 0.5 - top;
    return (1 - fy) * ((1 - fx) * pixel(left, top) + fx * pixel(left + 1, top)) +
           fy * ((1 - fx) * pixel(left, top + 1) + fx * pixel(left + 1, top + 1));
  }

  /// The smallest box around what is visible; all of it, where nothing is.
  Rectangle bounds() const {
    std::int64_t left = width_, top = height_, right = 0, bottom = 0;
    for (std::int64_t y = 0; y < height_; ++y)
      for (std::int64_t x = 0; x < width_; ++x)
        if (pixels_[static_cast<std::size_t>(y * width_ + x)] >= kVisible) {
          left = std::min(left, x);
          right = std::max(right, x + 1);
          top = std::min(top, y);
          bottom = std::max(bottom, y + 1);
        }
    if (left >= right) return {0, 0, static_cast<double>(width_), static_cast<double>(height_)};
    return {static_cast<double>(left), static_cast<double>(top), static_cast<double>(right - left),
            static_cast<double>(bottom - top)};
  }

  /// A part of about a third of the height and width.
  Rectangle patch(Rng& rng) const {
    const double w = static_cast<double>(width_) * (0.2 + 0.3 * rng.uniform()),
                 h = static_cast<double>(height_) * (0.2 + 0.3 * rng.uniform());
    return {rng.uniform() * (static_cast<double>(width_) - w), rng.uniform() * (static_cast<double>(height_) - h), w,
            h};
  }

 private:
  double pixel(double x, double y) const {
    if (x < 0 || y < 0 || x >= static_cast<double>(width_) || y >= static_cast<double>(height_)) return 0;
    return pixels_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)];
  }

  std::int64_t height_, width_;
  std::span<const std::uint8_t> pixels_;
};

class Scene {
 public:
  Scene(std::int64_t side, Rng& rng) : side_(side), rng_(rng), pixels_(static_cast<std::size_t>(side * side)) {
    const double base = 50 * rng_.uniform(), across = 40 * (rng_.uniform() - 0.5), down = 40 * (rng_.uniform() - 0.5);
    for (std::size_t i = 0; i < pixels_.size(); ++i) {
      const auto x = static_cast<double>(i % static_cast<std::size_t>(side_)) / static_cast<double>(side_),
                 y = static_cast<double>(i / static_cast<std::size_t>(side_)) / static_cast<double>(side_);
      pixels_[i] = std::max(0.0, base + across * (x - 0.5) + down * (y - 0.5));
    }
  }

  /// A place within the scene for something of this form.
  Rectangle place(const Rectangle& form, double longer_side) {
    const double scale = longer_side / std::max(form.width, form.height);
    const double w = form.width * scale, h = form.height * scale, side = static_cast<double>(side_);
    return {rng_.uniform() * (side - w), rng_.uniform() * (side - h), w, h};
  }

  /// Paints the part `from` of a thing at `to`; what is dark in it lets the scene through.
  void paint(const Thing& thing, const Rectangle& from, const Rectangle& to) {
    const double brightness = 0.7 + 0.3 * rng_.uniform();
    const bool mirrored = rng_.uniform() < 0.5;
    const auto end = [&](double edge) { return std::min(side_, static_cast<std::int64_t>(std::ceil(edge))); };
    for (auto y = static_cast<std::int64_t>(to.top); y < end(to.top + to.height); ++y)
      for (auto x = static_cast<std::int64_t>(to.left); x < end(to.left + to.width); ++x) {
        const double across = (static_cast<double>(x) + 0.5 - to.left) / to.width,
                     down = (static_cast<double>(y) + 0.5 - to.top) / to.height;
        if (across < 0 || across > 1 || down < 0 || down > 1) continue;
        const double value =
            thing.at(from.left + from.width * (mirrored ? 1 - across : across), from.top + from.height * down);
        const double cover = std::min(1.0, value / (2 * kVisible));
        double& pixel = pixels_[static_cast<std::size_t>(y * side_ + x)];
        pixel = (1 - cover) * pixel + cover * brightness * value;
      }
  }

  void write(std::uint8_t* to) {
    const double noise = 6 * rng_.uniform();
    for (const double pixel : pixels_)
      *to++ = static_cast<std::uint8_t>(std::lround(std::clamp(pixel + noise * rng_.normal(), 0.0, 255.0)));
  }

 private:
  std::int64_t side_;
  Rng& rng_;
  std::vector<double> pixels_;
};

}  // namespace

data::ObjectPictures compose_scenes(const data::ImageDataset& things, std::span<const std::int64_t> rows,
                                    const std::vector<std::string>& classes, const SceneOptions& o) {
  data::ObjectPictures scenes{empty({o.count, 1, o.side, o.side}, u8), {}, classes};
  std::uint8_t* to = scenes.images.mutable_data<std::uint8_t>().data();
  const std::vector<double> labels = things.labels().values();
  for (std::int64_t i = 0; i < o.count; ++i) {
    Rng rng({.seed = o.seed, .position = static_cast<std::uint64_t>(i) << 32});
    const auto draw = [&] { return rows[static_cast<std::size_t>(rng.below(rows.size()))]; };
    Scene scene(o.side, rng);
    constexpr std::uint64_t kMostPatches = 8;
    for (std::uint64_t patches = 2 + rng.below(kMostPatches - 1); patches > 0; --patches) {
      const Thing thing(things, draw());
      const Rectangle part = thing.patch(rng);
      scene.paint(thing, part, scene.place(part, o.least / 2 + (o.largest / 2 - o.least / 2) * rng.uniform()));
    }
    const auto wanted =
        static_cast<std::size_t>(o.fewest) + rng.below(static_cast<std::uint64_t>(o.most - o.fewest + 1));
    std::vector<Rectangle> boxes;
    std::vector<float> objects;
    // Where it has become too full for the last ones, there are fewer.
    constexpr int kMostTries = 200;
    for (int tries = 0;
         boxes.size() < wanted && (tries < kMostTries || boxes.size() < static_cast<std::size_t>(o.fewest)); ++tries) {
      const std::int64_t row = draw();
      const Thing thing(things, row);
      const Rectangle form = thing.bounds(), box = scene.place(form, o.least + (o.largest - o.least) * rng.uniform());
      if (std::ranges::any_of(boxes, [&](const Rectangle& other) {
            return common_area(box, other) > o.overlap * std::min(box.area(), other.area());
          }))
        continue;
      scene.paint(thing, form, box);
      boxes.push_back(box);
      for (const double number :
           {box.left, box.top, box.left + box.width, box.top + box.height, labels[static_cast<std::size_t>(row)]})
        objects.push_back(static_cast<float>(number));
    }
    scene.write(to);
    to += o.side * o.side;
    scenes.objects.push_back(copy_of(objects, Shape{std::ssize(boxes), 5}));
  }
  return scenes;
}

}  // namespace tapegrad::tools
