#pragma once
// Recurrent networks over whole sequences, one op a direction. What does not depend on the step before, the projection
// of the inputs with its bias, is one matrix product that the caller does beforehand.
//
// x is [T, B, gates · H], step by step; weight is [gates · H, H]; states are [B, H].

#include <tapegrad/core/tensor.hpp>
#include <tapegrad/op/attributes.hpp>

namespace tapegrad {

/// Of rnn(), gru() and lstm().
struct RecurrenceOptions {
  /// Steps of each sequence, the rest being padding, over which the state stays as it is. None: all.
  Integers lengths = {};
  /// From the last step to the first.
  bool reverse = false;
  bool operator==(const RecurrenceOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"lengths", &RecurrenceOptions::lengths, "steps of each sequence; none: all"},
                      Field{"reverse", &RecurrenceOptions::reverse, "from the last step to the first"}};
  }
};

/// What rnn() and gru() give.
struct RecurrenceResult {
  Tensor output;  ///< the hidden state of each step, [T, B, H]
  Tensor hidden;  ///< the last one, [B, H]
};
/// What lstm() gives.
struct LstmResult {
  Tensor output;  ///< the hidden state of each step, [T, B, H]
  Tensor hidden;  ///< the last one, [B, H]
  Tensor cell;    ///< the last cell state, [B, H]
};

/// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).
/// Gates in x: input i, forget f, candidate g, output o.
LstmResult lstm(const Tensor& x, const Tensor& weight, const Tensor& hidden, const Tensor& cell,
                const RecurrenceOptions& options = {});

/// Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, whose bias [3 · H] is `bias`.
/// Gates in x: reset r, update z, candidate n.
RecurrenceResult gru(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& hidden,
                     const RecurrenceOptions& options = {});

/// h = tanh(x + W h'), or max(0, x + W h') with `relu` (Elman 1990).
RecurrenceResult rnn(const Tensor& x, const Tensor& weight, const Tensor& hidden, bool relu = false,
                     const RecurrenceOptions& options = {});

}  // namespace tapegrad
