#include "readers.hpp"

#include <algorithm>
#include <stdexcept>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/data/audio.hpp>
#include <tapegrad/data/gpt2_tokens.hpp>
#include <tapegrad/data/images.hpp>
#include <tapegrad/data/internal/byte_pairs.hpp>
#include <tapegrad/data/internal/labelled_texts.hpp>
#include <tapegrad/data/table.hpp>
#include <tapegrad/data/text_file.hpp>
#include <tapegrad/data/vocabulary.hpp>
#include <tapegrad/data/word_pieces.hpp>
#include <tapegrad/graph/internal/mermaid_limits.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/interchange/onnx.hpp>
#include <tapegrad/interchange/pytorch.hpp>
#include <tapegrad/io/checkpoint.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/io/safetensors.hpp>

#include "../gpt2_vocabulary.hpp"
#include "../temporary_folder.hpp"
#include "formats.hpp"
#include "onnx_files.hpp"

namespace tapegrad::hostile {
namespace {

using Path = std::filesystem::path;

std::string checkpoint_file() {
  const TemporaryFolder folder;
  io::save_checkpoint(folder.path("c"), {{{"w", arange(6)}}, R"({"version": 1})"});
  return content_of(folder.path("c"));
}

std::string pytorch_file() {
  const TemporaryFolder folder;
  io::save_pytorch(folder.path("a.pt"), {{"w", arange(3, f32)}, {"n", arange(2)}});
  return content_of(folder.path("a.pt"));
}

/// Another file that a reader needs, in the same folder.
Path beside(const Path& path, const std::string& name, const std::string& content) {
  const Path other = path.parent_path() / name;
  std::ofstream(other, std::ios::binary) << content;
  return other;
}

std::string gpt2_vocabulary_with_he() {
  nlohmann::json vocabulary = gpt2_vocabulary();
  vocabulary["he"] = 256;
  return vocabulary.dump();
}

constexpr const char* kSnapshot = R"({"format": "tapegrad-graph", "version": 1, "title": "t", "vertices": [
{"id": "a", "kind": "parameter", "name": "w", "shape": [2, 3], "dtype": "f32"},
{"id": "b", "kind": "op", "op": "sum", "attributes": [["axes", "0"]], "shape": []}],
"edges": [{"from": "a", "to": "b", "slot": 0}]})";

constexpr const char* kEncoder = R"({"kind": "table encoder", "version": 1, "target": "y", "classes": ["a", "b"],
"features": [{"column": "x", "mean": 1.5, "deviation": 2.0, "marks_missing": false},
{"column": "c", "categories": ["blue", "red"]}]})";

std::vector<Reader> make_readers() {
  const std::string floats = little(0x3f800000, 4) + little(0x40000000, 4);
  const std::string f4 = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  return {
      {"text", ".txt", [](const Path& p) { data::read_text_file(p); }, "some words\nand more\n", true, true},
      {"tab texts", ".tsv", [](const Path& p) { data::read_labelled_texts(p); }, "pos\ta good film\nneg\ta bad film\n",
       true, true},
      {"csv texts", ".csv", [](const Path& p) { data::read_labelled_texts(p); },
       "label,text\npos,\"a good, long film\"\nneg,a bad film\n", true, true},
      {"table", ".csv", [](const Path& p) { data::read_table(p); }, "x,colour\n1.5,red\n2,blue\n", true, true},
      {"table encoder", ".json", [](const Path& p) { data::TableEncoder::load(p); }, kEncoder, true},
      {"vocabulary", ".txt", [](const Path& p) { data::Vocabulary::load(p); }, "<pad>\n<unk>\ngood\nfilm\ngood film\n",
       true, true},
      {"byte pairs", ".txt", [](const Path& p) { data::BytePairs::load(p); },
       "tapegrad byte pairs 1\n116 104\n257 101\n", true, true},
      {"gpt2 vocabulary", ".json",
       [](const Path& p) { data::Gpt2Tokens::load(p, beside(p, "merges.txt", "#version: 0.2\nh e\n")); },
       gpt2_vocabulary_with_he(), true, true},
      {"gpt2 merges", ".txt",
       [](const Path& p) { data::Gpt2Tokens::load(beside(p, "vocab.json", gpt2_vocabulary_with_he()), p); },
       "#version: 0.2\nh e\n", true, true},
      {"word pieces", ".txt", [](const Path& p) { data::WordPieces::load(p); },
       "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##able\n", true, true},
      {"wordnet", ".noun", [](const Path& p) { data::read_labelled_texts("wordnet:" + p.string()); },
       "  licence\n00001740 05 n 01 dog 0 000 | a beast\n00001741 20 n 01 oak 0 000 | a tree\n", true, true},
      {"pgm", ".pgm", [](const Path& p) { data::read_pgm(p); }, "P5\n# by hand\n3 2\n255\nabcdef"},
      {"pgm text", ".pgm", [](const Path& p) { data::read_pgm(p); }, "P2\n3 2\n15\n0 1 2\n3 4 15\n", false, true},
      {"png", ".png", [](const Path& p) { data::read_picture(p); },
       png(3, 2, 8, 2, std::string("\0abcdefghi\0jklmnopqr", 20)), false, true},
      {"jpeg", ".jpg", [](const Path& p) { data::read_picture(p); }, jpeg(24, 16, {99}), false, true},
      {"idx", "-idx3-ubyte", [](const Path& p) { data::read_idx(p); }, idx(0x0803, {2, 2, 2}, "abcdefgh")},
      {"idx.gz", "-idx3-ubyte.gz", [](const Path& p) { data::read_idx(p); }, gzip(idx(0x0803, {2, 2, 2}, "abcdefgh"))},
      {"wav", ".wav", [](const Path& p) { data::log_mel(data::read_wav(p).mono(), data::read_wav(p).rate); },
       wav(chunk("fmt ", wav_format({})) + chunk("LIST", "odd") + chunk("data", "abcdefgh"))},
      {"npy", ".npy", [](const Path& p) { io::load_npy(p); }, npy(f4, floats)},
      {"npz", ".npz", [](const Path& p) { io::load_npz(p); }, zip({{"a.npy", npy(f4, floats), {}}})},
      {"npz deflated", ".npz", [](const Path& p) { io::load_npz(p); },
       zip({{"a.npy", npy(f4, floats), {.deflated = true}}})},
      {"safetensors", ".safetensors", [](const Path& p) { io::load_safetensors(p); },
       safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"k":"v"}})", floats)},
      {"sharded safetensors", ".safetensors.index.json",
       [](const Path& p) {
         io::save_safetensors(p.parent_path() / "part.safetensors", {{"a", ones({2})}});
         io::load_sharded_safetensors(p);
       },
       R"({"metadata": {"total_size": 8}, "weight_map": {"a": "part.safetensors"}})", true},
      {"pytorch", ".pt", [](const Path& p) { io::load_pytorch(p); }, pytorch_file()},
      {"checkpoint", ".safetensors", [](const Path& p) { io::load_checkpoint(p); }, checkpoint_file()},
      {"onnx", ".onnx", [](const Path& p) { onnx::load(p); }, onnx_file(small_model())},
      {"onnx value", ".pb", [](const Path& p) { onnx::load_value(p, {.type = onnx::ElementType::float32}); },
       protobuf::encode(schema::Tensor{.dims = {2}, .data_type = 1, .float_data = {1, 2}})},
      {"snapshot", ".json", [](const Path& p) { graph::from_json(data::read_text_file(p), p.string()); }, kSnapshot,
       true},
      {"mermaid", ".mmd",
       [](const Path& p) {
         for (const auto& diagram : graph::mermaid_diagrams(data::read_text_file(p), p.string()))
           graph::check_mermaid(diagram.text);
       },
       "flowchart TB\n a[\"x\"] --> b & c\n", true, true},
  };
}

}  // namespace

const std::vector<Reader>& readers() {
  static const std::vector<Reader> all = make_readers();
  return all;
}

const Reader& reader(std::string_view name) {
  const auto found = std::ranges::find(readers(), name, &Reader::name);
  if (found == readers().end()) throw std::logic_error("no reader " + std::string(name));
  return *found;
}

}  // namespace tapegrad::hostile
