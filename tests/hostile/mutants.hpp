#pragma once
// Right files, each with one part changed: the format is followed down to the part, and up again where lengths enclose
// it, so that readers come as far as the part.

#include <string>
#include <vector>

namespace tapegrad::hostile {

struct Mutant {
  std::string name;  ///< what was changed, and to what
  std::string content;
};

/// Of a message of Protocol Buffers: fields dropped, repeated, of other numbers, types, lengths and values.
std::vector<Mutant> protobuf_mutants(const std::string& file);
/// Of a ZIP archive: each number in each header.
std::vector<Mutant> zip_mutants(const std::string& file);
/// Of a file of torch.save: each opcode of its pickle dropped, doubled, replaced, with other arguments.
std::vector<Mutant> pickle_mutants(const std::string& file);
/// Of JSON: each value replaced by others of all kinds, or dropped; each key renamed.
std::vector<Mutant> json_mutants(const std::string& text);
/// Of a safetensors file: its header as JSON, and the length of it.
std::vector<Mutant> safetensors_mutants(const std::string& file);
/// Of a .npy file of floats: what its dictionary says.
std::vector<Mutant> npy_mutants(const std::string& file);

}  // namespace tapegrad::hostile
