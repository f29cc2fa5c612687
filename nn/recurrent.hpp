#pragma once
// Recurrent layers: Rnn, Lstm, Gru, over whole sequences and step by step.

#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/init.hpp>
#include <tapegrad/nn/module.hpp>
#include <tapegrad/ops/recurrence.hpp>

namespace tapegrad::nn {

enum class RecurrentKind : std::uint8_t {
  tanh,  ///< h = tanh(W x + U h' + b)
  relu,  ///< h = max(0, W x + U h' + b)
  lstm,  ///< gates input, forget, candidate, output
  gru    ///< gates reset, update, candidate; the reset gate after the product
};

/// What a recurrent layer carries from step to step: [B, H] in a cell, [layers · directions, B, H] in a stack of them,
/// the directions of one layer side by side.
struct RecurrentState {
  Tensor hidden;
  Tensor cell;  ///< of an LSTM
};

/// What a recurrent layer gives.
struct RecurrentResult {
  Tensor output;  ///< the hidden state of each step
  RecurrentState state;
};

/// Initial weights of a recurrent cell.
struct RecurrentCellOptions {
  init::Initializer input_init = init::xavier_uniform();  ///< of each gate's [H, I]
  init::Initializer recurrent_init = init::orthogonal();  ///< of each gate's [H, H]
  double forget_bias = 1;  ///< of an LSTM, so that it remembers to begin with (Jozefowicz et al. 2015)
  DType dtype = f32;
  Rng* rng = nullptr;  ///< null: default_rng()
};

/// One layer in one direction. Call it for a step; run() takes a sequence.
class RecurrentCell : public Layer<RecurrentCell> {
 public:
  using Options = RecurrentCellOptions;
  /// ValueError if a size is below 1.
  RecurrentCell(Owner owner, const MemberName& name, RecurrentKind kind, std::int64_t in, std::int64_t hidden,
                const RecurrentCellOptions& options = {});
  RecurrentCell(RecurrentKind kind, std::int64_t in, std::int64_t hidden, const RecurrentCellOptions& options = {})
      : RecurrentCell(kNoOwner, "", kind, in, hidden, options) {}

  /// x [B, in] and the state before, zeros if undefined, to the state [B, H]. ShapeError for anything else.
  RecurrentState forward(const Tensor& x, const RecurrentState& before = {}) const;

  /// x [L, B, in], step by step, to outputs [L, B, H] and the last state [B, H]. After the last step that counts of a
  /// sequence the state stays, and the outputs repeat it.
  RecurrentResult run(const Tensor& x, const RecurrentState& before = {}, const RecurrenceOptions& options = {}) const;

  std::string type_name() const override;
  RecurrentKind kind() const { return kind_; }
  std::int64_t in() const { return input_weight.size(1); }
  std::int64_t hidden() const { return recurrent_weight.size(1); }

  Parameter input_weight;      ///< [gates · H, in]
  Parameter recurrent_weight;  ///< [gates · H, H]
  Parameter bias;              ///< [gates · H]
  Parameter recurrent_bias;    ///< [gates · H], of a GRU only: inside the reset gate's product

 private:
  RecurrentKind kind_;
};

/// Of Rnn, Gru and Lstm.
struct RecurrentOptions {
  std::int64_t layers = 1;
  bool bidirectional = false;  ///< a second cell a layer, from the end; outputs side by side, 2 · H wide
  double dropout = 0;          ///< between layers
  RecurrentCellOptions cell = {};
};

/// Layers of recurrent cells over sequences [B, L, in].
class Recurrent : public Layer<Recurrent> {
 public:
  using Options = RecurrentOptions;
  /// ValueError if a size is below 1 or the dropout is outside [0, 1).
  Recurrent(Owner owner, const MemberName& name, RecurrentKind kind, std::int64_t in, std::int64_t hidden,
            const RecurrentOptions& options = {});
  Recurrent(RecurrentKind kind, std::int64_t in, std::int64_t hidden, const RecurrentOptions& options = {})
      : Recurrent(kNoOwner, "", kind, in, hidden, options) {}

  /// x [B, L, in] to outputs [B, L, H · directions] and the last states. `before`: states to go on from, zeros if
  /// undefined. `lengths`: i64 [B], steps that count of each sequence, if not all; the others are not read, give
  /// outputs of 0, and leave the states as they are. ShapeError, DTypeError or ValueError for what does not fit.
  RecurrentResult forward(const Tensor& x, const RecurrentState& before = {}, const Tensor& lengths = {}) const;

  std::string type_name() const override;
  RecurrentKind kind() const { return kind_; }
  std::int64_t in() const { return cells[0].in(); }
  std::int64_t hidden() const { return cells[0].hidden(); }
  std::int64_t layers() const { return static_cast<std::int64_t>(cells.size()) / directions(); }
  std::int64_t directions() const { return bidirectional_ ? 2 : 1; }

  ModuleList<RecurrentCell> cells{*this, "cells"};  ///< layer by layer, forward before backward

 private:
  RecurrentKind kind_;
  bool bidirectional_;
  double dropout_;
};

/// A RecurrentCell, or a Recurrent, of one kind.
template <class Layers, RecurrentKind kKind>
struct OfKind : Layers {
  using Options = typename Layers::Options;
  OfKind(Owner owner, const MemberName& name, std::int64_t in, std::int64_t hidden, const Options& options = {})
      : Layers(owner, name, kKind, in, hidden, options) {}
  OfKind(std::int64_t in, std::int64_t hidden, const Options& options = {})
      : OfKind(kNoOwner, "", in, hidden, options) {}
};
using RnnCell = OfKind<RecurrentCell, RecurrentKind::tanh>;
using LstmCell = OfKind<RecurrentCell, RecurrentKind::lstm>;
using GruCell = OfKind<RecurrentCell, RecurrentKind::gru>;
using Rnn = OfKind<Recurrent, RecurrentKind::tanh>;
using Lstm = OfKind<Recurrent, RecurrentKind::lstm>;
using Gru = OfKind<Recurrent, RecurrentKind::gru>;

}  // namespace tapegrad::nn
