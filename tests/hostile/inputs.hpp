#pragma once
// Files made to hurt, and what is to be said of each.

#include <string>
#include <string_view>
#include <vector>

namespace tapegrad::hostile {

struct Input {
  std::string_view reader;  ///< its name among readers()
  std::string name;
  std::string content;
  std::string expected;  ///< in the error
};

std::vector<Input> text_inputs();    ///< texts, tables, vocabularies, JSON, Mermaid
std::vector<Input> number_inputs();  ///< images, sound, tensors
std::vector<Input> model_inputs();   ///< models in ONNX
std::vector<Input> pytorch_inputs();

}  // namespace tapegrad::hostile
