// A user's program compiled with -fno-rtti: its models have names, layers can be copied and assigned, and exceptions
// arrive.

#include <iostream>
#include <tapegrad/tapegrad.hpp>

namespace {

using namespace tapegrad;

struct Block : nn::Layer<Block> {
  using Layer::Layer;
  nn::Linear in{*this, "in", 4, 4};
  Tensor forward(const Tensor& x) const { return relu(in(x)); }
};

struct Model : nn::Module {
  Block block{*this, "block"};
  nn::Sequential head{*this, "head", nn::Linear(4, 4), relu, nn::Linear(4, 1)};
  Tensor forward(const Tensor& x) { return head(block(x)); }
};

bool says_what_is_wrong(Model& model) {
  try {
    model.forward(ones({2, 3}));
  } catch (const Error& error) {
    std::cout << error.what() << '\n';
    return true;
  }
  return false;
}

}  // namespace

int main() {
  Model model, other;
  std::cout << "tapegrad " << version() << ", wanted " << EXPECTED_VERSION << '\n' << model.summary();
  other = model;
  other.head = model.head;
  optim::Optimizer optimizer(model, optim::Sgd{.lr = 0.1});
  const Tensor x = ones({2, 4});
  sum(model.forward(x)).backward();
  const bool same = model.forward(x).values() == other.forward(x).values();
  optimizer.step();
  return same && says_what_is_wrong(model) && !model.describe().empty() && !model.block.describe().empty() ? 0 : 1;
}
