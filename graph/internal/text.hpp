#pragma once
// Text that comes from outside (names of any length in any script) and numbers, made fit for pictures and tables.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tapegrad::graph {

/// The text with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

/// Takes the first code point off well-formed, non-empty UTF-8.
char32_t take_code_point(std::string_view& text);
void append_code_point(std::string& text, char32_t code_point);

/// Length in UTF-16 units, in which browsers count.
std::size_t utf16_units(std::string_view text);

/// The text with nothing in it that a drawing cannot show: tabs become spaces, carriage returns go, other control
/// characters become their pictures (U+2400...), direction overrides and non-characters U+FFFD. Line feeds stay.
std::string drawable(std::string_view text);

/// At most `limit` code points (at least 2): a longer text keeps its head and its tail, with an ellipsis between.
std::string shorten(std::string_view text, std::size_t limit);

/// The text in lines of at most `width` columns, broken at spaces; a longer word has a line of its own.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// The names of the first and the last of a series in one: "layer0" and "layer11" make "layer0…11".
std::string range_name(std::string_view first, std::string_view last);

/// Columns of a terminal that the text takes.
std::size_t display_width(std::string_view text);

std::string times_text(std::uint32_t times);                  ///< " × 12", on one line with what it follows
std::string shape_text(std::span<const std::int64_t> shape);  ///< "[32, 784]"
std::string grouped(double whole_number);                     ///< "669,706"
std::string metric(double quantity);                          ///< "25.7 M"
std::string bytes_text(double bytes);                         ///< "98.0 KiB"
std::string duration_text(double seconds);                    ///< "1.25 ms"
std::string number_text(double value);                        ///< three significant digits, "nan", "inf"

}  // namespace tapegrad::graph
