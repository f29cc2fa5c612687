#pragma once
// Pages about the operations, written from their declarations: docs/ops.md, docs/kinks.md and a part of docs/onnx.md.

#include <span>
#include <string>

namespace tapegrad {
struct OpEntry;
}

namespace tapegrad::tools {

/// "sum(x, axes=[], keepdims=false)".
std::string signature(const OpEntry& op);

/// For each op its formula, inputs, attributes, the orders of its gradient that the checker proves, its cost, and an
/// example that is computed for the page.
std::string ops_page(std::span<const OpEntry* const> ops);

/// What they give at ties, zeros, the edges of domains, infinities and NaN: what was decided, and what is computed for
/// the page.
std::string kinks_page(std::span<const OpEntry* const> ops);

/// The operators of ONNX that can be run, and the operations that are not written, with the reason.
std::string onnx_operators();

}  // namespace tapegrad::tools
