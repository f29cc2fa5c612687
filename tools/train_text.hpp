#pragma once

namespace CLI {
class App;
}

namespace tapegrad::tools {

/// tapegrad train text: a text classifier.
void add_train_text_command(CLI::App& train, int& status);

}  // namespace tapegrad::tools
