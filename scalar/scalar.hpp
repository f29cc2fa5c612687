#pragma once
// Scalars that differentiate, for functions that are templates over their number type: all of scalar/ that needs
// nothing but the standard library.

#include <tapegrad/scalar/derivatives.hpp>
#include <tapegrad/scalar/functions.hpp>
#include <tapegrad/scalar/recording.hpp>
