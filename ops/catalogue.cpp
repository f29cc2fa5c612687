// Which operations there are: the lists at the feet of the files, in one order.

#include <tapegrad/op/registry.hpp>

namespace tapegrad {

using OpsOfFile = std::span<const OpEntry>();
OpsOfFile activation_ops, arithmetic_ops, arrange_ops, attention_ops, cast_ops, comparison_ops, convolution_ops,
    cross_entropy_ops, determinant_ops, diagonal_ops, elementary_ops, embedding_ops, extremum_ops, factorization_ops,
    fourier_ops, gather_ops, indexing_ops, join_ops, least_squares_ops, linear_ops, linear_solve_ops, loss_ops, lu_ops,
    matmul_ops, matrix_function_ops, moment_ops, norm_ops, normalization_ops, order_ops, pooling_ops, recurrence_ops,
    reduce_ops, resample_ops, rounding_ops, sampling_ops, scan_ops, scatter_reduce_ops, segment_ops, softmax_ops,
    special_ops, special_family_ops, spectral_ops, view_ops;

namespace {

std::vector<const OpEntry*> collect() {
  std::vector<const OpEntry*> all;
  for (OpsOfFile* ops : {
           cast_ops,          arithmetic_ops,     elementary_ops,      activation_ops,
           special_ops,       special_family_ops, rounding_ops,        comparison_ops,
           view_ops,          reduce_ops,         extremum_ops,        moment_ops,
           norm_ops,          scan_ops,           order_ops,           softmax_ops,
           cross_entropy_ops, loss_ops,           matmul_ops,          linear_ops,
           indexing_ops,      embedding_ops,      segment_ops,         join_ops,
           gather_ops,        scatter_reduce_ops, arrange_ops,         diagonal_ops,
           sampling_ops,      recurrence_ops,     normalization_ops,   linear_solve_ops,
           determinant_ops,   factorization_ops,  fourier_ops,         lu_ops,
           spectral_ops,      least_squares_ops,  matrix_function_ops, convolution_ops,
           pooling_ops,       attention_ops,      resample_ops,
       })
    for (const OpEntry& entry : ops()) all.push_back(&entry);
  return all;
}

}  // namespace

std::span<const OpEntry* const> all_ops() {
  static const std::vector<const OpEntry*> all = collect();
  return all;
}

}  // namespace tapegrad
