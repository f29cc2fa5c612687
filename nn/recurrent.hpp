#pragma once
// Recurrent layers: Rnn, Lstm, Gru, over whole sequences and step by step.

#include <tapegrad/nn/init.hpp>
#include <tapegrad/nn/layer.hpp>
#include <tapegrad/nn/module_list.hpp>

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

struct RecurrentResult {
  Tensor output;  ///< the hidden state of each step
  RecurrentState state;
};

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
  /// ValueError if a size is below 1.
  RecurrentCell(RecurrentKind kind, std::int64_t in, std::int64_t hidden, const RecurrentCellOptions& options = {});
  RecurrentCell(Module& parent, const MemberName& name, RecurrentKind kind, std::int64_t in, std::int64_t hidden,
                const RecurrentCellOptions& options = {});

  /// x [B, in] and the state before, zeros if undefined, to the state [B, H]. ShapeError for anything else.
  RecurrentState forward(const Tensor& x, const RecurrentState& before = {}) const;

  /// x [L, B, in], step by step, to outputs [L, B, H] and the last state [B, H]. `lengths` says how many steps count of
  /// each sequence, empty: all; the state stops there, and the outputs after it repeat it.
  RecurrentResult run(const Tensor& x, const RecurrentState& before = {}, const std::vector<std::int64_t>& lengths = {},
                      bool reverse = false) const;

  std::string type_name() const override;
  RecurrentKind kind() const { return kind_; }
  std::int64_t in() const { return input_weight.size(1); }
  std::int64_t hidden() const { return recurrent_weight.size(1); }

  Parameter input_weight;      ///< [gates · H, in]
  Parameter recurrent_weight;  ///< [gates · H, H]
  Parameter bias;              ///< [gates · H]
  Parameter recurrent_bias;    ///< [gates · H], of a GRU only: inside the reset gate's product

 private:
  void build(std::int64_t in, std::int64_t hidden, const RecurrentCellOptions& options);
  RecurrentKind kind_;
};

struct RnnCell : RecurrentCell {
  RnnCell(std::int64_t in, std::int64_t hidden, const RecurrentCellOptions& options = {})
      : RecurrentCell(RecurrentKind::tanh, in, hidden, options) {}
  RnnCell(Module& parent, const MemberName& name, std::int64_t in, std::int64_t hidden,
          const RecurrentCellOptions& options = {})
      : RecurrentCell(parent, name, RecurrentKind::tanh, in, hidden, options) {}
};
struct LstmCell : RecurrentCell {
  LstmCell(std::int64_t in, std::int64_t hidden, const RecurrentCellOptions& options = {})
      : RecurrentCell(RecurrentKind::lstm, in, hidden, options) {}
  LstmCell(Module& parent, const MemberName& name, std::int64_t in, std::int64_t hidden,
           const RecurrentCellOptions& options = {})
      : RecurrentCell(parent, name, RecurrentKind::lstm, in, hidden, options) {}
};
struct GruCell : RecurrentCell {
  GruCell(std::int64_t in, std::int64_t hidden, const RecurrentCellOptions& options = {})
      : RecurrentCell(RecurrentKind::gru, in, hidden, options) {}
  GruCell(Module& parent, const MemberName& name, std::int64_t in, std::int64_t hidden,
          const RecurrentCellOptions& options = {})
      : RecurrentCell(parent, name, RecurrentKind::gru, in, hidden, options) {}
};

struct RecurrentOptions {
  std::int64_t layers = 1;
  bool bidirectional = false;  ///< a second cell a layer, from the end; outputs side by side, 2 · H wide
  double dropout = 0;          ///< between layers
  RecurrentCellOptions cell = {};
};

/// Layers of recurrent cells over sequences [B, L, in].
class Recurrent : public Layer<Recurrent> {
 public:
  /// ValueError if a size is below 1 or the dropout is outside [0, 1).
  Recurrent(RecurrentKind kind, std::int64_t in, std::int64_t hidden, const RecurrentOptions& options = {});
  Recurrent(Module& parent, const MemberName& name, RecurrentKind kind, std::int64_t in, std::int64_t hidden,
            const RecurrentOptions& options = {});

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
  void build(std::int64_t in, std::int64_t hidden, const RecurrentOptions& options);
  RecurrentKind kind_;
  bool bidirectional_ = false;
  double dropout_ = 0;
};

struct Rnn : Recurrent {
  Rnn(std::int64_t in, std::int64_t hidden, const RecurrentOptions& options = {})
      : Recurrent(RecurrentKind::tanh, in, hidden, options) {}
  Rnn(Module& parent, const MemberName& name, std::int64_t in, std::int64_t hidden,
      const RecurrentOptions& options = {})
      : Recurrent(parent, name, RecurrentKind::tanh, in, hidden, options) {}
};
struct Lstm : Recurrent {
  Lstm(std::int64_t in, std::int64_t hidden, const RecurrentOptions& options = {})
      : Recurrent(RecurrentKind::lstm, in, hidden, options) {}
  Lstm(Module& parent, const MemberName& name, std::int64_t in, std::int64_t hidden,
       const RecurrentOptions& options = {})
      : Recurrent(parent, name, RecurrentKind::lstm, in, hidden, options) {}
};
struct Gru : Recurrent {
  Gru(std::int64_t in, std::int64_t hidden, const RecurrentOptions& options = {})
      : Recurrent(RecurrentKind::gru, in, hidden, options) {}
  Gru(Module& parent, const MemberName& name, std::int64_t in, std::int64_t hidden,
      const RecurrentOptions& options = {})
      : Recurrent(parent, name, RecurrentKind::gru, in, hidden, options) {}
};

}  // namespace tapegrad::nn
