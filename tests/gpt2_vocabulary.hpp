#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <tapegrad/data/internal/unicode.hpp>

namespace tapegrad {

/// The 256 bytes, as vocabularies of GPT-2's kind write them, each by its own number.
inline nlohmann::json gpt2_vocabulary() {
  nlohmann::json vocabulary = nlohmann::json::object();
  char32_t next = 256;
  for (char32_t byte = 0; byte < 256; ++byte) {
    std::string name;
    data::append_utf8(name, (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD) ? byte : next++);
    vocabulary[name] = byte;
  }
  return vocabulary;
}

}  // namespace tapegrad
