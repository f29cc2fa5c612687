#include <tapegrad/data/images.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/data/audio.hpp>
#include <tapegrad/data/detection.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/data/token_stream.hpp>
#include <tuple>
#include <utility>

namespace tapegrad::data::augment {
namespace {

// Different augmentations with one seed draw different numbers.
enum class Kind : std::uint64_t { flip = 1, shift, crop, noise, features, tokens };

Rng rng_of(Kind kind, std::uint64_t seed, std::int64_t epoch, std::int64_t row) {
  // Every image of every epoch has 2^24 words for itself in the sequence of a key.
  Rng key({.seed = seed, .position = static_cast<std::uint64_t>(kind) << 56});
  key.skip(4 * static_cast<std::uint64_t>(epoch));
  return Rng({.seed = key.next_u64(), .position = static_cast<std::uint64_t>(row) << 24});
}

struct Images {
  std::int64_t count, channels, height, width;
};

Images images_of(const Batch& batch, std::span<const std::int64_t> rows, const char* name) {
  if (batch.inputs.empty() || batch.inputs[0].rank() != 4 || batch.inputs[0].size(0) != std::ssize(rows) ||
      !is_floating(batch.inputs[0].dtype()))
    throw ShapeError(fmt::format("augment::{}: the batch's first input is {}; expected images, floating [N, C, H, W]",
                                 name, batch.inputs.empty() ? "missing" : describe(batch.inputs[0])));
  const Shape& s = batch.inputs[0].shape();
  return {s[0], s[1], s[2], s[3]};
}

// The window of `height` × `width` at (top, left) of each plane of an image; what lies outside is 0.
template <class T>
void cut(const T* from, T* to, const Images& in, std::int64_t top, std::int64_t left, std::int64_t height,
         std::int64_t width) {
  for (std::int64_t c = 0; c < in.channels; ++c)
    for (std::int64_t y = 0; y < height; ++y, to += width) {
      const std::int64_t row = top + y;
      const std::int64_t begin = std::clamp<std::int64_t>(-left, 0, width);
      const std::int64_t end = std::clamp<std::int64_t>(in.width - left, begin, width);
      if (row < 0 || row >= in.height) continue;
      std::copy_n(from + (c * in.height + row) * in.width + left + begin, end - begin, to + begin);
    }
}

using Corner = std::pair<std::int64_t, std::int64_t>;
void cut_all(Batch& batch, const Images& in, std::int64_t height, std::int64_t width,
             const std::function<Corner(std::int64_t)>& corner_of) {
  const Tensor from = batch.inputs[0].contiguous();
  Tensor to = zeros({in.count, in.channels, height, width}, from.dtype());
  dispatch_floating(from.dtype(), [&]<class T>() {
    for (std::int64_t i = 0; i < in.count; ++i) {
      const auto [top, left] = corner_of(i);
      cut(from.data<T>().data() + i * in.channels * in.height * in.width,
          to.mutable_data<T>().data() + i * in.channels * height * width, in, top, left, height, width);
    }
  });
  batch.inputs[0] = std::move(to);
}

std::int64_t between(Rng& rng, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(high - low) + 1));
}

}  // namespace

Transform flip(std::uint64_t seed, double probability) {
  if (!(probability >= 0 && probability <= 1))
    throw ValueError(fmt::format("augment::flip: the probability is {}; it must lie in [0, 1]", probability));
  return [=](Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch) {
    const Images in = images_of(batch, rows, "flip");
    Tensor images = batch.inputs[0].clone();
    dispatch_floating(images.dtype(), [&]<class T>() {
      T* line = images.mutable_data<T>().data();
      for (const std::int64_t row : rows) {
        const bool flips = rng_of(Kind::flip, seed, epoch, row).uniform() < probability;
        for (std::int64_t i = 0; i < in.channels * in.height; ++i, line += in.width)
          if (flips) std::reverse(line, line + in.width);
      }
    });
    batch.inputs[0] = std::move(images);
  };
}

Transform flip_objects(std::uint64_t seed, double probability) {
  return [=, pictures = flip(seed, probability)](Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch) {
    const Images in = images_of(batch, rows, "flip_objects");
    if (batch.targets.rank() != 3 || batch.targets.size(2) != 5 || batch.targets.dtype() != f32)
      throw ShapeError(fmt::format("augment::flip_objects: the batch's targets are {}; expected objects, f32 [N, n, 5]",
                                   describe(batch.targets)));
    pictures(batch, rows, epoch);
    Tensor objects = batch.targets.clone();
    float* object = objects.mutable_data<float>().data();
    const auto width = static_cast<float>(in.width);
    for (const std::int64_t row : rows) {
      const bool flips = rng_of(Kind::flip, seed, epoch, row).uniform() < probability;  // as the picture's
      for (std::int64_t i = 0; i < objects.size(1); ++i, object += 5)
        if (flips) std::tie(object[0], object[2]) = std::pair(width - object[2], width - object[0]);
    }
    batch.targets = std::move(objects);
  };
}

Transform shift(std::uint64_t seed, std::int64_t pixels) {
  if (pixels < 0) throw ValueError(fmt::format("augment::shift: {} pixels", pixels));
  return [=](Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch) {
    const Images in = images_of(batch, rows, "shift");
    cut_all(batch, in, in.height, in.width, [&](std::int64_t i) {
      Rng rng = rng_of(Kind::shift, seed, epoch, rows[static_cast<std::size_t>(i)]);
      const std::int64_t top = between(rng, -pixels, pixels);
      return Corner{top, between(rng, -pixels, pixels)};
    });
  };
}

Transform crop(std::uint64_t seed, std::int64_t height, std::int64_t width) {
  if (height < 1 || width < 1) throw ValueError(fmt::format("augment::crop: a window of {} × {}", height, width));
  return [=](Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch) {
    const Images in = images_of(batch, rows, "crop");
    if (height > in.height || width > in.width)
      throw ShapeError(
          fmt::format("augment::crop: a window of {} × {} of images of {} × {}", height, width, in.height, in.width));
    cut_all(batch, in, height, width, [&](std::int64_t i) {
      Rng rng = rng_of(Kind::crop, seed, epoch, rows[static_cast<std::size_t>(i)]);
      const std::int64_t top = between(rng, 0, in.height - height);
      return Corner{top, between(rng, 0, in.width - width)};
    });
  };
}

Transform noise(std::uint64_t seed, double deviation) {
  if (!(deviation >= 0)) throw ValueError(fmt::format("augment::noise: the deviation is {}", deviation));
  return [=](Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch) {
    const Images in = images_of(batch, rows, "noise");
    Tensor images = batch.inputs[0].clone();
    dispatch_floating(images.dtype(), [&]<class T>() {
      T* pixel = images.mutable_data<T>().data();
      for (const std::int64_t row : rows) {
        Rng rng = rng_of(Kind::noise, seed, epoch, row);
        for (std::int64_t i = 0; i < in.channels * in.height * in.width; ++i)
          *pixel++ += static_cast<T>(deviation * rng.normal());
      }
    });
    batch.inputs[0] = std::move(images);
  };
}

Transform vary_features(std::uint64_t seed, const VaryFeaturesOptions& o) {
  if (o.shift < 0 || o.bands < 0 || o.times < 0 || o.stripes < 0)
    throw ValueError(
        fmt::format("augment::vary_features: shift {}, {} stripes of {} bands and of {} times; none may be below 0",
                    o.shift, o.stripes, o.bands, o.times));
  return [=](Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch) {
    if (batch.inputs.empty() || batch.inputs[0].rank() != 3 || batch.inputs[0].size(0) != std::ssize(rows) ||
        batch.inputs[0].dtype() != f32)
      throw ShapeError(
          fmt::format("augment::vary_features: the batch's first input is {}; expected features, f32 [N, time, bands]",
                      batch.inputs.empty() ? "missing" : describe(batch.inputs[0])));
    const Tensor from = batch.inputs[0].contiguous();
    const std::int64_t times = from.size(1), bands = from.size(2);
    Tensor to = zeros(from.shape());
    const float* in = from.data<float>().data();
    float* out = to.mutable_data<float>().data();
    for (const std::int64_t row : rows) {
      Rng rng = rng_of(Kind::features, seed, epoch, row);
      const std::int64_t up = between(rng, -o.shift, o.shift);
      for (std::int64_t t = 0; t < times; ++t)
        for (std::int64_t b = std::max<std::int64_t>(0, up); b < std::min(bands, bands + up); ++b)
          out[t * bands + b] = in[t * bands + b - up];
      for (std::int64_t stripe = 0; stripe < o.stripes; ++stripe) {
        const std::int64_t wide = between(rng, 0, std::min(o.bands, bands)), band = between(rng, 0, bands - wide);
        const std::int64_t longest = between(rng, 0, std::min(o.times, times)), time = between(rng, 0, times - longest);
        for (std::int64_t t = 0; t < times; ++t) std::fill_n(out + t * bands + band, wide, 0.0F);
        std::fill_n(out + time * bands, longest * bands, 0.0F);
      }
      in += times * bands;
      out += times * bands;
    }
    batch.inputs[0] = std::move(to);
  };
}

Transform mask_tokens(std::uint64_t seed, const MaskTokensOptions& o) {
  if (!(o.share > 0 && o.share < 1) || o.tokens < 1)
    throw ValueError(fmt::format("augment::mask_tokens: a share of {} and {} tokens; the share lies between 0 and 1",
                                 o.share, o.tokens));
  return [=](Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch) {
    if (batch.inputs.size() != 2 || batch.inputs[0].rank() != 2 || batch.inputs[0].dtype() != i32 ||
        batch.inputs[1].shape() != Shape{std::ssize(rows)} || batch.inputs[1].dtype() != i64)
      throw ShapeError(fmt::format("augment::mask_tokens: the batch has {} inputs; expected i32 [N, L] and i64 [N]",
                                   batch.inputs.size()));
    Tensor hidden = batch.inputs[0].clone();
    const std::int64_t width = hidden.size(1);
    const auto lengths = batch.inputs[1].data<std::int64_t>();
    const auto ids = hidden.mutable_data<std::int32_t>();
    std::vector<std::int64_t> places, targets;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Rng rng = rng_of(Kind::tokens, seed, epoch, rows[i]);
      std::vector<std::int64_t> order = all_rows(lengths[i]);
      const auto count =
          std::min(lengths[i], std::max<std::int64_t>(1, std::llround(o.share * static_cast<double>(lengths[i]))));
      for (std::int64_t k = 0; k < count; ++k) {
        std::swap(order[static_cast<std::size_t>(k)], order[static_cast<std::size_t>(between(rng, k, lengths[i] - 1))]);
        const std::int64_t place = static_cast<std::int64_t>(i) * width + order[static_cast<std::size_t>(k)];
        std::int32_t& token = ids[static_cast<std::size_t>(place)];
        places.push_back(place);
        targets.push_back(token);
        if (const std::int64_t fate = between(rng, 0, 9); fate < 8)
          token = o.mask;
        else if (fate == 8)
          token = static_cast<std::int32_t>(between(rng, 0, o.tokens - 1));
      }
    }
    batch.inputs[0] = std::move(hidden);
    batch.inputs.push_back(copy_of(places));
    batch.targets = copy_of(targets);
  };
}

Transform sequence(std::vector<Transform> parts) {
  return [parts = std::move(parts)](Batch& batch, std::span<const std::int64_t> rows, std::int64_t epoch) {
    for (const Transform& part : parts) part(batch, rows, epoch);
  };
}

}  // namespace tapegrad::data::augment
