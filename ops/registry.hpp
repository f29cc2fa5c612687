#pragma once
// Every operation of the library, for those who walk over them: checks, documentation, the command line.

#include <span>
#include <string>
#include <string_view>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/sample.hpp>
#include <vector>

namespace tapegrad {

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
  /// Runs it with attributes given as text; ValueError for unknown names or bad values.
  Tensor (*call)(std::span<const Tensor> inputs, const NamedValues& attributes);
  std::vector<AttributeInfo> (*attributes)();

  const OpInfo& info() const { return *record->info; }
};

/// All ops, families in order, each family in its own order.
std::span<const OpEntry* const> all_ops();
/// By name; ValueError that suggests the nearest names.
const OpEntry& find_op(std::string_view name);

// Derived for pointwise ops from their OpInfo alone.
std::vector<Sample> pointwise_samples(const OpRecord& op, Rng& rng, void* (*attributes)(const NamedValues&));
std::vector<BadInput> pointwise_bad_inputs(const OpRecord& op, void* (*attributes)(const NamedValues&));

// Families; one function a file.
std::span<const OpEntry> cast_ops();
std::span<const OpEntry> arithmetic_ops();
std::span<const OpEntry> elementary_ops();
std::span<const OpEntry> activation_ops();
std::span<const OpEntry> special_ops();
std::span<const OpEntry> rounding_ops();
std::span<const OpEntry> comparison_ops();
std::span<const OpEntry> view_ops();
std::span<const OpEntry> reduce_ops();
std::span<const OpEntry> extremum_ops();
std::span<const OpEntry> moment_ops();
std::span<const OpEntry> scan_ops();
std::span<const OpEntry> order_ops();
std::span<const OpEntry> softmax_ops();
std::span<const OpEntry> cross_entropy_ops();
std::span<const OpEntry> loss_ops();
std::span<const OpEntry> matmul_ops();
std::span<const OpEntry> linear_solve_ops();
std::span<const OpEntry> determinant_ops();
std::span<const OpEntry> factorization_ops();
std::span<const OpEntry> spectral_ops();
std::span<const OpEntry> indexing_ops();
std::span<const OpEntry> embedding_ops();
std::span<const OpEntry> segment_ops();
std::span<const OpEntry> join_ops();
std::span<const OpEntry> gather_ops();
std::span<const OpEntry> arrange_ops();
std::span<const OpEntry> diagonal_ops();
std::span<const OpEntry> sampling_ops();
std::span<const OpEntry> recurrence_ops();
std::span<const OpEntry> resample_ops();
std::span<const OpEntry> attention_ops();
std::span<const OpEntry> pooling_ops();
std::span<const OpEntry> convolution_ops();
std::span<const OpEntry> normalization_ops();

}  // namespace tapegrad
