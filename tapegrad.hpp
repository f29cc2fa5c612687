#pragma once
// The whole public interface in one include. A program that is compiled often can name single headers instead.

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/core/version.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/cast.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/matmul.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/rounding.hpp>
#include <tapegrad/ops/special.hpp>
#include <tapegrad/ops/view.hpp>
