// The program of docs/tutorial.md: one model, from the first picture to a trained one. What it prints is on the page.

#include <iostream>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/explain.hpp>
#include <tapegrad/graph/graph.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradient_check.hpp>
#include <tuple>

using namespace tapegrad;

// Lines as they are on the page.
// clang-format off
struct Rings : nn::Module {
  nn::Linear first{*this, "first", 2, 16};
  nn::Linear second{*this, "second", 16, 16};
  nn::Linear output{*this, "output", 16, 1};

  Tensor forward(const Tensor& x) { return output(tanh(second(tanh(first(x))))); }
};

// A disc inside a ring: [count, 2] points, and [count, 1] zeros and ones.
std::pair<Tensor, Tensor> points(std::int64_t count, Rng& rng) {
  Tensor inside = cast(rand({count, 1}, 0, 1, f32, rng) < 0.5, f32);
  Tensor radius = inside * 0.8 + (1 - inside) * 2 + 0.15 * randn({count, 1}, f32, rng);
  Tensor angle = 6.283 * rand({count, 1}, 0, 1, f32, rng);
  return {concat({radius * cos(angle), radius * sin(angle)}, 1), inside};
}

int main() {
  Rng rng(1);
  Tensor x, y;
  std::tie(x, y) = points(256, rng);
  x.set_name("points"), y.set_name("in the disc");
  Rings model;

  Tensor loss = nn::binary_cross_entropy_with_logits(model.forward(x), y);
  loss.set_name("loss");
  graph::save(loss, "rings.svg");
  std::cout << graph::render(graph::capture(loss, {.title = "Rings"}), "text", {.text = {.edges = true}}) << '\n';

  loss.backward();
  std::cout << "gradient of first.weight: " << to_string(model.first.weight.grad().shape()) << '\n';

  auto step = [&](double rate) {
    Tensor now = nn::binary_cross_entropy_with_logits(model.forward(x), y);
    now.backward();
    for (Tensor w : model.parameters()) {
      w.copy_from(w.detach() - rate * w.grad());
      w.clear_grad();
    }
    return now.item();
  };
  model.first.weight.clear_grad();
  double before = loss.item(), after = before;
  for (int i = 0; i < 20; ++i) after = step(0.5);
  std::cout << (after < before ? "it learns\n" : "it does not learn\n");

  auto measured = [&](const std::string& file, double shift) {
    const Trace trace(Trace::Keep::measurements);
    Tensor p = sigmoid(model.forward(x));
    Tensor likely = mean(y * log(p - shift) + (1 - y) * log(1 - p));
    likely.backward();
    graph::ComputationGraph g = graph::capture(likely, {.title = "Rings", .statistics = true, .trace = &trace});
    graph::save(g, file);
    return g;
  };
  measured("good.json", 0);
  graph::ComputationGraph bad = measured("bad.json", 0.5);
  std::cout << graph::explanations(bad)[0].text << '\n';
  graph::save(bad, "bad.svg", {.draw = {.overlay = graph::Overlay::non_finite}});

  auto my_loss = [](const Tensor& scores) { return mean(square(sigmoid(scores) - 1)); };
  std::cout << to_string(testing::check_gradients(my_loss, {randn({4, 1}, f64, rng)}, {.order = 2}));

  for (Tensor w : model.parameters()) w.clear_grad();
  train::Trainer trainer(model, optim::AdamW{.lr = 1e-2}, nn::binary_cross_entropy_with_logits);
  train::History history = trainer.fit(data::TensorDataset(x, y), {.epochs = 40, .batch_size = 32, .validation_split = 0.25});
  auto [fresh, truth] = points(1000, rng);
  double accuracy = mean(cast((model.forward(fresh) > 0) == (truth > 0.5), f32)).item();
  std::cout << (accuracy > 0.95 ? "it tells the rings apart\n" : "it does not tell the rings apart\n");
  train::save_report("report.html", {.title = "Rings", .epochs = history.epochs, .summary = model.summary()});

  io::save_safetensors("rings.safetensors", model.state());
  Rings same;
  same.load_state(io::load_safetensors("rings.safetensors"));
  std::cout << (same.forward(fresh).values() == model.forward(fresh).values() ? "saved and read\n" : "differs\n");
  return after < before && accuracy > 0.95 ? 0 : 1;
}
// clang-format on
