#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <string_view>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/ops/kernels/convolution_onednn.hpp>
#include <unordered_map>
#include <vector>

namespace tapegrad::kernels::onednn {
namespace {

using dnnl::memory;

dnnl::engine& cpu() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}
dnnl::stream& stream() {
  thread_local dnnl::stream of_this_thread(cpu());
  return of_this_thread;
}

memory::desc described(const memory::dims& dims, const memory::dims& strides) {
  return {dims, memory::data_type::f32, strides};
}
memory::desc row_major(const memory::dims& dims) {
  memory::dims strides(dims.size(), 1);
  for (std::size_t i = dims.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * dims[i + 1];
  return described(dims, strides);
}
memory::desc any_layout(const memory::dims& dims) { return {dims, memory::data_type::f32, memory::format_tag::any}; }

/// An array as tensors hold it, and as the primitive takes it.
struct Operand {
  memory::desc plain, blocked;
  dnnl::reorder reorder;  ///< between the two, towards the primitive unless this is its result

  void set(const memory::dims& dims, const memory::desc& chosen, bool is_result) {
    plain = row_major(dims);
    blocked = chosen;
    if (!moves()) return;
    const memory::desc &from = is_result ? blocked : plain, &to = is_result ? plain : blocked;
    reorder = dnnl::reorder(dnnl::reorder::primitive_desc(cpu(), from, cpu(), to));
  }
  bool moves() const { return plain != blocked; }
  std::int64_t blocked_elements() const { return static_cast<std::int64_t>(blocked.get_size() / sizeof(float)); }
};

/// A primitive for one geometry, made for one thread, with the moves between layouts.
struct Plan {
  Operand x, w, y;
  memory::desc bias, scratch;
  dnnl::primitive primitive;
};

memory bound(const memory::desc& desc, const float* data) { return {desc, cpu(), const_cast<float*>(data)}; }

// The library's tables of implementations end with plain loops, which Eigen's products outrun.
bool is_reference(const char* implementation) { return std::string_view(implementation).starts_with("ref"); }

std::unique_ptr<Plan> make_plan(Wanted wanted, const ConvGeometry& g, bool biased, const memory::desc* w_layout) {
  // oneDNN counts dilation from 0; a single spatial axis goes as two.
  const std::size_t first = g.windows.in[0] == 1 && g.windows.kernel[0] == 1 && g.windows.out[0] == 1 ? 1 : 0;
  memory::dims x{g.batch, g.in_channels}, y{g.batch, g.out_channels}, stride, dilation, before, after;
  memory::dims w{g.out_channels / g.groups, g.in_channels / g.groups};
  if (g.groups > 1) w.insert(w.begin(), g.groups);
  for (std::size_t a = first; a < kSpatial; ++a) {
    const Windows& v = g.windows;
    x.push_back(v.in[a]);
    w.push_back(v.kernel[a]);
    y.push_back(v.out[a]);
    stride.push_back(v.stride[a]);
    dilation.push_back(v.dilation[a] - 1);
    before.push_back(v.padding[a]);
    after.push_back(v.position(a, v.out[a] - 1, v.kernel[a] - 1) + 1 - v.in[a]);
  }

  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto direct = dnnl::algorithm::convolution_direct;
  const memory::desc xd = any_layout(x), yd = any_layout(y), wd = w_layout ? *w_layout : any_layout(w);
  const memory::desc bd = biased ? row_major({g.out_channels}) : memory::desc();
  const dnnl::convolution_forward::primitive_desc forward(
      biased ? dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, direct, xd, wd, bd, yd, stride,
                                               dilation, before, after)
             : dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, direct, xd, wd, yd, stride, dilation,
                                               before, after),
      attributes, cpu());

  auto plan = std::make_unique<Plan>();
  plan->bias = bd;
  if (wanted == Wanted::y) {
    if (is_reference(forward.impl_info_str())) return nullptr;
    plan->x.set(x, forward.src_desc(), false);
    plan->w.set(w, forward.weights_desc(), false);
    plan->y.set(y, forward.dst_desc(), true);
    plan->scratch = forward.scratchpad_desc();
    plan->primitive = dnnl::convolution_forward(forward);
  } else if (wanted == Wanted::x) {
    const dnnl::convolution_backward_data::primitive_desc chosen({direct, xd, wd, yd, stride, dilation, before, after},
                                                                 attributes, cpu(), forward);
    if (is_reference(chosen.impl_info_str())) return nullptr;
    plan->x.set(x, chosen.diff_src_desc(), true);
    plan->w.set(w, chosen.weights_desc(), false);
    plan->y.set(y, chosen.diff_dst_desc(), false);
    plan->scratch = chosen.scratchpad_desc();
    plan->primitive = dnnl::convolution_backward_data(chosen);
  } else {
    const dnnl::convolution_backward_weights::primitive_desc chosen(
        {direct, xd, wd, yd, stride, dilation, before, after}, attributes, cpu(), forward);
    if (is_reference(chosen.impl_info_str())) return nullptr;
    plan->x.set(x, chosen.src_desc(), false);
    plan->w.set(w, chosen.diff_weights_desc(), true);
    plan->y.set(y, chosen.diff_dst_desc(), false);
    plan->scratch = chosen.scratchpad_desc();
    plan->primitive = dnnl::convolution_backward_weights(chosen);
  }
  return plan;
}

/// Plans made so far. To make one takes as long as to run a small one.
class Plans {
 public:
  /// Null where there is no good one. `like`, a plan for another batch size, fixes the layout of the weights.
  std::shared_ptr<const Plan> find(Wanted wanted, const ConvGeometry& g, bool biased, std::int64_t like_batch = 0,
                                   const Plan* like = nullptr) {
    const Key key = key_of(wanted, g, biased, like_batch);
    const std::scoped_lock lock(mutex_);
    const auto known = plans_.find(key);
    if (known != plans_.end()) return known->second;
    constexpr std::size_t kMost = 1024;
    if (plans_.size() >= kMost) plans_.clear();
    const OneThread alone;
    std::shared_ptr<const Plan> made;
    try {
      made = make_plan(wanted, g, biased, like ? &like->w.blocked : nullptr);
    } catch (const dnnl::error&) {
      // Nothing for this geometry: remembered as null.
    }
    return plans_[key] = made;
  }

 private:
  using Key = std::vector<std::int64_t>;
  static Key key_of(Wanted wanted, const ConvGeometry& g, bool biased, std::int64_t like_batch) {
    Key key{static_cast<std::int64_t>(wanted), biased, like_batch, g.batch, g.groups, g.in_channels, g.out_channels};
    const Windows& w = g.windows;
    for (const Extents& e : {w.in, w.kernel, w.out, w.stride, w.padding, w.dilation})
      key.insert(key.end(), e.begin(), e.end());
    return key;
  }

  std::mutex mutex_;
  std::map<Key, std::shared_ptr<const Plan>> plans_;
};

Plans& plans() {
  static Plans all;
  return all;
}

/// Pooled memory.
class Buffer {
 public:
  explicit Buffer(std::int64_t elements) : held_(empty({std::max<std::int64_t>(1, elements)})) {}
  float* data() { return held_.mutable_data<float>().data(); }

 private:
  Tensor held_;
};

/// How many samples one thread takes at a time: enough to be worth it, few enough to stay in its cache while they
/// change layout.
std::int64_t samples_at_a_time(Wanted wanted, const ConvGeometry& g) {
  constexpr double kFlops = 1 << 25, kElements = 1 << 18;
  const double work = g.flops() / kFlops + static_cast<double>(g.x_size() + g.y_size()) / kElements;
  auto parts = static_cast<std::int64_t>(work * static_cast<double>(g.batch));
  if (wanted == Wanted::w) {
    // The parts' results are added up, which must cost little.
    constexpr std::int64_t kMostParts = 16;
    parts =
        std::min({parts, kMostParts, g.batch * (g.x_size() + g.y_size()) / std::max<std::int64_t>(1, g.weight_size())});
  }
  parts = std::clamp<std::int64_t>(parts, 1, g.batch);
  return (g.batch + parts - 1) / parts;
}

/// How many numbers oneDNN adds up in f32 for one of the result's.
std::int64_t terms_of(Wanted wanted, const ConvGeometry& g, std::int64_t samples) {
  if (wanted == Wanted::w) return samples * g.windows.out_size();
  return (wanted == Wanted::y ? g.in_channels : g.out_channels) / g.groups * g.windows.kernel_size();
}

/// One piece: x, y in tensors' layout; w already in the primitive's.
void run(Wanted wanted, const Plan& plan, const float* x, const float* w, const float* bias, const float* y) {
  const OneThread alone;
  Buffer x_held(plan.x.moves() ? plan.x.blocked_elements() : 0), y_held(plan.y.moves() ? plan.y.blocked_elements() : 0);
  Buffer scratch(static_cast<std::int64_t>(plan.scratch.get_size() / sizeof(float)) + 1);
  const memory x_plain = bound(plan.x.plain, x), y_plain = bound(plan.y.plain, y);
  const memory x_used = plan.x.moves() ? bound(plan.x.blocked, x_held.data()) : x_plain;
  const memory y_used = plan.y.moves() ? bound(plan.y.blocked, y_held.data()) : y_plain;
  const auto move = [](const Operand& o, memory from, memory to) {
    if (o.moves()) dnnl::reorder(o.reorder).execute(stream(), from, to);
  };

  if (wanted != Wanted::x) move(plan.x, x_plain, x_used);
  if (wanted != Wanted::y) move(plan.y, y_plain, y_used);
  std::unordered_map<int, memory> arguments{
      {wanted == Wanted::x ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, x_used},
      {wanted == Wanted::w ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, bound(plan.w.blocked, w)},
      {wanted == Wanted::y ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, y_used},
      {DNNL_ARG_SCRATCHPAD, bound(plan.scratch, scratch.data())}};
  if (bias) arguments.emplace(DNNL_ARG_BIAS, bound(plan.bias, bias));
  plan.primitive.execute(stream(), arguments);
  if (wanted == Wanted::x) move(plan.x, x_used, x_plain);
  if (wanted == Wanted::y) move(plan.y, y_used, y_plain);
}

void reorder_weights(const Plan& plan, const memory& from, const memory& to) {
  const OneThread alone;
  memory source = from, target = to;
  dnnl::reorder(plan.w.reorder).execute(stream(), source, target);
}

/// The sum of `parts` results into the first one, in order.
void add_parts(float* results, std::int64_t parts, std::int64_t size) {
  for (std::int64_t p = 1; p < parts; ++p) {
    const float* from = results + p * size;
#pragma omp simd
    for (std::int64_t i = 0; i < size; ++i) results[i] += from[i];
  }
}

}  // namespace

bool convolve(Wanted wanted, const ConvGeometry& g, const float* x, const float* w, const float* bias, const float* y,
              float* result) try {
  const std::int64_t piece = samples_at_a_time(wanted, g), parts = (g.batch + piece - 1) / piece;
  constexpr std::int64_t kMostTerms = 1 << 15;  // beyond it the error of a sum in f32 shows
  if (terms_of(wanted, g, piece) > kMostTerms) return false;
  ConvGeometry whole = g, rest = g;
  whole.batch = piece;
  rest.batch = g.batch - (parts - 1) * piece;
  const std::shared_ptr<const Plan> plan = plans().find(wanted, whole, bias != nullptr);
  if (!plan) return false;
  const std::shared_ptr<const Plan> last =
      rest.batch == piece ? plan : plans().find(wanted, rest, bias != nullptr, piece, plan.get());
  if (!last) return false;

  (wanted == Wanted::x ? x : wanted == Wanted::y ? y : w) = result;
  const std::int64_t w_size = plan->w.blocked_elements();
  const bool w_moves = plan->w.moves();
  Buffer w_held(wanted == Wanted::w ? parts * w_size : w_moves ? w_size : 0);
  if (wanted != Wanted::w && w_moves)
    reorder_weights(*plan, bound(plan->w.plain, w), bound(plan->w.blocked, w_held.data()));
  const float* w_used = wanted == Wanted::w || w_moves ? w_held.data() : w;

  for_chunks(parts, parts > 1, [&](std::int64_t p) {
    run(wanted, p + 1 < parts ? *plan : *last, x + p * piece * g.x_size(),
        wanted == Wanted::w ? w_used + p * w_size : w_used, bias, y + p * piece * g.y_size());
  });
  if (wanted != Wanted::w) return true;
  add_parts(w_held.data(), parts, w_size);
  if (w_moves)
    reorder_weights(*plan, bound(plan->w.blocked, w_held.data()), bound(plan->w.plain, result));
  else
    std::copy_n(w_held.data(), w_size, result);
  return true;
} catch (const dnnl::error& e) {
  throw Error(std::string("convolution: oneDNN failed: ") + e.what());
}

}  // namespace tapegrad::kernels::onednn
