// What docs/training.md shows, on images made up here, so that it runs anywhere in a moment.

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <tapegrad/tapegrad.hpp>
using namespace tapegrad;

namespace {

// A bright square in one of the four corners, in noise: its corner is the class.
data::ImageDataset corners(std::int64_t count, std::uint64_t seed) {
  Rng rng(seed);
  Tensor images = empty({count, 12, 12}, u8), labels = empty({count}, i64);
  auto* pixel = images.mutable_data<std::uint8_t>().data();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto corner = static_cast<std::int64_t>(rng.below(4));
    labels.mutable_data<std::int64_t>()[static_cast<std::size_t>(i)] = corner;
    for (std::int64_t y = 0; y < 12; ++y)
      for (std::int64_t x = 0; x < 12; ++x) {
        const bool bright = y / 6 == corner / 2 && x / 6 == corner % 2 && y % 6 > 1 && x % 6 > 1;
        *pixel++ = static_cast<std::uint8_t>(rng.below(100) + (bright ? 100 : 0));
      }
  }
  return {images, labels, 4};
}

struct Classifier : nn::Module {
  nn::Linear hidden{*this, "hidden", 144, 32}, output{*this, "output", 32, 4};
  Tensor forward(const Tensor& x) {
    return output(dropout(relu(hidden(reshape(x, {x.size(0), 144}))), 0.2, default_rng(), training()));
  }
};

void train_classifier(const std::filesystem::path& out, const data::Dataset& images, const data::Dataset& test) {
  Classifier model;
  train::Trainer trainer(model, optim::AdamW{.lr = 3e-3}, nn::cross_entropy, {train::accuracy(), train::f1()});
  train::TensorBoardLog curves(out / "tensorboard");
  train::MetricsLog log(out / "metrics.jsonl");
  train::History history = trainer.fit(
      images, {.epochs = 5,
               .validation_split = 0.1,
               .transform = data::augment::sequence({data::augment::shift(7, 1), data::augment::noise(7, 0.05)}),
               .prefetch = 2,
               .clip_norm = 1,
               .schedule = optim::schedule::warm_up(0.5, optim::schedule::cosine(4.5)),
               .early_stopping = train::EarlyStopping{.monitor = "accuracy", .patience = 3},
               .checkpoint = {.folder = out / "checkpoints", .every_steps = 100, .keep = 3},
               .resume = true,
               .observers = {&curves, &log}});

  train::ConfusionMatrix confusion;
  data::DataLoader batches(test, {.batch_size = 64, .shuffle = false});
  for (data::Batch batch; batches.next(batch);) confusion.update(trainer.predict(batch.inputs[0]), batch.targets);
  train::save_report(out / "report.html", {.title = "Corners",
                                           .facts = {{"test accuracy", std::to_string(confusion.accuracy())}},
                                           .epochs = history.epochs,
                                           .confusion = confusion,
                                           .class_names = {"top left", "top right", "bottom left", "bottom right"},
                                           .summary = model.summary()});

  trainer.load(out / "checkpoints" / "best.safetensors");
  std::cout << trainer.evaluate(test)["accuracy"] << '\n';

  const data::Batch one = test.batch(std::vector<std::int64_t>{0});
  model.eval();
  Tensor why = nn::integrated_gradients([&](const Tensor& x) { return model.forward(x); }, one.inputs[0], one.targets);
  io::save_png(out / "why.png", io::heat_map(one.inputs[0][0], why[0]), 20);
}

void attention_map(const std::filesystem::path& out) {
  nn::MultiHeadAttention attention(16, 2);
  Tensor looks;
  Tensor read = attention(randn({1, 5, 16}), nn::AttentionCall{.causal = true, .weights = &looks});
  io::save_png(out / "looks.png", io::heat_map(zeros({5, 5}), looks[0][0]), 20);
}

void own_loop(const data::Dataset& images) {
  Classifier model;
  optim::Optimizer optimizer;
  optimizer.add({{"output.weight", model.output.weight}, {"output.bias", model.output.bias}}, optim::Adam{.lr = 1e-2});
  optimizer.add({{"hidden.weight", model.hidden.weight}, {"hidden.bias", model.hidden.bias}},
                optim::Sgd{.lr = 1e-2, .momentum = 0.9});
  optim::Ema average(model.named_parameters(), 0.99);
  data::DataLoader batches(images, {.batch_size = 64, .prefetch = 2});
  for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
    batches.start(epoch);
    for (data::Batch batch; batches.next(batch);) {
      Tensor loss = nn::cross_entropy(model.forward(batch.inputs[0]), batch.targets);
      loss.backward();
      optim::clip_grad_norm(model.named_parameters(), 1);
      optimizer.step();
      optimizer.zero_grad();
      average.update();
    }
  }
}

void table(const std::filesystem::path& out) {
  std::ofstream(out / "houses.csv")
      << "area,kind,price\n50,flat,105\n120,house,235\n80,flat,\n,house,200\n90,house,180\n";
  data::Table table = data::read_table(out / "houses.csv");
  const std::vector<std::int64_t> rows{0, 1, 3, 4};
  data::TableEncoder encoder(table, "price", rows);
  data::TensorDataset houses = encoder.encode(table, rows);
  encoder.save(out / "houses.encoder.json");  // for TableEncoder::load() beside the model

  nn::Linear model(std::ssize(encoder.feature_names()), 1);
  const data::Batch all = houses.batch(data::all_rows(houses.size()));
  optim::Lbfgs optimizer(model.named_parameters());
  const auto result = optimizer.step([&] { return nn::mse_loss(model(all.inputs[0]), all.targets); });
  std::cout << result.loss << '\n';
}

void memory_for_time(const Tensor& x, const nn::Linear& block) {
  Tensor h = checkpoint([&](const Tensor& t) { return gelu(block(t)); }, x);
  sum(h).backward();
}

}  // namespace

int main() {
  const std::filesystem::path out = std::filesystem::temp_directory_path() / "tapegrad_training_example";
  std::filesystem::remove_all(out);
  std::filesystem::create_directories(out);
  train_classifier(out, corners(1000, 1), corners(200, 2));
  attention_map(out);
  own_loop(corners(200, 1));
  table(out);
  memory_for_time(randn({4, 8}), nn::Linear(8, 8));
  std::filesystem::remove_all(out);
}
