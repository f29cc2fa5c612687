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

std::string snapshot(const std::string& vertices, const std::string& edges = "") {
  return R"({"format":"tapegrad-graph","version":1,"title":"t","vertices":[)" + vertices + R"(],"edges":[)" + edges +
         "]}";
}
std::string encoder(const std::string& features, const std::string& classes = "") {
  return R"({"kind":"table encoder","version":1,"target":"y","classes":[)" + classes + R"(],"features":[)" + features +
         "]}";
}

}  // namespace

std::vector<Input> text_inputs() {
  std::string columns;
  for (int i = 0; i < 99'000; ++i) columns += 'c' + std::to_string(i) + ',';
  std::vector<Input> all = {
      {"text", "UTF-16 LE", "\xFF\xFEh\0i\0"s, "is UTF-16; convert it"},
      {"text", "UTF-16 BE", "\xFE\xFF\0h\0i"s, "is UTF-16; convert it"},
      {"text", "UTF-32", "\xFF\xFE\0\0h\0\0\0"s, "is UTF-32; convert it"},
      {"text", "UTF-16 without a mark", "h\0i\0\n\0"s, ":1: byte 2 of the line (byte 2 of the file) is 0"},
      {"text", "gzip", gzip("hello"), "packed by gzip"},
      {"text", "ZIP", zip({{"a", "b", {}}}), "a ZIP archive"},
      {"text", "xz",
       "\xFD"
       "7zXZ\0\0\4"s,
       "packed by xz"},
      {"text", "bzip2", "BZh91AY&SY", "packed by bzip2"},
      {"text", "zstd", "\x28\xB5\x2F\xFD\x24", "packed by zstd"},
      {"text", "Windows-1252", "one\ntwo \xE9t\xE9\n", ":2: byte 5 of the line (0xE9"},
      {"text", "overlong form", "\xC0\xAF", "is not UTF-8"},
      {"text", "surrogate", "a\xED\xA0\x80", "is not UTF-8"},
      {"text", "beyond Unicode", "\xF4\x90\x80\x80", "is not UTF-8"},
      {"text", "cut character", "abc\xE2\x82", "is not UTF-8"},
      {"text", "NUL at the end of 20 MB", repeated("0123456789", 2'000'000) + '\0', "is 0"},
      {"text", "20 MB of bytes", repeated("\xAA\xBB", 10'000'000), "is not UTF-8"},

      {"tab texts", "no tab", "pos a good film\n", ":1: no tab"},
      {"tab texts", "no tab in line 3", "pos\ta\nneg\tb\nno label\n", ":3: no tab"},
      {"tab texts", "empty label", "pos\ta\n\tb\n", ":2: the label is empty"},
      {"tab texts", "blank label", "pos\ta\n  \tb\n", ":2: the label is empty"},
      {"tab texts", "escape in a label", "\x1B[31mred\ta\nneg\tb\n", "\"\\x1B[31mred\" has control characters"},
      {"tab texts", "one class", "pos\ta\npos\tb\n", "every text has the label \"pos\""},
      {"tab texts", "CR inside a line", "pos\ta\rneg\tb\npos\tc\n", ":1: a carriage return (CR) inside the line"},
      {"tab texts", "mixed line ends", "pos\ta\nneg\tb\rpos\tc\r", ":2: a carriage return"},
      {"tab texts", "header", "sentiment\treview\n" + repeated("pos\ta\nneg\tb\n", 10),
       ":1: the label \"sentiment\" is of this line alone"},
      {"tab texts", "a label each", "a\tx\nb\tx\nc\tx\nd\tx\ne\tx\nf\tx\ng\tx\nh\tx\ni\tx\nj\tx\n",
       "each of the 10 texts has a label of its own"},
      {"tab texts", "only blank lines", "\n\n  \n", "has no labelled text"},
      {"tab texts", "late fault in 8 MB", repeated("pos\ta\nneg\tb\n", 700'000) + "fault\n", ":1400001: no tab"},
      {"tab texts", "10 MB line", repeated("x", 10'000'000), ":1: no tab"},
      {"tab texts", "lone quote", lone_quote_texts(), ":5: the quote that opens here closes on line 11"},

      {"csv texts", "no such column", "name,text\na,b\n", ":1: no column \"label\"; there are \"name\", \"text\""},
      {"csv texts", "column twice", "label,text,text\na,b,c\n", ":1: 2 columns are named \"text\""},
      {"csv texts", "short record", "label,text\npos\n", ":2: the header names 2 columns, this record has 1"},
      {"csv texts", "long record", "label,text\npos,a,b\n", ":2: the header names 2 columns, this record has 3"},
      {"csv texts", "open quote", "label,text\npos,\"never closed\nneg,b\n",
       ":2: the quote that opens on this line is never closed"},
      {"csv texts", "text after a quote", "label,text\npos,\"a\"b\n", ":2: text after the closing quote"},
      {"csv texts", "CR in a field", "label,text\npos,a\rb\nneg,c\n", ":2: a carriage return (CR) inside a field"},
      {"csv texts", "CR CR LF", "label,text\r\r\npos,a\r\r\n", ":1: a carriage return"},
      {"csv texts", "empty label", "label,text\n,a\n", ":2: the label is empty"},
      {"csv texts", "header alone", "label,text\n", "has no labelled text"},
      {"csv texts", "lone quote", "label,text\nneg,a\npos,\"b\nneg,c\npos,d\"\nneg,e\n",
       ":3: the quote that opens here closes on line 5"},
      {"csv texts", "wide header", repeated("column,", 50'000) + "\na\n", "no column \"text\""},
      {"csv texts", "50 million fields", repeated(",", 50'000'000), "more than 100000 fields"},
      {"csv texts", "late fault in 8 MB", "label,text\n" + repeated("a,b\nb,c\n", 1'000'000) + "x\n",
       ":2000002: the header names 2"},
      {"csv texts", "open quote over 20 MB", "label,text\na,\"" + repeated("b,c\n", 5'000'000),
       ":2: the quote that opens on this line is never closed"},
      {"csv texts", "quotes alone", repeated("\"", 9'999'999), "never closed"},
      {"csv texts", "spreadsheet", "PK\x03\x04....", "a ZIP archive, as spreadsheets"},

      {"table", "names twice", "a,b,a\n1,2,3\n", ":1: two columns are named \"a\""},
      {"table", "names twice among 99,000", columns + "c5\n1\n", ":1: two columns are named \"c5\""},
      {"table", "too many columns", repeated("x,", 200'000) + "\n", ":1: a record of more than 100000 fields"},
      {"table", "short record", "a,b\n1,2\n3\n", ":3: a record of 1 fields; the header has 2"},
      {"table", "header alone", "a,b\n", "has a header and no records"},
      {"table", "blank", "\n\n\n", "is empty"},
      {"table", "decimal commas", "a;b\n1,5;x\n2,5;y\n", ":2: \"1,5\" in the column \"a\" has a decimal comma"},
      {"table", "one word among numbers", "a\n" + repeated("1\n", 20) + "n.a.\n",
       ":22: \"n.a.\" in the column \"a\" is no number, as 20 other values are"},
      {"table", "lone quote", "a,b\n1,\"x\n2,y\n3,z\"\n", ":2: the quote that opens here closes on line 4"},
      {"table", "open quote", "a,b\n1,\"x\n", ":2: the quote that opens on this line is never closed"},
      {"table", "CR inside", "a,b\n1,x\r2,y\n", ":2: a carriage return"},
      {"table", "late fault in 10 MB", "a,b\n" + repeated("1,2\n", 2'500'000) + "3\n",
       ":2500002: a record of 1 fields"},
      {"table", "NUL", "a,b\n1,\0\n"s, ":2: byte 3 of the line"},

      {"table encoder", "array", "[]", "is no table encoder"},
      {"table encoder", "cut", R"({"kind": "table encoder", "version": 1)", "not valid JSON"},
      {"table encoder", "another kind", R"({"kind":"x"})", "its kind is \"x\""},
      {"table encoder", "later version", R"({"kind":"table encoder","version":9})", "its version is 9"},
      {"table encoder", "no target", R"({"kind":"table encoder","version":1})", "target"},
      {"table encoder", "key twice", R"({"kind":"table encoder","kind":"table encoder"})",
       "has the key \"kind\" twice"},
      {"table encoder", "classes not sorted", encoder("", R"("b","a")"), "its classes are not sorted"},
      {"table encoder", "deviation 0", encoder(R"({"column":"x","mean":0,"deviation":0,"marks_missing":false})"),
       "the deviation of \"x\" is 0"},
      {"table encoder", "deviation a text", encoder(R"({"column":"x","mean":0,"deviation":"1","marks_missing":false})"),
       "is no table encoder"},
      {"table encoder", "a million levels", repeated("[", 1'000'000), "nested deeper than 32 levels"},
      {"table encoder", "a million values", "[" + repeated("1,", 1'000'000) + "1]", "more than 400000 values"},
      {"table encoder", "20 MB string", "{\"kind\": \"" + repeated("a", 20'000'000), "a string or number of more than"},
      {"table encoder", "20 MB number", "{\"kind\": " + repeated("1", 20'000'000), "a string or number of more than"},

      {"vocabulary", "no reserved words", "a\nb\n", ":1: expected <pad>, found \"a\"; this is not a vocabulary"},
      {"vocabulary", "one reserved word", "<pad>\n", "ends before the reserved entries"},
      {"vocabulary", "second is wrong", "<pad>\nword\n", ":2: expected <unk>"},
      {"vocabulary", "entry twice", "<pad>\n<unk>\na\na\n", ":4: vocabulary entry \"a\" is there already"},
      {"vocabulary", "reserved again", "<pad>\n<unk>\n<pad>\n", ":3: vocabulary entry \"<pad>\" is there already"},
      {"vocabulary", "parts missing", "<pad>\n<unk>\na\na b\n", ":4: n-gram \"a b\" comes before its parts"},
      {"vocabulary", "blank line", "<pad>\n<unk>\n\na\n", ":3: vocabulary entry \"\" is empty"},
      {"vocabulary", "stray space", "<pad>\n<unk>\n a\n", ":3: vocabulary entry \" a\" has stray spaces"},
      {"vocabulary", "tab", "<pad>\n<unk>\na\tb\n", "has control characters"},
      {"vocabulary", "nine words", "<pad>\n<unk>\na b c d e f g h i\n", "has too many words"},
      {"vocabulary", "escape", "<pad>\n<unk>\n\x1B[2J\n", "\"\\x1B[2J\" has control characters"},
      {"vocabulary", "20 MB entry", "<pad>\n<unk>\n" + repeated("a", 20'000'000) + "\t", "has control characters"},
      {"vocabulary", "CR inside", "<pad>\n<unk>\na\rb\n", "has control characters"},

      {"byte pairs", "another header", "byte pairs\n", ":1: expected the line"},
      {"byte pairs", "later version", "tapegrad byte pairs 2\n", ":1: expected the line"},
      {"byte pairs", "doubling tokens", doubling_tokens(), "a token too many, or too long"},
      {"byte pairs", "two million", "tapegrad byte pairs 1\n" + repeated("97 98\n", 2'000'000),
       "a token too many, or too long"},

      {"wordnet", "no synset", "hello\n", ":1: not a synset"},
      {"wordnet", "no definition", "00001740 05 n 01 dog\n", ":1: not a synset"},
      {"wordnet", "licence alone", "  1 a licence\n", "has no labelled text"},
      {"wordnet", "one kind", "00001740 05 n 01 dog 0 000 | a beast\n", "every text has the label \"animal\""},

      {"snapshot", "diagram", "flowchart TB\n", ":1:2: not valid JSON"},
      {"snapshot", "cut in line 2", "{\"format\": \"tapegrad-graph\",\n\"version\": ", ":2:"},
      {"snapshot", "another format", R"({"format":"x"})", "not a tapegrad graph snapshot"},
      {"snapshot", "no format", R"({"version":1})", "has no \"format\""},
      {"snapshot", "later version", R"({"format":"tapegrad-graph","version":99})", "snapshot of version 99"},
      {"snapshot", "version 1.5", R"({"format":"tapegrad-graph","version":1.5})", "should be a whole number"},
      {"snapshot", "no lists", R"({"format":"tapegrad-graph","version":1})", "has no \"vertices\""},
      {"snapshot", "vertex without id", snapshot("{}"), "vertices[0] has no \"id\""},
      {"snapshot", "id twice", snapshot(R"({"id":"a"},{"id":"a"})"), "the id \"a\" occurs twice"},
      {"snapshot", "unknown kind", snapshot(R"({"id":"a","kind":"magic"})"), "vertices[0].kind is \"magic\""},
      {"snapshot", "key twice", snapshot(R"({"id":"a","id":"b"})"), "has the key \"id\" twice"},
      {"snapshot", "negative size", snapshot(R"({"id":"a","shape":[-1]})"), "vertices[0].shape is [-1]"},
      {"snapshot", "65 axes", snapshot(R"({"id":"a","shape":[)" + repeated("1,", 64) + "1]}"),
       "an array of at most 64 sizes"},
      {"snapshot", "unknown end", snapshot(R"({"id":"a"})", R"({"from":"a","to":"b"})"), "there is no vertex \"b\""},
      {"snapshot", "slot 2^40", snapshot(R"({"id":"a"},{"id":"b"})", R"({"from":"a","to":"b","slot":1099511627776})"),
       "edges[0].slot"},
      {"snapshot", "a million levels", repeated("[", 1'000'000), "nested deeper than 16 levels"},
      {"snapshot", "a million objects deep", repeated("{\"a\":", 1'000'000), "nested deeper than 16 levels"},
      {"snapshot", "5 MB name", snapshot("{\"id\":\"" + repeated("a", 5'000'000) + "\"}"),
       "a string or number of more than"},
      {"snapshot", "late fault in 5 MB", snapshot(repeated(R"({"id":"a"},)", 450'000) + "{}"),
       "vertices[450000] has no \"id\""},

      {"mermaid", "words", "some words\n", "no Mermaid diagram"},
      {"mermaid", "page without", "# A page\n```cpp\nint a;\n```\n", "no Mermaid diagram"},
      {"mermaid", "empty block", "# A page\n```mermaid\n```\n", ":3: not the first line of a Mermaid diagram"},
      {"mermaid", "second block is none", "# A page\n```mermaid\nflowchart LR\n a --> b\n```\n```mermaid\nhello\n```\n",
       ":7: not the first line of a Mermaid diagram"},
      {"mermaid", "inside another block", "````markdown\n```mermaid\nflowchart LR\n```\n````\n", "no Mermaid diagram"},
      {"mermaid", "snapshot", snapshot(""), "no Mermaid diagram"},
      {"mermaid", "front matter alone", "---\ntitle: x\n---\n", "no Mermaid diagram"},
      {"mermaid", "PNG", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s, "is 0"},
  };
  for (const char* line : {"257 1", "256 1", "-1 1", "4294967297 1", "1", "1 2 3", "1,2", "", "1 2 ", "1  2", "a b"})
    all.push_back(
        {"byte pairs", "line "s + line, "tapegrad byte pairs 1\n"s + line + "\n", ":2: expected two earlier tokens"});
  for (const char* reader : {"table encoder", "snapshot"})
    for (const char* json : {"null", "true", "1", "\"a\"", "[1]", "{\"a\":}", "{,}", "[1,]", "{\"a\":1}}", "nan", "'a'",
                             "{a:1}", "//", "0x10", "01", "{\"a\":1,\"a\":2}", "{\"a\":\"\\ud800\"}", "[1e999]"})
      all.push_back({reader, "JSON "s + json, json, ""});
  return all;
}

}  // namespace tapegrad::hostile
