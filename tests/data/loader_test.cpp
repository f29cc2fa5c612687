#include <gmock/gmock.h>

#include <map>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/data/dataset.hpp>
#include <tapegrad/data/images.hpp>
#include <tapegrad/data/splits.hpp>
#include <thread>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::HasSubstr;

TensorDataset numbers(std::int64_t count) {
  Rng rng(1);
  return {randn({count, 1, 4, 6}, f32, rng), arange(count)};
}

struct Seen {
  std::vector<std::vector<double>> inputs, targets;
  friend bool operator==(const Seen&, const Seen&) = default;
};
Seen rest_of(BatchSource& source) {
  Seen seen;
  for (Batch batch; source.next(batch);) {
    seen.inputs.push_back(batch.inputs[0].values());
    seen.targets.push_back(batch.targets.values());
  }
  return seen;
}
Seen epoch_of(BatchSource& source, std::int64_t number) {
  source.start(number);
  return rest_of(source);
}

Transform augmentation() { return augment::sequence({augment::flip(3), augment::shift(3, 1), augment::noise(3, 0.1)}); }

TEST(DataLoader, PrefetchesTheSameBits) {
  const TensorDataset data = numbers(50);
  for (const std::int64_t ahead : {1, 3, 100}) {
    DataLoader plain(data, {.batch_size = 8, .seed = 2, .transform = augmentation()});
    DataLoader threaded(data, {.batch_size = 8, .seed = 2, .transform = augmentation(), .prefetch = ahead});
    EXPECT_EQ(threaded.batches(), 7);
    for (const std::int64_t epoch : {0, 1, 0, 5}) EXPECT_TRUE(epoch_of(plain, epoch) == epoch_of(threaded, epoch));
    for (std::int64_t done = 0; done <= 7; ++done) {
      for (DataLoader* loader : {&plain, &threaded}) {
        loader->start(4);
        if (Batch batch; done > 2) loader->next(batch);
        loader->skip(done > 2 ? done - 1 : done);
      }
      EXPECT_TRUE(rest_of(plain) == rest_of(threaded)) << done;
    }
  }
}

TEST(DataLoader, CanBeLeftInTheMiddle) {
  const TensorDataset data = numbers(500);
  for (int i = 0; i < 30; ++i) {
    DataLoader loader(data, {.batch_size = 1, .prefetch = 4});
    Batch batch;
    for (int j = 0; j < i; ++j) ASSERT_TRUE(loader.next(batch));
    if (i % 3 == 0) loader.start(1);
  }
}

TEST(DataLoader, ThrowsWhatTheDataSetThrowsAtItsBatch) {
  const SampleDataset data(10, [](std::int64_t row) -> Sample {
    if (row == 7) throw IoError("row 7 is bad");
    return {{full({2}, static_cast<double>(row))}, {}};
  });
  for (const std::int64_t ahead : {0, 1, 5}) {
    DataLoader loader(data, {.batch_size = 3, .shuffle = false, .prefetch = ahead});
    Batch batch;
    EXPECT_TRUE(loader.next(batch));
    EXPECT_TRUE(loader.next(batch));
    EXPECT_EQ(batch.inputs[0].values(), (std::vector<double>{3, 3, 4, 4, 5, 5}));
    EXPECT_EQ(message_of<IoError>([&] { loader.next(batch); }), "row 7 is bad");
  }
}

TEST(DataLoader, LeavesOutAPartialBatchIfAsked) {
  const TensorDataset data = numbers(10);
  DataLoader loader(data, {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(loader.batches(), 2);
  EXPECT_EQ(epoch_of(loader, 0).targets.size(), 2u);
  EXPECT_THROW(DataLoader(data, {.batch_size = 0}), ValueError);
  EXPECT_THROW(DataLoader(data, {.prefetch = -1}), ValueError);
  EXPECT_THROW(DataLoader(data, {.sampler = sampler::in_order({10})}), IndexError);
}

TEST(Samplers, DrawByWeight) {
  const std::vector<double> weights{0, 1, 2, 0, 1, 0};
  const Sampler draw = sampler::weighted(all_rows(6), weights, 40'000, 3);
  std::map<std::int64_t, int> count;
  for (const std::int64_t row : draw(0)) ++count[row];
  EXPECT_EQ(count.size(), 3u);
  // Standard deviations are 87 and 100.
  EXPECT_NEAR(count[1], 10'000, 400);
  EXPECT_NEAR(count[2], 20'000, 400);
  EXPECT_EQ(draw(0), draw(0));
  EXPECT_NE(draw(0), draw(1));
  EXPECT_THROW(sampler::weighted(all_rows(2), std::vector<double>{1, -1}, 1, 0), ValueError);
  EXPECT_THROW(sampler::weighted(all_rows(2), std::vector<double>{0, 0}, 1, 0), ValueError);
  EXPECT_THROW(sampler::weighted(all_rows(3), std::vector<double>{1, 1}, 1, 0), IndexError);
}

TEST(Samplers, BalanceAndStratifyClasses) {
  std::vector<std::int32_t> labels(1000, 0);
  for (std::size_t i = 0; i < 100; ++i) labels[i] = 1;  // in a row, as files have them
  int ones = 0;
  for (const std::int64_t row : sampler::balanced(all_rows(1000), labels, 1)(0))
    ones += labels[static_cast<std::size_t>(row)];
  EXPECT_NEAR(ones, 500, 80);

  const std::vector<std::int64_t> order = sampler::stratified(all_rows(1000), labels, 1)(0);
  std::vector<std::int64_t> sorted = order;
  std::ranges::sort(sorted);
  EXPECT_EQ(sorted, all_rows(1000));
  EXPECT_NE(order, sampler::stratified(all_rows(1000), labels, 1)(1));
  for (std::size_t begin = 0; begin < 1000; begin += 50) {
    int here = 0;
    for (std::size_t i = begin; i < begin + 50; ++i) here += labels[static_cast<std::size_t>(order[i])];
    EXPECT_GE(here, 4) << begin;
    EXPECT_LE(here, 6) << begin;
  }
}

TEST(Samplers, PutLikeLengthsTogether) {
  std::vector<std::int64_t> lengths(103);
  for (std::size_t i = 0; i < lengths.size(); ++i) lengths[i] = static_cast<std::int64_t>(i * 37 % 20);
  const Sampler draw = sampler::by_length(all_rows(103), lengths, 10, 1);
  const std::vector<std::int64_t> order = draw(0);
  EXPECT_EQ(order, draw(0));
  EXPECT_NE(order, draw(1));
  std::vector<std::int64_t> sorted = order, first;
  std::ranges::sort(sorted);
  EXPECT_EQ(sorted, all_rows(103));
  for (std::size_t begin = 0; begin < 100; begin += 10) {
    const auto length = [&](std::size_t i) { return lengths[static_cast<std::size_t>(order[begin + i])]; };
    for (std::size_t i = 1; i < 10; ++i) EXPECT_LE(std::abs(length(i) - length(0)), 3);
    first.push_back(length(0));
  }
  EXPECT_FALSE(std::ranges::is_sorted(first)) << "batches come in a random order";
  EXPECT_EQ(lengths[static_cast<std::size_t>(order.back())], 19) << "the batch that is not full is the last";
  EXPECT_THROW(sampler::by_length(all_rows(103), lengths, 0, 1), ValueError);
  EXPECT_THROW(sampler::by_length(all_rows(104), lengths, 10, 1), IndexError);
}

Tensor changed(const Transform& transform, const std::vector<std::int64_t>& rows, std::int64_t epoch) {
  Batch batch = numbers(20).batch(rows);
  transform(batch, rows, epoch);
  return batch.inputs[0];
}

TEST(Augment, GoesByRowEpochAndSeedAlone) {
  for (const Transform& t : {augment::flip(1), augment::shift(1, 2), augment::crop(1, 3, 4), augment::noise(1, 1)}) {
    const Tensor pair = changed(t, {3, 9}, 5), single = changed(t, {9}, 5);
    EXPECT_EQ(pair[1].values(), single[0].values());
  }
  std::set<std::vector<double>> seen;
  for (std::int64_t epoch = 0; epoch < 5; ++epoch)
    for (const std::uint64_t seed : {1u, 2u}) seen.insert(changed(augment::noise(seed, 1), {9}, epoch).values());
  EXPECT_EQ(seen.size(), 10u);
}

TEST(Augment, DoesWhatItsNameSays) {
  const Tensor before = numbers(20).batch(std::vector<std::int64_t>{4}).inputs[0];
  const auto pixel = [&](std::int64_t y, std::int64_t x) {
    return y < 0 || x < 0 || y >= 4 || x >= 6 ? 0.0 : before.at({0, 0, y, x});
  };
  const Tensor flipped = changed(augment::flip(1, 1), {4}, 0);
  std::set<std::pair<int, int>> moves, corners;
  for (std::int64_t y = 0; y < 4; ++y)
    for (std::int64_t x = 0; x < 6; ++x) EXPECT_EQ(flipped.at({0, 0, y, x}), pixel(y, 5 - x));
  EXPECT_EQ(changed(augment::flip(1, 0), {4}, 0).values(), before.values());

  const auto is_window = [&](const Tensor& image, int top, int left) {
    for (std::int64_t y = 0; y < image.size(2); ++y)
      for (std::int64_t x = 0; x < image.size(3); ++x)
        if (image.at({0, 0, y, x}) != pixel(top + y, left + x)) return false;
    return true;
  };
  for (std::int64_t epoch = 0; epoch < 200; ++epoch) {
    const Tensor shifted = changed(augment::shift(1, 1), {4}, epoch),
                 cropped = changed(augment::crop(1, 3, 4), {4}, epoch);
    EXPECT_EQ(shifted.shape(), before.shape());
    EXPECT_EQ(cropped.shape(), (Shape{1, 1, 3, 4}));
    for (int top = -2; top <= 2; ++top)
      for (int left = -2; left <= 2; ++left) {
        if (is_window(shifted, top, left)) moves.emplace(top, left);
        if (is_window(cropped, top, left)) corners.emplace(top, left);
      }
  }
  EXPECT_EQ(moves.size(), 9u);
  EXPECT_EQ(corners.size(), 6u);
  EXPECT_EQ(corners.begin()->first, 0);
  const Tensor noisy = changed(augment::noise(1, 0.5), {4}, 0);
  double squares = 0;
  for (std::size_t i = 0; i < 24; ++i) squares += std::pow(noisy.values()[i] - before.values()[i], 2);
  EXPECT_NEAR(std::sqrt(squares / 24), 0.5, 0.25);
  EXPECT_THROW(changed(augment::crop(1, 5, 4), {4}, 0), ShapeError);
  EXPECT_THROW(augment::flip(1, 2), ValueError);
  Batch texts{{zeros({2, 3})}, {}, 2};
  EXPECT_THAT(message_of<ShapeError>([&] {
                augment::flip(1)(texts, std::vector<std::int64_t>{0, 1}, 0);
              }),
              HasSubstr("[N, C, H, W]"));
}

TEST(Collate, StacksAndPads) {
  const auto sample = [](std::int64_t length, double value) {
    return Sample{{full({length, 2}, value)}, full({}, value, f64)};
  };
  const std::vector<Sample> samples{sample(1, 1), sample(3, 2)};
  const Batch padded = pad_and_stack(samples);
  EXPECT_EQ(padded.inputs[0].shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(padded.inputs[0].values(), (std::vector<double>{1, 1, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2}));
  EXPECT_EQ(padded.inputs[1].values(), (std::vector<double>{1, 3}));
  EXPECT_EQ(padded.targets.values(), (std::vector<double>{1, 2}));
  EXPECT_THAT(message_of<ShapeError>([&] { stack(samples); }), HasSubstr("sample 1 of the batch is f32 [3, 2]"));
  EXPECT_EQ(stack(std::vector<Sample>{sample(1, 1), sample(1, 2)}).inputs[0].shape(), (Shape{2, 1, 2}));
  EXPECT_THROW(stack({}), ValueError);
  const auto spelled = [](std::int64_t length) { return Sample{{zeros({1})}, full({length}, 5, i64)}; };
  EXPECT_EQ(pad_and_stack(std::vector<Sample>{spelled(1), spelled(3)}).targets.values(),
            (std::vector<double>{5, -1, -1, 5, 5, 5}));
}

TEST(TensorDataset, NamesTheRowOfATargetThatIsNaN) {
  Tensor targets = zeros({4, 2});
  targets.mutable_data<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message_of<ValueError>([&] { TensorDataset(zeros({4, 1}), targets); }), HasSubstr("row 2 is nan"));
}

}  // namespace
}  // namespace tapegrad::data
