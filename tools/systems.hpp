#pragma once
// The systems of `tapegrad train`, one file each. `status` becomes the exit status where it is not always 0.

namespace CLI {
class App;
}

namespace tapegrad::tools {

/// A text classifier.
void add_train_text_command(CLI::App& train, int& status);
/// The same for reviews, good or not.
void add_train_sentiment_command(CLI::App& train, int& status);
/// A classifier of small images.
void add_train_fashion_mnist_command(CLI::App& train, int& status);
/// A language model.
void add_train_language_command(CLI::App& train, int& status);

}  // namespace tapegrad::tools
