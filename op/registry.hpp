#pragma once
// Every operation of the library, for those who walk over them: checks, documentation, the command line.

#include <span>
#include <string>
#include <string_view>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/sample.hpp>
#include <vector>

namespace tapegrad {

/// An attribute of an operation, in words.
struct AttributeInfo {
  std::string name, default_value, doc;
};

/// What is known of one op.
struct OpEntry {
  const OpRecord* record;
  bool pointwise;
  bool view;
  /// Inputs and attributes that it takes, in f64: broadcast, zero-size, rank-0 and strided ones among them.
  std::vector<Sample> (*samples)(Rng& rng);
  /// Inputs that it refuses, each with a part of the message.
  std::vector<BadInput> (*bad_inputs)();
  /// Runs it with attributes given as text and gives its results; ValueError for unknown names or bad values.
  std::vector<Tensor> (*call)(std::span<const Tensor> inputs, const NamedValues& attributes);
  std::vector<AttributeInfo> (*attributes)();

  const OpInfo& info() const { return *record->info; }
};

/// All ops, file by file; defined in ops/catalogue.cpp.
std::span<const OpEntry* const> all_ops();
/// By name; ValueError that suggests the nearest names.
const OpEntry& find_op(std::string_view name);

// Derived for pointwise ops from their OpInfo alone.
std::vector<Sample> pointwise_samples(const OpRecord& op, Rng& rng, void* (*attributes)(const NamedValues&));
std::vector<BadInput> pointwise_bad_inputs(const OpRecord& op, void* (*attributes)(const NamedValues&));

}  // namespace tapegrad
