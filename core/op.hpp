#pragma once
// What an operation declares about itself (OpInfo), and what a recorded node points to (OpRecord).
// core names no operation: these are filled in by op/ and by users' own operations.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tapegrad/core/dtype.hpp>
#include <tapegrad/core/shape.hpp>
#include <utility>
#include <vector>

namespace tapegrad {

class Tensor;
struct Node;
class Rng;

inline constexpr int kMaxInputs = 4;  // of an op with a fixed number of them; variadic ops take any number

/// A set of an op's inputs, by position.
class InputSet {
 public:
  constexpr InputSet() = default;
  constexpr InputSet(std::initializer_list<int> inputs) {
    for (int i : inputs) bits_ = static_cast<std::uint8_t>(bits_ | (1u << i));
  }
  constexpr bool operator==(const InputSet&) const = default;
  constexpr bool has(int input) const { return (bits_ >> (input < 7 ? input : 7)) & 1u; }
  static constexpr InputSet all() {
    InputSet s;
    s.bits_ = 0xff;
    return s;
  }

 private:
  std::uint8_t bits_ = 0;
};

/// The values that an op's gradient rules read: their buffers are kept until the backward pass.
struct Saves {
  InputSet inputs{};
  bool others = false;  ///< each input's gradient reads all inputs but itself, as in a product
  bool output = false;
  constexpr bool operator==(const Saves&) const = default;
};
inline constexpr Saves kSavesNothing{};
inline constexpr Saves kSavesInputs{.inputs = InputSet::all()};
inline constexpr Saves kSavesOthers{.others = true};
inline constexpr Saves kSavesOutput{.output = true};
inline constexpr Saves kSavesAll{.inputs = InputSet::all(), .output = true};

/// Names of an op's inputs.
struct Inputs {
  // A constructor, because g++ 12 rejects a partly initialised array in a designated initialiser.
  template <class... S>
  constexpr Inputs(S... names) : name{names...}, count(sizeof...(S)) {}
  std::string_view name[kMaxInputs];
  int count;
};

/// Where samples of a pointwise op's inputs are drawn from: one interval an input, the last one for the rest.
struct Interval {
  double low = -2, high = 2;
};
struct Domain {
  constexpr Domain() = default;
  constexpr Domain(std::initializer_list<Interval> intervals) {
    for (const Interval& i : intervals) interval[count++] = i;
    for (int i = count; i < kMaxInputs && count > 0; ++i) interval[i] = interval[count - 1];
  }
  Interval interval[kMaxInputs];
  int count = 0;
};

/// What a pointwise op takes and gives.
enum class Kind : std::uint8_t {
  floating,  ///< f32, f64; integers are promoted to f32
  numeric,   ///< any dtype, result of the same dtype
  predicate  ///< any dtype, boolean result
};

/// How a structural op takes tangents forward; pointwise ones do as `symmetric` says, views as `linear`.
enum class Forward : std::uint8_t {
  none,      ///< only through its gradient, differentiated again
  linear,    ///< it is linear, and maps tangents as it maps values: in all inputs but the fixed ones together or, where
             ///< it saves the others, in each of them
  symmetric  ///< its Jacobian is symmetric, so the gradient rule maps tangents too
};

/// How far results may be from the true ones, in units in the last place of the true result times the condition number
/// of the op at that point. The range test holds every op to it over all that its dtype represents.
struct Accuracy {
  double ulps = 4;
  bool normwise = false;  ///< relative to the largest element of the result and of each input, not to each element
  std::string_view reason = "";  ///< why more than the defaults
};

struct OpInfo {
  std::string_view name;
  std::string_view formula;
  std::string_view doc = "";
  Inputs inputs{};
  double flops = 1;  ///< per element of the result, for pointwise ops; others have cost()
  Saves saves = kSavesInputs;
  Domain domain{};
  Kind kind = Kind::floating;
  bool differentiable = true;
  InputSet fixed{};     ///< inputs without a gradient by nature: indices, conditions
  InputSet optional{};  ///< inputs of a structural op that may be undefined; trailing ones may be left out
  InputSet passes{};    ///< pointwise inputs whose gradient is the cotangent itself; they have no rule
  InputSet masks{};     ///< pointwise inputs that are boolean whatever the others are
  Forward forward = Forward::none;
  bool variadic = false;  ///< takes any number of inputs like the first
  /// What pictures and documentation group it with: "contraction", "reduction", "shape", "indexing", "normalization",
  /// "random", "loss"; pointwise ops need none.
  std::string_view family = "";
  std::string_view source = "";  ///< paper or book the formula is from, where it is not common knowledge
  Accuracy accuracy{};
};

/// Arithmetic and traffic of one call.
struct Cost {
  double flops = 0;
  double bytes = 0;
};

using NamedValues = std::vector<std::pair<std::string, std::string>>;

/// What the engine needs of a recorded op: one constant a type of op.
struct OpRecord {
  const OpInfo* info;
  /// The contribution of cotangent `g` to input `input` of `node`, in a shape that broadcasts from the input's.
  /// An undefined Tensor means zero.
  Tensor (*vjp)(const Node& node, int input, const Tensor& g);
  void (*destroy_attributes)(void*) noexcept = nullptr;   ///< null when the op has none
  NamedValues (*attributes)(const Node& node) = nullptr;  ///< those not at their defaults, in order of declaration
  Cost (*cost)(const Node& node) = nullptr;
  const void* family = nullptr;  ///< the kind-specific part: kernels of a pointwise op, forward of a structural one
};

/// Which input a gradient rule is for: the first parameter of each rule.
template <int I>
struct wrt {};

/// What stands in a rule for a value that `saves` did not declare. It has a shape and a dtype, and no operators: a rule
/// that uses the value does not compile.
class Unsaved {
 public:
  Unsaved() = default;  ///< an optional input that was not given
  explicit Unsaved(const Node& node) : node_(&node) {}
  bool defined() const { return node_ != nullptr; }
  const Shape& shape() const;
  DType dtype() const;

 private:
  const Node* node_ = nullptr;
};

}  // namespace tapegrad
