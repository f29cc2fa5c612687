#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tapegrad/core/error.hpp>
#include <tapegrad/interchange/internal/onnx_sizes.hpp>
#include <tapegrad/interchange/onnx.hpp>

namespace tapegrad::onnx {
namespace {

constexpr double kExact = 1e-12, kOfFloats = 2e-7;

/// Where a node's input comes from.
struct Origin {
  enum class Kind : std::uint8_t { none, node, input, constant } kind = Kind::none;
  std::size_t index = 0, result = 0;
};

/// Finds values of a graph by name.
class Origins {
 public:
  explicit Origins(const schema::Graph& graph) {
    const auto put = [&](const std::string& name, Origin origin) { origins_.emplace(name, origin); };
    for (std::size_t i = 0; i < graph.node.size(); ++i)
      for (std::size_t r = 0; r < graph.node[i].output.size(); ++r)
        put(graph.node[i].output[r], {Origin::Kind::node, i, r});
    for (std::size_t i = 0; i < graph.input.size(); ++i) put(graph.input[i].name, {Origin::Kind::input, i});
    for (std::size_t i = 0; i < graph.initializer.size(); ++i)
      put(graph.initializer[i].name, {Origin::Kind::constant, i});
  }
  Origin of(const std::string& name) const { return name.empty() ? Origin{} : origins_.at(name); }

 private:
  std::unordered_map<std::string, Origin> origins_;
};

bool same(const schema::Attribute& a, const schema::Attribute& b) {
  return a.name == b.name && a.type == b.type && a.f == b.f && a.i == b.i && a.s == b.s && a.ints == b.ints &&
         a.strings == b.strings;
}

bool same(const schema::Tensor& a, const schema::Tensor& b) {
  return a.data_type == b.data_type && a.dims == b.dims &&
         (a.raw_data->data() == b.raw_data->data() || *a.raw_data == *b.raw_data);
}

template <class T>
std::vector<double> read_as(std::string_view bytes) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(value);
  }
  return values;
}

DType dtype_of_constant(const schema::Tensor& t) { return dtype_of(static_cast<ElementType>(t.data_type)); }

std::vector<double> values_of(const schema::Tensor& t) {
  return dispatch(dtype_of_constant(t), [&]<class T>() { return read_as<T>(*t.raw_data); });
}

class Merger {
 public:
  Merger(std::span<Export* const> exports, const SizeGrid& grid) : exports_(exports), grid_(grid) {
    for (const Export* e : exports) origins_.emplace_back(e->graph());
  }

  void run() {
    schema::Graph& graph = writer().graph();
    require_one_form();
    find_sizes();
    // What is computed of sizes stands before what needs it.
    std::vector<schema::Node> nodes = std::exchange(graph.node, {});
    writer().set_place("sizes");
    for (std::size_t i = 0; i < nodes.size(); ++i) merge(nodes[i], i);
    std::ranges::move(nodes, std::back_inserter(graph.node));
    for (std::size_t i = 0; i < graph.input.size(); ++i) declare(i, &schema::Graph::input);
    for (std::size_t i = 0; i < graph.output.size(); ++i) declare(i, &schema::Graph::output);
  }

 private:
  using Constants = std::vector<schema::Tensor>;  // that refer to the exports' values

  GraphWriter& writer() { return exports_[0]->writer(); }

  // ---- the form -----------------------------------------------------------------------------------------------------

  void require_one_form() {
    const schema::Graph& first = exports_[0]->graph();
    for (std::size_t p = 1; p < exports_.size(); ++p) {
      const schema::Graph& other = exports_[p]->graph();
      const std::size_t count = std::min(first.node.size(), other.node.size());
      for (std::size_t i = 0; i < count; ++i)
        if (!alike(first.node[i], other.node[i], p)) refuse_form(p, first.node[i].name, other.node[i].name);
      if (first.node.size() != other.node.size() || first.input.size() != other.input.size() ||
          first.output.size() != other.output.size())
        refuse_form(p, fmt::format("{} nodes", first.node.size()), fmt::format("{} nodes", other.node.size()));
    }
  }

  [[noreturn]] void refuse_form(std::size_t p, const std::string& one, const std::string& other) const {
    throw GraphError(
        fmt::format("onnx::save: what is recorded depends on the sizes: {} for {}, {} for {}; a file has "
                    "one graph for all",
                    one, sizes_at(0), other, sizes_at(p)));
  }

  std::string sizes_at(std::size_t point) const {
    std::string text;
    for (const auto& [name, value] : grid_.points()[point])
      text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", name, value);
    return text;
  }

  bool alike(const schema::Node& a, const schema::Node& b, std::size_t p) const {
    if (a.op_type != b.op_type || a.input.size() != b.input.size() || a.output.size() != b.output.size()) return false;
    for (std::size_t i = 0; i < a.input.size(); ++i) {
      const Origin from = origins_[0].of(a.input[i]), other = origins_[p].of(b.input[i]);
      if (from.kind != other.kind) return false;
      if (from.kind != Origin::Kind::constant && (from.index != other.index || from.result != other.result))
        return false;
    }
    return true;
  }

  // ---- sizes --------------------------------------------------------------------------------------------------------

  template <class Get>
  std::vector<double> at_each_point(const Get& get) const {
    std::vector<double> values;
    for (std::size_t p = 0; p < exports_.size(); ++p) values.push_back(static_cast<double>(get(p)));
    return values;
  }

  static const std::vector<schema::Dimension>& dims_of(const schema::ValueInfo& value) {
    return value.type->tensor_type->shape->dim;
  }

  /// An axis of an input for each size, from which the file reads it.
  void find_sizes() {
    const schema::Graph& graph = exports_[0]->graph();
    std::vector<std::optional<Source>> found(grid_.sizes().size());
    for (std::size_t i = 0; i < graph.input.size(); ++i)
      for (std::size_t axis = 0; axis < dims_of(graph.input[i]).size(); ++axis) {
        const auto extents = at_each_point([&](std::size_t p) {
          const auto& dims = dims_of(exports_[p]->graph().input[i]);
          return axis < dims.size() ? dims[axis].dim_value.value_or(0) : -1;
        });
        const std::optional<Polynomial> extent = grid_.fit(extents, kExact);
        if (!extent)
          throw ValueError(
              fmt::format("onnx::save: axis {} of the input '{}' is none of the sizes", axis, graph.input[i].name));
        for (std::size_t s = 0; s < found.size(); ++s)
          if (const double offset = offset_from(*extent, s); !found[s] && !std::isnan(offset))
            found[s] = Source{graph.input[i].name, static_cast<std::int64_t>(axis), offset};
      }
    for (std::size_t s = 0; s < found.size(); ++s) {
      if (!found[s])
        throw ValueError(fmt::format("onnx::save: no input has an axis of the size '{}'", grid_.sizes()[s].name));
      sources_.push_back(*found[s]);
    }
  }

  /// c if the polynomial is the size and c; else NaN.
  static double offset_from(const Polynomial& p, std::size_t size) {
    double offset = 0;
    for (const auto& [set, coefficient] : p.terms) {
      if (set == 0)
        offset = coefficient;
      else if (set != 1U << size || coefficient != 1)
        return std::nan("");
    }
    return p.terms.contains(1U << size) ? offset : std::nan("");
  }

  /// i64 [1].
  Expr size(std::size_t s) {
    if (const auto known = sizes_.find(s); known != sizes_.end()) return known->second;
    const Source& from = sources_[s];
    const Expr shape = writer().node("Shape", {{&writer(), from.input}}, i64);
    Expr extent = writer().node("Gather", {shape, writer().integers({from.axis})}, i64, {{"axis", std::int64_t{0}}});
    if (from.offset != 0) extent = extent - writer().integers({static_cast<std::int64_t>(from.offset)});
    return sizes_.emplace(s, extent).first->second;
  }

  /// [1]
  Expr written(const Polynomial& p, DType dtype) {
    const auto number = [&](double value) {
      return dtype == i64 ? writer().integers({static_cast<std::int64_t>(value)})
                          : reshape_to(writer().number(value, dtype), {1});
    };
    std::optional<Expr> sum;
    for (const auto& [set, coefficient] : p.terms) {
      std::optional<Expr> term;
      for (std::size_t s = 0; s < sources_.size(); ++s)
        if ((set >> s) & 1U) {
          const Expr factor = cast_to(size(s), dtype);
          term = term ? *term * factor : factor;
        }
      if (!term)
        term = number(coefficient);
      else if (coefficient != 1)
        term = *term * number(coefficient);
      sum = sum ? *sum + *term : *term;
    }
    return sum ? *sum : number(0);
  }

  // ---- nodes --------------------------------------------------------------------------------------------------------

  void merge(schema::Node& node, std::size_t at) {
    for (std::size_t i = 0; i < node.attribute.size(); ++i)
      for (std::size_t p = 1; p < exports_.size(); ++p)
        if (!same(node.attribute[i], exports_[p]->graph().node[at].attribute[i]))
          throw ValueError(fmt::format("onnx::save: '{}' of {} depends on the sizes, and ONNX has it fixed",
                                       node.attribute[i].name, node.name));
    for (std::size_t i = 0; i < node.input.size(); ++i) {
      const Origin from = origins_[0].of(node.input[i]);
      if (from.kind != Origin::Kind::constant) continue;
      Constants constants{exports_[0]->graph().initializer[from.index]};
      bool all_same = true;
      for (std::size_t p = 1; p < exports_.size(); ++p) {
        const schema::Graph& other = exports_[p]->graph();
        constants.push_back(other.initializer[origins_[p].of(other.node[at].input[i]).index]);
        all_same = all_same && same(constants[0], constants[p]);
      }
      if (!all_same) node.input[i] = computed(constants, node.op_type == "Reshape" && i == 1, node.name).name;
    }
  }

  Expr computed(const Constants& constants, bool is_reshape, const std::string& of) {
    std::vector<std::vector<double>> values;
    for (const schema::Tensor& t : constants) values.push_back(values_of(t));
    const schema::Tensor& first = constants[0];
    const DType dtype = dtype_of_constant(first);
    const bool same_dims = std::ranges::all_of(constants, [&](const auto& t) { return t.dims == first.dims; });
    if (same_dims && dtype == i64 && first.dims.size() == 1)
      if (const std::optional<Expr> e = extents(values, is_reshape)) return *e;
    if (same_dims && values[0].size() == 1)
      if (const std::optional<Expr> e = number(values, dtype)) return reshape_to(*e, first.dims);
    if (!same_dims) {
      if (const std::optional<Expr> e = uniform(constants, values, dtype)) return *e;
      if (const std::optional<Expr> e = progression(constants, values, dtype)) return *e;
    }
    throw ValueError(
        fmt::format("onnx::save: {} reads a value of the file, {}, that depends on the sizes; compute it of the inputs "
                    "by operations, or give it as an input",
                    of, first.name));
  }

  /// A list of whole numbers.
  std::optional<Expr> extents(const std::vector<std::vector<double>>& values, bool is_reshape) {
    std::vector<Polynomial> elements;
    std::size_t varying = 0;
    bool has_special = false;
    for (std::size_t i = 0; i < values[0].size(); ++i) {
      const std::optional<Polynomial> p =
          grid_.fit(at_each_point([&](std::size_t at) { return values[at][i]; }), kExact);
      if (!p && !is_reshape) return std::nullopt;
      elements.push_back(p.value_or(Polynomial{{{~0U, 1}}}));
      if (!elements.back().is_constant()) ++varying;
      has_special = has_special || (elements.back().is_constant() && values[0][i] <= 0);
    }
    std::vector<Expr> parts;
    for (std::size_t i = 0; i < elements.size(); ++i) {
      // One extent of a reshape follows from the others.
      if (is_reshape && varying == 1 && !has_special && !elements[i].is_constant())
        parts.push_back(writer().integers({-1}));
      else if (elements[i].is_constant())
        parts.push_back(writer().integers({static_cast<std::int64_t>(values[0][i])}));
      else if (elements[i].terms.contains(~0U))
        return std::nullopt;
      else
        parts.push_back(written(elements[i], i64));
    }
    return parts.size() == 1 ? parts[0] : writer().node("Concat", parts, {{"axis", std::int64_t{0}}});
  }

  /// A number that is a polynomial, or one divided by it.
  std::optional<Expr> number(const std::vector<std::vector<double>>& values, DType dtype) {
    const double tolerance = is_floating(dtype) ? kOfFloats : kExact;
    if (const auto p = grid_.fit(at_each_point([&](std::size_t at) { return values[at][0]; }), tolerance))
      return written(*p, dtype);
    if (!is_floating(dtype)) return std::nullopt;
    if (const auto p = grid_.fit(at_each_point([&](std::size_t at) { return 1 / values[at][0]; }), tolerance))
      return reshape_to(writer().number(1, dtype), {1}) / written(*p, dtype);
    return std::nullopt;
  }

  /// A shape, i64 [rank].
  std::optional<Expr> shape_of(const Constants& constants) {
    std::vector<std::vector<double>> dims;
    for (const schema::Tensor& t : constants) {
      if (t.dims.size() != constants[0].dims.size()) return std::nullopt;
      dims.emplace_back(t.dims.begin(), t.dims.end());
    }
    return extents(dims, false);
  }

  /// One number everywhere.
  std::optional<Expr> uniform(const Constants& constants, const std::vector<std::vector<double>>& values, DType dtype) {
    if (values.back().empty()) return std::nullopt;
    const double value = values.back()[0];
    for (const std::vector<double>& all : values)
      if (!std::ranges::all_of(all, [&](double v) { return v == value; })) return std::nullopt;
    const std::optional<Expr> shape = shape_of(constants);
    if (!shape) return std::nullopt;
    return emit("Expand", {writer().number(value, dtype), *shape});
  }

  /// Numbers in equal steps from the same first one.
  std::optional<Expr> progression(const Constants& constants, const std::vector<std::vector<double>>& values,
                                  DType dtype) {
    if (constants[0].dims.size() != 1 || values.back().size() < 2 ||
        (dtype != i64 && dtype != i32 && dtype != f32 && dtype != f64))
      return std::nullopt;
    const double start = values.back()[0], step = values.back()[1] - start;
    for (const std::vector<double>& all : values)
      for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i] != start + static_cast<double>(i) * step) return std::nullopt;
    const std::optional<Expr> count = shape_of(constants);
    if (!count) return std::nullopt;
    const auto scalar = [&](double value) {
      return reshape_to(writer().integers({static_cast<std::int64_t>(value)}), {});
    };
    const Expr positions = cast_to(writer().node("Range", {scalar(0), reshape_to(*count, {}), scalar(1)}, i64), dtype);
    return positions * writer().number(step, dtype) + writer().number(start, dtype);
  }

  // ---- what is declared
  // -----------------------------------------------------------------------------------------------

  void declare(std::size_t i, std::vector<schema::ValueInfo> schema::Graph::*list) {
    std::vector<schema::Dimension>& dims = (writer().graph().*list)[i].type->tensor_type->shape->dim;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      const auto p = grid_.fit(at_each_point([&](std::size_t at) {
                                 if (at == 0) return dims[axis].dim_value.value_or(0);
                                 return dims_of((exports_[at]->graph().*list)[i])[axis].dim_value.value_or(0);
                               }),
                               kExact);
      if (p && p->is_constant()) continue;
      dims[axis] = {};
      if (p) dims[axis].dim_param = grid_.describe(*p);
    }
  }

  struct Source {
    std::string input;
    std::int64_t axis;
    double offset;
  };
  std::span<Export* const> exports_;
  const SizeGrid& grid_;
  std::vector<Origins> origins_;
  std::vector<Source> sources_;
  std::map<std::size_t, Expr> sizes_;
};

}  // namespace

void merge_recordings(std::span<Export* const> exports, const SizeGrid& grid) { Merger(exports, grid).run(); }

}  // namespace tapegrad::onnx
