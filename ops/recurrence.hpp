#pragma once
// Recurrent networks over whole sequences, one op a direction. What does not depend on the step before, the projection
// of the inputs with its bias, is one matrix product that the caller does beforehand.
//
// x is [T, B, gates · H], step by step; weight is [gates · H, H]; states are [B, H]. The result has planes of [T, B, H]
// along a first axis: the gates, then the state; the last plane is the hidden state h. All planes can be
// differentiated.

#include <tapegrad/op/attributes.hpp>

namespace tapegrad {

struct RecurrenceOptions {
  /// Steps of each sequence, the rest being padding: there the state stays as it is and the gates are 0. None: all.
  Integers lengths = {};
  /// From the last step to the first.
  bool reverse = false;
};

/// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).
/// Gates in x: input i, forget f, candidate g, output o. Planes: i, f, g, o, cell state c, h.
Tensor lstm_sequence(const Tensor& x, const Tensor& weight, const Tensor& hidden, const Tensor& cell,
                     const RecurrenceOptions& options = {});

/// Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, whose bias [3 · H] is `bias`.
/// Gates in x: reset r, update z, candidate n. Planes: r, z, n, the candidate's product m, h = n + z (h' - n).
Tensor gru_sequence(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& hidden,
                    const RecurrenceOptions& options = {});

/// h = tanh(x + W h'), or max(0, x + W h') with `relu` (Elman 1990). One plane: h.
Tensor rnn_sequence(const Tensor& x, const Tensor& weight, const Tensor& hidden, bool relu = false,
                    const RecurrenceOptions& options = {});

}  // namespace tapegrad
