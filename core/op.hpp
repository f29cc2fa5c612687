#pragma once
// What an operation declares about itself (OpInfo), and what a recorded node points to (OpRecord).
// core names no operation: these are filled in by op/ and by users' own operations.

#include <cstdint>
#include <initializer_list>
#include <span>
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

inline constexpr int kMaxInputs = 4;  // of a pointwise op

/// A set of an op's inputs, by position.
class InputSet {
 public:
  constexpr InputSet() = default;
  constexpr InputSet(std::initializer_list<int> inputs) {
    for (int i : inputs) bits_ = static_cast<std::uint8_t>(bits_ | (1u << i));
  }
  constexpr bool operator==(const InputSet&) const = default;
  constexpr void add(int input) { bits_ = static_cast<std::uint8_t>(bits_ | (1u << (input < 7 ? input : 7))); }
  constexpr bool has(int input) const { return (bits_ >> (input < 7 ? input : 7)) & 1u; }
  static constexpr InputSet all() {
    InputSet s;
    s.bits_ = 0xff;
    return s;
  }

 private:
  std::uint8_t bits_ = 0;
};

/// The values that a pointwise op's rules read: their buffers are kept until the backward pass.
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
/// The numbers that an input takes: a union of intervals, all numbers by default.
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
  none,         ///< only through its gradient, differentiated again
  linear,       ///< in all inputs but the fixed ones together: it maps tangents as it maps values
  multilinear,  ///< in each input alone, as a product is, whose gradient keeps the others
  symmetric     ///< its Jacobian is symmetric, so the gradient rule maps tangents too
};

/// How far results may be from the true ones, in units in the last place of the true result times the condition number
/// of the op at that point. The range test holds every op to it over all that its dtype represents.
struct Accuracy {
  double ulps = 4;
  bool normwise = false;  ///< relative to the largest element of the result and of each input, not to each element
  std::string_view reason = "";  ///< why more than the defaults
};

/// What pictures and documentation group an op with; pointwise ops need not say it.
enum class Group : std::uint8_t {
  none,
  pointwise,
  contraction,
  reduction,
  shape,
  indexing,
  normalization,
  random,
  loss,
  linear_algebra,
  recurrence
};
constexpr std::string_view name_of(Group group) {
  constexpr std::string_view kNames[] = {"",      "pointwise",      "contraction",   "reduction",
                                         "shape", "indexing",       "normalization", "random",
                                         "loss",  "linear algebra", "recurrence"};
  return kNames[static_cast<std::size_t>(group)];
}

/// What an operation says of itself: its name and formula, its inputs, what its gradient reads, what it costs.
struct OpInfo {
  std::string_view name;
  std::string_view formula;
  std::string_view doc = "";
  Inputs inputs{};             ///< of a pointwise op; of others the members of In
  double flops = 1;            ///< per element of the result, for pointwise ops; others have cost()
  Saves saves = kSavesInputs;  ///< of a pointwise op; others return what they keep
  Domain domain{};
  Kind kind = Kind::floating;
  bool differentiable = true;
  InputSet passes{};  ///< pointwise inputs whose gradient is the cotangent itself; they have no rule
  InputSet masks{};   ///< pointwise inputs that are boolean whatever the others are
  Forward forward = Forward::none;
  Group group = Group::none;
  std::string_view source = "";  ///< paper or book the formula is from, where it is not common knowledge
  Accuracy accuracy{};
};

/// Arithmetic and traffic of one call.
struct Cost {
  double flops = 0;
  double bytes = 0;
};

using NamedValues = std::vector<std::pair<std::string, std::string>>;

/// What an op's table is of.
enum class OpKind : std::uint8_t {
  pointwise,   ///< a PointwiseTable
  structural,  ///< a StructuralTable
  part,        ///< none: one result of an op that has several
  other        ///< none
};

/// An input as its op declares it.
struct InputInfo {
  std::string_view name;
  bool fixed = false;     ///< without a gradient by nature: an index, a condition
  bool optional = false;  ///< may be undefined
  bool list = false;      ///< any number of tensors; only the last input can be one
};

struct HeldValue;

/// What the engine needs of a recorded op: one constant a type of op.
struct OpRecord {
  const OpInfo* info;
  OpKind kind = OpKind::other;
  std::span<const InputInfo> inputs{};
  std::span<const std::string_view> results{};  ///< names, of an op that has several
  std::span<const std::string_view> kept{};     ///< names of what the gradient reads, where they are declared
  InputSet fixed{};                             ///< the inputs that are
  /// The gradient: contributions of the cotangents `g`, one a result, undefined ones being zero, to the inputs that are
  /// wanted. `out`, one an input, starts undefined, which means zero; a contribution has its input's shape, or one that
  /// the input broadcasts to.
  void (*pull)(const Node& node, std::span<const Tensor> g, std::span<const bool> wanted,
               std::span<Tensor> out) = nullptr;
  void (*destroy_attributes)(void*) noexcept = nullptr;   ///< null when the op has none
  NamedValues (*attributes)(const Node& node) = nullptr;  ///< those not at their defaults, in order of declaration
  Cost (*cost)(const Node& node) = nullptr;
  std::vector<HeldValue>* (*held)(const Node& node) = nullptr;  ///< what a node keeps beside inputs and its one result
  const void* table = nullptr;                                  ///< what `kind` says

  /// Of the input at a position among all tensors that were given.
  const InputInfo& input(std::size_t position) const {
    return inputs[position < inputs.size() ? position : inputs.size() - 1];
  }
  bool takes_list() const { return !inputs.empty() && inputs.back().list; }
};

/// "weight", or "tensors[3]" of a list.
std::string input_name(const OpRecord& op, std::size_t position);
/// What messages call the op that a node is a result of: "matmul", "qr.r".
std::string op_name(const Node& node);

/// Which input a gradient rule of a pointwise op is for: its first parameter.
template <int I>
struct wrt {};

}  // namespace tapegrad
