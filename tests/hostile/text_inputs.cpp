#include "inputs.hpp"

#include "formats.hpp"

namespace tapegrad::hostile {
namespace {

using namespace std::string_literals;

std::string doubling_tokens() {
  std::string lines = "tapegrad byte pairs 1\n32 32\n";
  for (int token = 257; token < 300; ++token) lines += std::to_string(token) + ' ' + std::to_string(token) + '\n';
  return lines;
}

std::string lone_quote_texts() {
  std::string lines = "label\ttext\n";
  for (int i = 0; i < 20; ++i)
    lines += (i % 2 ? "pos\t" : "neg\t") + std::string(i == 3 ? "\"" : "") + "a film" + (i == 9 ? "\"\n" : "\n");
  return lines;
}

const std::string kPages = "# A page\n";

std::string snapshot(const std::string& vertices, const std::string& edges = "") {
  return R"({"format":"tapegrad-graph","version":1,"title":"t","vertices":[)" + vertices + R"(],"edges":[)" + edges +
         "]}";
}
std::string encoder(const std::string& features, const std::string& classes = "") {
  return R"({"kind":"table encoder","version":1,"target":"y","classes":[)" + classes + R"(],"features":[)" + features +
         "]}";
}

}  // namespace tapegrad::hostile
