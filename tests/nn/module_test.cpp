#include <gmock/gmock.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/node_extra.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/nn/activations.hpp>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Block : nn::Layer<Block> {
  Block(nn::Module& parent, const nn::MemberName& name, std::int64_t width)
      : Layer(parent, name), in(*this, "in", width, 2 * width), out(*this, "out", 2 * width, width) {}
  nn::Linear in, out;
  nn::Buffer calls{*this, "calls", zeros({})};
  Tensor forward(const Tensor& x) const { return x + out(relu(in(x))); }
};

struct Model : nn::Module {
  nn::Linear stem{*this, "stem", 3, 4, {.bias = false}};
  nn::ModuleList<Block> blocks{*this, "blocks", 2, 4};
  nn::Parameter scale{*this, "scale", ones({})};
  nn::Sequential head{*this, "head", nn::Linear(4, 5), relu, nn::Linear(5, 2)};
  Tensor forward(const Tensor& x) {
    Tensor h = stem(x);
    for (const Block& block : blocks) h = block(h);
    return head(h) * scale;
  }
};

std::vector<std::string> names_of(const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

TEST(Module, NamesParametersInTheOrderOfDeclaration) {
  const Model model;
  EXPECT_THAT(
      names_of(model.named_parameters()),
      ElementsAre("stem.weight", "blocks.0.in.weight", "blocks.0.in.bias", "blocks.0.out.weight", "blocks.0.out.bias",
                  "blocks.1.in.weight", "blocks.1.in.bias", "blocks.1.out.weight", "blocks.1.out.bias", "scale",
                  "head.0.weight", "head.0.bias", "head.2.weight", "head.2.bias"));
  EXPECT_THAT(names_of(model.named_buffers()), ElementsAre("blocks.0.calls", "blocks.1.calls"));
  EXPECT_EQ(model.parameter_count(), 12 + 2 * (32 + 8 + 32 + 4) + 1 + 20 + 5 + 10 + 2);
  for (const auto& [name, tensor] : model.named_parameters()) EXPECT_EQ(tensor.name(), name);
  EXPECT_EQ(model.blocks[1].in.path(), "blocks.1.in");
  EXPECT_EQ(model.blocks[1].in.describe(), "Linear 'blocks.1.in'");
}

TEST(Module, ScopesOfLayersAreWhereTheLayersAreDeclared) {
  Model model;
  std::vector<std::string> files;
  const auto note = [&](const nn::Module&, std::span<const Tensor>, const Tensor& output) {
    files.emplace_back(engine::node_of(output).scope->where.file);
    return Tensor();
  };
  model.blocks[0].register_forward_hook(note);     // made in place by the list
  model.blocks[1].in.register_forward_hook(note);  // a member of what was
  model.stem.register_forward_hook(note);
  model.forward(randn({2, 3}));
  EXPECT_THAT(files, ::testing::SizeIs(3));
  EXPECT_THAT(files, ::testing::Each(::testing::EndsWith("module_test.cpp")));
}

TEST(Module, ACopyHasWeightsOfItsOwn) {
  Model model;
  Model copy = model;
  const Tensor x = randn({2, 3});
  EXPECT_EQ(copy.forward(x).values(), model.forward(x).values());
  const auto before = model.forward(x).values();
  for (auto& [name, tensor] : copy.named_parameters()) tensor.fill(0.25);
  EXPECT_EQ(model.forward(x).values(), before);
  EXPECT_NE(copy.forward(x).values(), before);
  EXPECT_EQ(names_of(copy.named_parameters()), names_of(model.named_parameters()));
  mean(copy.forward(x)).backward();
  EXPECT_TRUE(copy.stem.weight.grad().defined());
  EXPECT_FALSE(model.stem.weight.grad().defined());
}

TEST(Module, AMovedModelKeepsItsLeaves) {
  Model model;
  const Tensor handle = model.blocks[0].in.weight;
  const Model moved = std::move(model);
  EXPECT_TRUE(moved.named_parameters()[1].tensor.same_as(handle));
  std::vector<Model> models(3);
  models.emplace_back();
  for (const Model& m : models) EXPECT_EQ(m.named_parameters().size(), 14u);
}

TEST(Module, AssignmentWritesIntoTheLeavesThatOptimisersHold) {
  Model model, other;
  const Tensor handle = model.stem.weight;
  model = other;
  EXPECT_TRUE(model.stem.weight.same_as(handle));
  EXPECT_EQ(handle.values(), other.stem.weight.values());
  model.stem = nn::Linear(3, 4, {.bias = false});
  EXPECT_TRUE(model.stem.weight.same_as(handle));
  EXPECT_EQ(model.stem.path(), "stem");
  EXPECT_NE(handle.values(), other.stem.weight.values());
}

TEST(Module, StateGoesOutAndIn) {
  Model model, other;
  other.load_state(clone(model.state()));
  for (std::size_t i = 0; i < model.state().size(); ++i)
    EXPECT_EQ(other.state()[i].tensor.values(), model.state()[i].tensor.values());
}

TEST(Module, LoadStateListsEverythingThatDoesNotFitAndChangesNothing) {
  nn::Linear layer(2, 3);
  const auto before = layer.weight.values();
  const NamedTensors state{{"weight", zeros({3, 3})}, {"other", zeros({1})}, {"weight", zeros({3, 2})}};
  const std::string message = message_of([&] { layer.load_state(state); });
  EXPECT_THAT(message, HasSubstr("missing: bias"));
  EXPECT_THAT(message, HasSubstr("unexpected: weight (a second time), other"));
  EXPECT_THAT(message, HasSubstr("weight is f32 [3, 3], expected f32 [3, 2]"));
  EXPECT_EQ(layer.weight.values(), before);
  EXPECT_THAT(message_of([&] {
                layer.load_state({{"weight", zeros({3, 2}, f64)}, {"bias", zeros({3})}});
              }),
              HasSubstr("weight is f64 [3, 2], expected f32 [3, 2]"));
}

TEST(Module, FreezesByPattern) {
  Model model;
  EXPECT_EQ(model.freeze("blocks.*"), 8);
  EXPECT_FALSE(model.blocks[1].out.bias.requires_grad());
  EXPECT_TRUE(model.stem.weight.requires_grad());
  EXPECT_EQ(model.parameter_count(true), 12 + 1 + 20 + 5 + 10 + 2);
  mean(model.forward(randn({2, 3}))).backward();
  EXPECT_FALSE(model.blocks[0].in.weight.grad().defined());
  EXPECT_TRUE(model.stem.weight.grad().defined());
  EXPECT_FALSE(Model(model).blocks[0].in.weight.requires_grad());
  EXPECT_EQ(model.unfreeze("*.bias"), 6);
  EXPECT_THAT(message_of([&] { model.freeze("encoder.*"); }), HasSubstr("matches 'encoder.*'; it has stem.weight"));
}

TEST(Module, SwitchesBetweenTrainingAndUse) {
  Model model;
  EXPECT_TRUE(model.training());
  model.eval();
  EXPECT_FALSE(model.blocks[1].in.training());
  EXPECT_FALSE(Model(model).head.training());
  model.train();
  EXPECT_TRUE(model.blocks[1].in.training());
}

TEST(Module, ConvertsToAnotherDtype) {
  Model model;
  Model wide = nn::to(model, f64);
  EXPECT_EQ(wide.stem.weight.dtype(), f64);
  EXPECT_EQ(model.stem.weight.dtype(), f32);
  EXPECT_TRUE(wide.stem.weight.requires_grad());
  EXPECT_EQ(wide.stem.weight.values(), model.stem.weight.values());
  EXPECT_EQ(wide.blocks[0].in.weight.name(), "blocks.0.in.weight");
  EXPECT_EQ(wide.forward(randn({2, 3}, f64)).dtype(), f64);
  EXPECT_THROW(nn::to(model, i64), DTypeError);
}

TEST(Module, SummarisesItself) {
  Model model;
  model.freeze("stem.*");
  const std::string summary = model.summary();
  EXPECT_THAT(summary, HasSubstr("stem          Linear"));
  EXPECT_THAT(summary, HasSubstr("weight [4, 3] frozen"));
  EXPECT_THAT(summary, HasSubstr("blocks.1.out  Linear"));
  EXPECT_THAT(summary, HasSubstr("Model: 202 parameters, 190 of them trainable"));
}

TEST(Module, RefusesMembersThatAreNotMembers) {
  nn::Module model;
  auto layers = std::make_unique<std::array<std::byte, std::size_t{1} << 25>>();
  auto* far = reinterpret_cast<nn::Linear*>(layers->data() + layers->size() / 2);
  EXPECT_THROW(std::construct_at(far, model, "far", 1, 1), ValueError);
  struct Twice : nn::Module {
    nn::Linear a{*this, "a", 1, 1}, b{*this, "a", 1, 1};
  };
  EXPECT_THAT(message_of([] { Twice(); }), HasSubstr("two members named 'a'"));
  struct Dotted : nn::Module {
    nn::Linear a{*this, "a.b", 1, 1};
  };
  EXPECT_THAT(message_of([] { Dotted(); }), HasSubstr("'a.b' cannot be the name of a member"));
}

std::string scope_of(const Tensor& t) { return engine::node_of(t).scope ? engine::node_of(t).scope->path : ""; }

TEST(Layer, RecordsInAScopeOfItsPath) {
  Model model;
  EXPECT_EQ(scope_of(model.stem(ones({1, 3}))), "stem");
  EXPECT_EQ(scope_of(model.blocks[1](ones({1, 4}))), "blocks.1");
  EXPECT_EQ(scope_of(model.head(ones({1, 4}))), "head.2");
  EXPECT_THAT(engine::node_of(model.stem(ones({1, 3}))).scope->where.file, HasSubstr("module_test.cpp"));
  const Scope pass("pass");
  EXPECT_EQ(scope_of(model.blocks[1].out(ones({1, 8}))), "pass.blocks.1.out");
  model.blocks[0].out.register_forward_hook([](const nn::Module&, std::span<const Tensor>, const Tensor& output) {
    EXPECT_EQ(scope_of(output), "pass.blocks.0.out") << "named once, though it is called by its block";
    return Tensor();
  });
  model.blocks[0](ones({1, 4}));
}

TEST(Layer, RecordsInTheScopeThatItsParametersAreNamedBy) {
  struct Deep : nn::Layer<Deep> {
    nn::Sequential net{*this, "net", nn::Sequential{nn::Linear(2, 2), relu}, nn::Linear(2, 2)};
    Tensor forward(const Tensor& x) { return net(x); }
  };
  struct Owner : nn::Module {
    Deep deep{};
    nn::Sequential stages{*this, "stages", deep, deep};
  };
  Owner owner;
  const Trace trace;
  owner.stages(ones({1, 2}));
  int products = 0;
  for (const Node* node : trace.nodes())
    for (std::size_t i = 0; i < node->edge_count; ++i)
      if (const Node* input = node->edges()[i].node(); input->extra && input->extra->name.ends_with(".weight")) {
        EXPECT_EQ(node->scope->path + ".weight", input->extra->name);
        ++products;
      }
  EXPECT_EQ(products, 4);
}

TEST(Layer, RunsForwardHooks) {
  Model model;
  std::string seen;
  const auto watch = model.stem.register_forward_hook(
      [&](const nn::Module& module, std::span<const Tensor> inputs, const Tensor& output) {
        seen = module.path() + to_string(inputs[0].shape()) + to_string(output.shape());
        return Tensor();
      });
  model.stem.register_forward_hook(
      [](const nn::Module&, std::span<const Tensor>, const Tensor& output) { return output * 0; });
  EXPECT_EQ(sum(model.stem(ones({2, 3}))).item(), 0);
  EXPECT_EQ(seen, "stem[2, 3][2, 4]");
  model.stem.remove_forward_hook(watch);
  seen.clear();
  model.stem(ones({2, 3}));
  EXPECT_EQ(seen, "");
}

TEST(Linear, IsTheAffineMap) {
  nn::Linear layer(2, 3, {.dtype = f64});
  layer.weight.copy_from(tensor({1, 2, 3, 4, 5, 6}, {3, 2}, f64));
  layer.bias.copy_from(tensor({0.5, 0, -1}, f64));
  EXPECT_THAT(layer(tensor({1, -1, 2, 0}, {2, 2}, f64)).values(), ElementsAre(-0.5, -1, -2, 2.5, 6, 9));
  EXPECT_EQ(layer(ones({4, 5, 2}, f64)).shape(), (Shape{4, 5, 3}));
}

TEST(Linear, ChecksShapesByName) {
  Model model;
  EXPECT_THAT(message_of([&] {
                model.stem(ones({32, 10}));
              }),
              HasSubstr("Linear 'stem': input [32, 10] has 10 features, expected 3"));
  EXPECT_THROW(nn::Linear(0, 3), ValueError);
}

TEST(Sequential, CopiesItsLayersAndTakesFunctions) {
  nn::Sequential net{nn::Linear(3, 4), relu, nn::Linear(4, 2)};
  nn::Sequential copy = net;
  const Tensor x = randn({2, 3});
  EXPECT_EQ(copy(x).values(), net(x).values());
  copy.parameters()[3].fill(1);
  EXPECT_NE(copy(x).values(), net(x).values());
  EXPECT_THAT(names_of(net.named_parameters()), ElementsAre("0.weight", "0.bias", "2.weight", "2.bias"));
  net.add("last", nn::Tanh());
  EXPECT_EQ(net.size(), 4u);
  EXPECT_THROW(net.add("last", nn::Tanh()), ValueError);
}

}  // namespace
}  // namespace tapegrad
