#pragma once
// The whole public interface in one include. A program that is compiled often can name single headers instead.

#include <tapegrad/core/error.hpp>
#include <tapegrad/core/version.hpp>
