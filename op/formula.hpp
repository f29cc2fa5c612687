#pragma once
// The vocabulary of pointwise formulas, with Tensors to read them on.

#include <tapegrad/core/tensor.hpp>
#include <tapegrad/op/formula/vocabulary.hpp>
