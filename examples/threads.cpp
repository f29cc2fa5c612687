// One model trained by several threads: with the bits of one thread, and without waiting for each other.

#include <cstring>
#include <functional>
#include <iostream>
#include <mutex>
#include <tapegrad/tapegrad.hpp>
#include <thread>

using namespace tapegrad;

constexpr int kThreads = 4, kSteps = 60;

struct Model : nn::Module {
  explicit Model(Rng rng)
      : hidden(*this, "hidden", 2, 16, {.rng = &rng}), output(*this, "output", 16, 1, {.rng = &rng}) {}
  Tensor forward(const Tensor& x) const { return output(tanh(hidden(x))); }
  nn::Linear hidden, output;
};

/// One thread's part of the data.
struct Part {
  Tensor x, y;
};

std::vector<Part> make_parts() {
  Rng rng(3);
  std::vector<Part> parts;
  for (int i = 0; i < kThreads; ++i) {
    const Tensor x = randn({32, 2}, f32, rng);
    parts.push_back({x, sum(square(x), {1}, true)});
  }
  return parts;
}

Tensor loss_of(const Model& model, const Part& part) { return nn::mse_loss(model.forward(part.x), part.y); }

void on_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& t : threads) t.join();
}

// Data parallelism: each thread differentiates its part of the batch by the shared parameters. grad() leaves them
// alone, and the sum is made in a fixed order, so the weights come out the same on any number of threads.
Model train_in_parallel(const std::vector<Part>& parts, bool threaded) {
  Model model{Rng(1)};
  const std::vector<Tensor> parameters = model.parameters();
  optim::Optimizer optimizer(model, optim::Sgd{.lr = 0.05});
  for (int step = 0; step < kSteps; ++step) {
    std::vector<std::vector<Tensor>> gradients(parts.size());
    const auto differentiate = [&](int i) {
      const auto part = static_cast<std::size_t>(i);
      const Tensor loss[] = {loss_of(model, parts[part])};
      gradients[part] = grad(loss, parameters);
    };
    if (threaded)
      on_threads(kThreads, differentiate);
    else
      for (int i = 0; i < kThreads; ++i) differentiate(i);
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      Tensor total = gradients[0][p];
      for (std::size_t i = 1; i < parts.size(); ++i) total = total + gradients[i][p];
      Tensor(parameters[p]).set_grad(total / kThreads);
    }
    optimizer.step();
  }
  return model;
}

// In the manner of Hogwild (Recht et al. 2011): nobody waits for the others' gradients. A thread computes with a copy
// that may be a little old, and changes the shared weights by what comes out. Only copying and changing go by turns,
// since a graph refuses weights that change under it.
Model train_without_waiting(const std::vector<Part>& parts) {
  Model shared{Rng(1)};
  optim::Optimizer optimizer(shared, optim::Sgd{.lr = 0.05});
  std::mutex turn;
  on_threads(kThreads, [&](int i) {
    Model own{Rng(0)};
    const std::vector<Tensor> parameters = own.parameters();
    for (int step = 0; step < kSteps; ++step) {
      {
        const std::lock_guard lock(turn);
        own.load_state(shared.state());
      }
      const Tensor loss[] = {loss_of(own, parts[static_cast<std::size_t>(i)])};
      const std::vector<Tensor> gradients = grad(loss, parameters);
      const std::lock_guard lock(turn);
      std::vector<Tensor> to = shared.parameters();
      for (std::size_t p = 0; p < to.size(); ++p) to[p].set_grad(gradients[p]);
      optimizer.step();
    }
  });
  return shared;
}

double total_loss(const Model& model, const std::vector<Part>& parts) {
  const NoGrad no_grad;
  double total = 0;
  for (const Part& part : parts) total += loss_of(model, part).item();
  return total / static_cast<double>(parts.size());
}

bool same_bits(const Model& a, const Model& b) {
  const std::vector<Tensor> left = a.parameters(), right = b.parameters();
  for (std::size_t p = 0; p < left.size(); ++p)
    if (std::memcmp(left[p].data<float>().data(), right[p].data<float>().data(), left[p].data<float>().size_bytes()) !=
        0)
      return false;
  return true;
}

int main() {
  set_num_threads(1);  // of an operation; here the program brings its own
  const std::vector<Part> parts = make_parts();
  const double untrained = total_loss(Model{Rng(1)}, parts);
  const Model parallel = train_in_parallel(parts, true);
  const bool same = same_bits(parallel, train_in_parallel(parts, false));
  const double waiting = total_loss(parallel, parts), hogwild = total_loss(train_without_waiting(parts), parts);
  std::cout << "untrained " << untrained << ", data-parallel " << waiting << (same ? ", the bits of one thread" : "")
            << ", without waiting " << hogwild << '\n';
  return same && waiting < untrained / 2 && hogwild < untrained / 2 ? 0 : 1;
}
