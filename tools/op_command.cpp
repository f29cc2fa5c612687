// tapegrad op: one operation on arrays in files, with its derivatives.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <set>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/named_tensors.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "commands.hpp"
#include "ops_pages.hpp"
#include "option_values.hpp"
#include "output_folder.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> inputs, attributes, vectors;
  std::vector<std::string> cotangents;
  std::string out;
  int order = 1;
  bool help = false;
};

/// "y", or what the op calls one of several results.
std::string result_name(const OpEntry& op, std::size_t i) {
  return std::string(op.record->results.empty() ? "y" : op.record->results[i]);
}

// ---- help -----------------------------------------------------------------------------------------------------------

/// "[2, 3], [3, 4] -> [2, 4]" of each sample, with the attributes that it sets.
std::vector<std::string> example_shapes(const OpEntry& op) {
  constexpr std::size_t kMost = 6;
  Rng rng(1);
  std::vector<std::string> lines;
  for (const Sample& sample : op.samples(rng)) {
    std::string line;
    for (const Tensor& t : sample.inputs)
      line +=
          (line.empty() ? "" : ", ") +
          (t.defined() ? (is_floating(t.dtype()) ? "" : std::string(name_of(t.dtype())) + " ") + to_string(t.shape())
                       : "none");
    std::string shapes;
    for (const Tensor& result : sample.call(sample.inputs))
      shapes += (shapes.empty() ? "" : ", ") + to_string(result.shape());
    line += " -> " + shapes;
    for (const auto& [name, value] : sample.attributes)
      for (const AttributeInfo& a : op.attributes())
        if (a.name == name && a.default_value != value) line += ", " + name + "=" + value;
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
    if (lines.size() == kMost) break;
  }
  return lines;
}

void print_help(const OpEntry& op) {
  const OpInfo& info = op.info();
  std::cout << fmt::format("{}\n    {}\n", signature(op), info.formula);
  if (!info.doc.empty()) std::cout << "    " << info.doc << '\n';
  std::cout << "\nInputs:\n";
  for (int i = 0; const InputInfo& input : op.record->inputs)
    std::cout << fmt::format("  {:<16}{}{}{}{}\n", input.name,
                             info.masks.has(i++)                   ? "bool"
                             : input.fixed || !info.differentiable ? "without a gradient"
                                                                   : "with a gradient",
                             input.optional ? ", optional: - leaves it out" : "",
                             input.list ? ", any number of them" : "",
                             info.kind == Kind::floating ? "" : ", any dtype");
  if (!op.record->results.empty()) std::cout << "\nResults:\n";
  for (const std::string_view result : op.record->results) std::cout << "  " << result << '\n';
  std::cout << "\nAttributes:" << (op.attributes().empty() ? " none\n" : "\n");
  for (const AttributeInfo& a : op.attributes())
    std::cout << fmt::format("  {:<16}{}{}default {}\n", a.name, a.doc, a.doc.empty() ? "" : "; ",
                             a.default_value.empty() ? "empty" : a.default_value);
  std::cout << "\nShapes, for example:\n";
  for (const std::string& line : example_shapes(op)) std::cout << "  " << line << '\n';
}

// ---- run ------------------------------------------------------------------------------------------------------------

NamedValues parsed_attributes(const Options& options) {
  NamedValues attributes;
  for (const std::string& text : options.attributes) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw ValueError("op: --attr '" + text + "' is not name=value, as in --attr axis=1");
    attributes.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return attributes;
}

/// An operation's call on files, and what is derived from it.
class Run {
 public:
  explicit Run(const Options& options) : options_(options), op_(find_op(options.name)), info_(op_.info()) {
    for (std::size_t i = 0; i < options.inputs.size(); ++i) {
      Tensor t = options.inputs[i] == "-" ? Tensor() : io::load_npy(options.inputs[i]);
      if (info_.differentiable && t.defined() && is_floating(t.dtype()) && !op_.record->input(i).fixed &&
          !info_.masks.has(static_cast<int>(i)))
        moving_.push_back({name(i), t = parameter(t)});
      inputs_.push_back(std::move(t));
    }
  }

  /// What is to be written, by the name of its file.
  NamedTensors results() {
    const GradMode on(true);
    const std::vector<Tensor> values = op_.call(inputs_, parsed_attributes(options_));
    NamedTensors results, moving;
    for (std::size_t i = 0; i < values.size(); ++i) {
      results.push_back({result_name(op_, i), values[i]});
      if (values[i].requires_grad()) moving.push_back(results.back());
    }
    if (moving.empty()) {
      if (!options_.cotangents.empty() || options_.order > 1 || !options_.vectors.empty())
        throw ValueError("op: " + std::string(info_.name) + " of these inputs has no gradient; leave out " +
                         "--cotangent, --vector and --order");
      return results;
    }
    const std::vector<Tensor> vectors = directions();
    std::vector<Tensor> of, cotangents = weights(moving);
    for (const auto& [_, value] : moving) of.push_back(value);
    for (int order = 1; order <= options_.order; ++order) {
      const std::vector<Tensor> gradients = differentiate(of, cotangents, order < options_.order);
      Tensor next = scalar(0, values[0].dtype());
      for (std::size_t i = 0; i < moving_.size(); ++i) {
        results.push_back(
            {fmt::format("grad{}_{}", order == 1 ? "" : std::to_string(order), moving_[i].name), gradients[i]});
        if (order < options_.order) next = next + cast(sum(gradients[i] * vectors[i]), next.dtype());
      }
      of = {next};
      cotangents = {ones_like(next)};
    }
    return results;
  }

 private:
  std::string name(std::size_t i) const {
    const OpRecord& op = *op_.record;
    if (op.takes_list() && i + 1 >= op.inputs.size())
      return std::string(op.inputs.back().name) + std::to_string(i + 1 - op.inputs.size());
    return std::string(i < op.inputs.size() ? op.inputs[i].name : "extra");
  }

  std::vector<Tensor> weights(const NamedTensors& results) const {
    std::vector<Tensor> all;
    if (!options_.cotangents.empty() && options_.cotangents.size() != results.size())
      throw ValueError(fmt::format("op: {} files for --cotangent and {} results with a gradient; give one for each",
                                   options_.cotangents.size(), results.size()));
    for (std::size_t i = 0; i < results.size(); ++i)
      all.push_back(options_.cotangents.empty()
                        ? ones_like(results[i].tensor)
                        : matching(options_.cotangents[i], results[i].tensor, "the cotangent",
                                   results.size() == 1 ? "the value" : results[i].name.c_str()));
    return all;
  }

  std::vector<Tensor> directions() const {
    std::vector<Tensor> all;
    if (!options_.vectors.empty() && options_.order < 2)
      throw ValueError("op: --vector is for second-order products; give --order 2");
    if (!options_.vectors.empty() && options_.vectors.size() != moving_.size())
      throw ValueError(fmt::format("op: {} files for --vector and {} inputs with a gradient; give one for each",
                                   options_.vectors.size(), moving_.size()));
    for (std::size_t i = 0; i < moving_.size(); ++i)
      all.push_back(options_.vectors.empty() ? ones_like(moving_[i].tensor)
                                             : matching(options_.vectors[i], moving_[i].tensor, "the vector",
                                                        ("input " + moving_[i].name).c_str()));
    return all;
  }

  static Tensor matching(const std::string& file, const Tensor& like, const char* what, const char* of) {
    const Tensor t = io::load_npy(file);
    if (t.shape() != like.shape())
      throw ShapeError(fmt::format("op: {} {} is {}, {} {}; the shapes must be equal", what, file, to_string(t.shape()),
                                   of, to_string(like.shape())));
    return cast(t, like.dtype());
  }

  /// Dense gradients with respect to the inputs, zeros where `of` do not depend on one.
  std::vector<Tensor> differentiate(const std::vector<Tensor>& of, const std::vector<Tensor>& cotangents,
                                    bool again) const {
    std::vector<Tensor> wanted, all;
    for (const auto& [_, t] : moving_) wanted.push_back(t);
    if (of[0].requires_grad()) all = grad(of, wanted, cotangents, {.create_graph = again});
    all.resize(wanted.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = all[i].defined() ? all[i].to_dense() : zeros_like(wanted[i]);
    return all;
  }

  const Options& options_;
  const OpEntry& op_;
  const OpInfo& info_;
  std::vector<Tensor> inputs_;
  NamedTensors moving_;  // inputs that have gradients
};

void run(const Options& options) {
  const std::string first = result_name(find_op(options.name), 0) + ".npy";
  if (options.out.empty()) throw ValueError("op: --out is missing: the folder for " + first);
  const NamedTensors results = Run(options).results();
  OutputFolder folder(options.out, first);
  folder.begin(false);
  for (const auto& [name, tensor] : results) io::save_npy(folder.path(name + ".npy"), tensor);
  folder.commit();
  for (const auto& [name, tensor] : results)
    std::cout << fmt::format("{:<20} {} {}\n", name + ".npy", name_of(tensor.dtype()), to_string(tensor.shape()));
}

}  // namespace

void add_op_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("op", "Run one operation and its derivatives on .npy files");
  command->set_help_flag();  // our own: after an operation's name it is about that
  command->add_flag("-h,--help", options->help, "This, or after a NAME its inputs, attributes and shapes");
  command->add_option("name", options->name, "Of the operation; tapegrad ops lists them")->type_name(kOperation);
  command->add_option("inputs", options->inputs, "Its inputs as .npy files; - for an optional one that is left out")
      ->type_name(kFile);
  command->add_option("--attr", options->attributes, "An attribute, as in axis=1, axes=(0,2), keepdims=True")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command
      ->add_option("--cotangent", options->cotangents,
                   "What the value is weighted with, one for each of several results; ones if left out")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_option("--order", options->order, "Of derivatives: 2 adds products of the second ones with a vector")
      ->capture_default_str()
      ->check(between(1, 3));
  command
      ->add_option("--vector", options->vectors, "For --order 2, one for each input with a gradient; ones if left out")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_option("--out", options->out, "Folder for y.npy or the results by name, grad_<input>.npy, …")
      ->type_name(kFolder);
  command->footer(
      "With s = sum(cotangent * y), over all results, grad_x is ds/dx, and grad2_x the gradient of the sum over the "
      "inputs of\n"
      "grad_i * vector_i.\n"
      "Examples:\n"
      "  tapegrad op cumsum --help\n"
      "  tapegrad op solve a.npy b.npy --cotangent g.npy --order 2 --out solved\n"
      "  tapegrad op var x.npy --attr 'axes=(0,1)' --attr keepdims=True --out variance");
  command->callback([options, command] {
    if (options->help && options->name.empty())
      std::cout << command->help();
    else if (options->name.empty())
      throw ValueError("op: name an operation; tapegrad ops lists them");
    else if (options->help)
      print_help(find_op(options->name));
    else
      run(*options);
  });
}

}  // namespace tapegrad::tools
