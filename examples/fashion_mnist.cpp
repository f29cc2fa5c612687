// Trains on Fashion-MNIST, which Debian's dataset-fashion-mnist installs: validation, checkpoints, a report.

#include <iostream>
#include <tapegrad/tapegrad.hpp>
using namespace tapegrad;

struct Cnn : nn::Module {
  nn::Conv2d first{*this, "first", 1, 16, 3, {.stride = 2, .padding = 1}};
  nn::Conv2d second{*this, "second", 16, 32, 3, {.stride = 2, .padding = 1}};
  nn::Dropout dropout{*this, "dropout", 0.2};
  nn::Linear output{*this, "output", 32 * 7 * 7, 10};
  Tensor forward(const Tensor& x) { return output(dropout(flatten(relu(second(relu(first(x)))), 1))); }
};

data::ImageDataset read(const std::string& path) {
  return data::read_idx_images(path + "-images-idx3-ubyte.gz", path + "-labels-idx1-ubyte.gz", 10,
                               {.mean = 0.286, .deviation = 0.353});
}

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : "/usr/share/datasets/fashion-mnist";
  const data::ImageDataset train = read(folder + "/train"), test = read(folder + "/t10k");
  Cnn model;
  train::Trainer trainer(model, optim::AdamW{.lr = 2e-3}, nn::cross_entropy);
  train::ConsoleProgress progress(std::cout, true);
  const train::History history = trainer.fit(train, {.epochs = 5,
                                                     .batch_size = 64,
                                                     .validation_split = 0.1,
                                                     .checkpoint = {.folder = "checkpoints"},
                                                     .resume = true,  // from where it was stopped
                                                     .observers = {&progress}});
  const double accuracy = trainer.evaluate(test)["accuracy"];
  train::save_report("report.html", {.title = "Fashion-MNIST",
                                     .facts = {{"test accuracy", std::to_string(accuracy)}},
                                     .epochs = history.epochs,
                                     .summary = model.summary()});
  std::cout << "test accuracy " << accuracy << '\n';
}
