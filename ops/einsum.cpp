#include <algorithm>
#include <cmath>
#include <map>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/internal/labelled.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

using internal::Label;
using internal::Labelled;
using internal::Labels;

/// An equation, taken apart: what it says of each operand and of the result, "..." written as one dot.
struct Equation {
  std::string text;
  std::vector<std::string> operands;
  std::string result;
  bool implicit = true;

  explicit Equation(std::string_view given) : text(given) {
    std::string left;
    for (std::size_t i = 0; i < given.size(); ++i) {
      std::string& part = implicit ? left : result;
      const std::string_view rest = given.substr(i);
      const char c = given[i];
      if (c == ' ') continue;
      if (rest.starts_with("...")) {
        part += '.';
        i += 2;
      } else if (implicit && rest.starts_with("->")) {
        implicit = false;
        ++i;
      } else if (is_letter(c) || (implicit && c == ',')) {
        part += c;
      } else {
        refuse(std::string("'") + c + "' is not a letter, '...', ',' or '->'");
      }
    }
    for (std::size_t begin = 0, end = 0; end <= left.size(); begin = ++end) {
      end = std::min(left.find(',', begin), left.size());
      operands.push_back(left.substr(begin, end - begin));
      if (std::ranges::count(operands.back(), '.') > 1) refuse("an operand has more than one '...'");
    }
    for (const char c : result)
      if (std::ranges::count(result, c) > 1) refuse(std::string("the result names '") + c + "' twice");
  }

  [[noreturn]] void refuse(const std::string& why) const { throw ValueError("einsum: \"" + text + "\": " + why); }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
};

/// Letters stand for themselves; the axes of "..." are -1, -2, … from the right, as they broadcast.
Labels labels_of(const std::string& term, int dots) {
  Labels labels;
  for (const char c : term)
    if (c == '.')
      for (int i = dots; i > 0; --i) labels.push_back(-i);
    else
      labels.push_back(c);
  return labels;
}

std::string name_of(Label label) {
  return label > 0 ? std::string("'") + static_cast<char>(label) + "'" : "'...' axis " + std::to_string(label);
}

class Contraction {
 public:
  Contraction(const Equation& equation, std::span<const Tensor> operands) : equation_(equation) {
    if (operands.size() != equation.operands.size())
      equation.refuse("names " + std::to_string(equation.operands.size()) + " operands; " +
                      std::to_string(operands.size()) + " were given");
    DType dtype = f32;
    for (const Tensor& t : operands) {
      if (!t.defined()) equation.refuse("operand " + std::to_string(terms_.size()) + " is undefined");
      dtype = promote(dtype, t.dtype());
      terms_.push_back(label(terms_.size(), t));
    }
    for (Labelled& term : terms_) term.value = cast(diagonals(term), dtype);
    choose_result();
    for (Labelled& term : terms_) drop_ones(term);
  }

  Tensor run() {
    for (std::size_t i = 0; i < terms_.size(); ++i) sum_alone(i);
    while (terms_.size() > 1) {
      const auto [a, b] = cheapest_pair();
      Labelled product = internal::contract(terms_[a], terms_[b], kept(a, b));
      terms_.erase(terms_.begin() + static_cast<std::ptrdiff_t>(b));
      terms_[a] = std::move(product);
    }
    return internal::arranged(terms_[0], result_);
  }

 private:
  Labelled label(std::size_t index, const Tensor& t) {
    const std::string& term = equation_.operands[index];
    const bool dotted = term.find('.') != std::string::npos;
    const int letters = static_cast<int>(term.size()) - (dotted ? 1 : 0), dots = t.rank() - letters;
    if (dots < 0 || (dots > 0 && !dotted))
      throw ShapeError("einsum: \"" + equation_.text + "\" gives operand " + std::to_string(index) + " " +
                       std::to_string(letters) + (letters == 1 ? " axis" : " axes") + (dotted ? " or more" : "") +
                       "; it is " + to_string(t.shape()));
    most_dots_ = std::max(most_dots_, dots);
    Labelled labelled{t, labels_of(term, dots)};
    for (int axis = 0; axis < t.rank(); ++axis) {
      const Label l = labelled.labels[static_cast<std::size_t>(axis)];
      const std::int64_t extent = t.shape()[axis];
      std::int64_t& known = extents_.try_emplace(l, extent).first->second;
      if (known == 1) known = extent;
      if (known != extent && extent != 1)
        throw ShapeError("einsum: \"" + equation_.text + "\": " + name_of(l) + " is " + std::to_string(known) +
                         " elsewhere and " + std::to_string(extent) + " in operand " + std::to_string(index) + ", " +
                         to_string(t.shape()));
    }
    return labelled;
  }

  /// One axis for each label of the term.
  Tensor diagonals(Labelled& term) const {
    for (std::size_t i = 0; i < term.labels.size();) {
      const auto next =
          std::find(term.labels.begin() + static_cast<std::ptrdiff_t>(i) + 1, term.labels.end(), term.labels[i]);
      if (next == term.labels.end()) {
        ++i;
        continue;
      }
      const int first = static_cast<int>(i), second = static_cast<int>(next - term.labels.begin());
      if (term.value.shape()[first] != term.value.shape()[second])
        throw ShapeError("einsum: \"" + equation_.text + "\" takes a diagonal along " + name_of(*next) +
                         " of axes whose extents are " + std::to_string(term.value.shape()[first]) + " and " +
                         std::to_string(term.value.shape()[second]));
      const Label both = *next;
      term.value = diagonal(term.value, 0, first, second);
      term.labels.erase(next);
      term.labels.erase(term.labels.begin() + first);
      term.labels.push_back(both);
    }
    return term.value;
  }

  void choose_result() {
    if (!equation_.implicit) {
      if (equation_.result.find('.') == std::string::npos && most_dots_ > 0)
        equation_.refuse("the result has no '...', whose axes cannot be summed over; name them by letters");
      result_ = labels_of(equation_.result, most_dots_);
      for (const Label l : result_)
        if (!extents_.contains(l)) equation_.refuse("the result names " + name_of(l) + ", which no operand has");
      return;
    }
    std::map<Label, int> times;
    for (const std::string& term : equation_.operands)
      for (const Label l : labels_of(term, 0)) ++times[l];
    result_ = labels_of(".", most_dots_);
    for (const auto& [l, count] : times)
      if (count == 1) result_.push_back(l);
  }

  /// An axis of extent 1 that broadcasts against a longer one says nothing.
  void drop_ones(Labelled& term) const {
    for (int axis = term.value.rank() - 1; axis >= 0; --axis) {
      const auto at = term.labels.begin() + axis;
      if (term.value.shape()[axis] != 1 || extents_.at(*at) == 1) continue;
      term.value = squeeze(term.value, axis);
      term.labels.erase(at);
    }
  }

  /// Sums over the labels that only this term has.
  void sum_alone(std::size_t i) {
    Axes axes;
    Labels left;
    for (std::size_t axis = 0; axis < terms_[i].labels.size(); ++axis) {
      const Label l = terms_[i].labels[axis];
      if (kept(i, i, l))
        left.push_back(l);
      else
        axes.push_back(static_cast<std::int64_t>(axis));
    }
    if (!axes.empty()) terms_[i] = {sum(terms_[i].value, axes), left};
  }

  /// Whether a label of terms a and b is wanted outside them.
  bool kept(std::size_t a, std::size_t b, Label l) const {
    if (std::ranges::find(result_, l) != result_.end()) return true;
    for (std::size_t i = 0; i < terms_.size(); ++i)
      if (i != a && i != b && std::ranges::find(terms_[i].labels, l) != terms_[i].labels.end()) return true;
    return false;
  }
  Labels kept(std::size_t a, std::size_t b) const {
    Labels all;
    for (const auto& [l, extent] : extents_)
      if (kept(a, b, l)) all.push_back(l);
    return all;
  }

  /// The pair whose contraction leaves the least behind.
  std::pair<std::size_t, std::size_t> cheapest_pair() const {
    std::pair<std::size_t, std::size_t> best{0, 1};
    double least = INFINITY;
    for (std::size_t a = 0; a < terms_.size(); ++a)
      for (std::size_t b = a + 1; b < terms_.size(); ++b) {
        double grown = 1;
        for (const auto& [l, extent] : extents_)
          if ((has(a, l) || has(b, l)) && kept(a, b, l)) grown *= static_cast<double>(extent);
        grown -= static_cast<double>(terms_[a].value.numel()) + static_cast<double>(terms_[b].value.numel());
        if (grown < least) least = grown, best = {a, b};
      }
    return best;
  }
  bool has(std::size_t i, Label l) const { return std::ranges::find(terms_[i].labels, l) != terms_[i].labels.end(); }

  const Equation& equation_;
  std::vector<Labelled> terms_;
  Labels result_;
  std::map<Label, std::int64_t> extents_;
  int most_dots_ = 0;
};

}  // namespace

Tensor einsum(std::string_view equation, std::span<const Tensor> operands) {
  const Equation parsed(equation);
  return Contraction(parsed, operands).run();
}

}  // namespace tapegrad
