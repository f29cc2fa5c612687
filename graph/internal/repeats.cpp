// Finds what was recorded again and again (layers, time steps, heads) in the order of recording: a stretch of ops is an
// exact repeat of the one before it if op for op they are the same, and every input comes from the op as many steps
// back, from the same value, or from a leaf of the same kind that nobody else uses.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <optional>
#include <tapegrad/graph/internal/sketch.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <unordered_map>
#include <utility>

namespace tapegrad::graph {
namespace {

constexpr std::size_t kNone = ~std::size_t{0};
constexpr std::size_t kFewestItemsSaved = 4;

/// Copies `start + r period` ... of a block, r < copies, as positions in the sequence of ops.
struct Run {
  std::size_t start = 0, period = 0, copies = 0;
  std::size_t end() const { return start + period * copies; }
  std::size_t saved() const { return period * (copies - 1); }
};

class RepeatFinder {
 public:
  explicit RepeatFinder(const Sketch& sketch) : sketch_(sketch), inputs_(sketch.items().size()) {
    for (ItemIndex i = 0; i < sketch.items().size(); ++i) {
      if (sketch.items()[i].kind != Item::Kind::rest && !sketch.is_leaf_item(i)) ops_.push_back(i);
    }
    std::sort(ops_.begin(), ops_.end(),
              [&](ItemIndex a, ItemIndex b) { return sketch.items()[a].shown < sketch.items()[b].shown; });
    steps_left_ = 100 * ops_.size();
    position_.assign(sketch.items().size(), kNone);
    for (std::size_t p = 0; p < ops_.size(); ++p) position_[ops_[p]] = p;
    uses_.resize(sketch.items().size());
    users_.resize(sketch.items().size());
    for (const SketchEdge& e : sketch.edges()) {
      if (e.kind != EdgeKind::data || e.steps > 0) continue;
      inputs_[e.to].push_back(&e);
      if (users_[e.from].empty() || users_[e.from].back() != e.to) users_[e.from].push_back(e.to);
    }
    crossing_.assign(ops_.size() + 1, 0);
    for (std::size_t p = 0; p < ops_.size(); ++p) {
      for (const SketchEdge* e : inputs_[ops_[p]]) {
        add_use(uses_[e->from], p);
        const std::size_t from = position_[e->from];
        if (from == kNone || from >= p) continue;
        ++crossing_[from + 1];  // for now the differences
        --crossing_[p + 1];
      }
    }
    std::partial_sum(crossing_.begin(), crossing_.end(), crossing_.begin());
    name_kinds();
  }

  /// The runs that save most, none of which overlap.
  std::vector<Run> runs() const {
    std::vector<Run> found;
    for (const std::size_t period : candidate_periods()) find_runs(period, found);
    std::stable_sort(found.begin(), found.end(), [](const Run& a, const Run& b) {
      return a.saved() != b.saved() ? a.saved() > b.saved() : a.period < b.period;
    });
    std::map<std::size_t, std::size_t> taken;  // start to end
    std::vector<Run> chosen;
    for (const Run& run : found) {
      const auto next = taken.lower_bound(run.start);
      if (next != taken.end() && next->first < run.end()) continue;
      if (next != taken.begin() && std::prev(next)->second > run.start) continue;
      taken.emplace(run.start, run.end());
      chosen.push_back(run);
    }
    return chosen;
  }

  ItemIndex op(std::size_t position) const { return ops_[position]; }
  const std::vector<const SketchEdge*>& inputs(ItemIndex i) const { return inputs_[i]; }

 private:
  struct Uses {
    std::size_t first = kNone, last = 0, count = 0;
  };

  static void add_use(Uses& uses, std::size_t position) {
    uses.first = std::min(uses.first, position);
    uses.last = std::max(uses.last, position);
    ++uses.count;
  }

  // Gives items that are alike but for their inputs the same number.
  void name_kinds() {
    std::unordered_map<std::string, std::uint32_t> numbers;
    kind_.resize(sketch_.items().size());
    for (ItemIndex i = 0; i < kind_.size(); ++i) {
      const Item& item = sketch_.items()[i];
      std::string text =
          fmt::format("{} {} {} ", static_cast<int>(item.kind), item.times, sketch_.repetitions(item.frame));
      if (item.kind == Item::Kind::vertex) {
        describe(item.shown, text);
        for (const VertexIndex leaf : item.listed) describe(leaf, text);
      } else {
        for (const VertexIndex v : item.members) describe(v, text);
      }
      kind_[i] = numbers.try_emplace(std::move(text), static_cast<std::uint32_t>(numbers.size())).first->second;
    }
  }

  void describe(VertexIndex index, std::string& text) const {
    const Vertex& v = sketch_.graph()[index];
    fmt::format_to(std::back_inserter(text), "{} {} {}", static_cast<int>(v.kind), shape_text(v.shape), v.failed);
    const auto add = [&](const std::string& part) {
      fmt::format_to(std::back_inserter(text), " {}:{}", part.size(), part);
    };
    add(v.op);
    add(v.dtype);
    text += '\n';
  }

  bool is_op(ItemIndex i) const { return position_[i] != kNone; }

  bool same_input(const SketchEdge& a, const SketchEdge& b, std::size_t period) const {
    if (a.slot != b.slot) return false;
    if (a.from == b.from) return true;
    if (is_op(a.from) != is_op(b.from) || kind_[a.from] != kind_[b.from]) return false;
    if (is_op(a.from)) return position_[a.from] + period == position_[b.from];
    const Uses &u = uses_[a.from], &w = uses_[b.from];
    return u.first + period == w.first && u.last - u.first < period && u.count == w.count;
  }

  bool repeats(std::size_t position, std::size_t period) const {
    const ItemIndex a = ops_[position], b = ops_[position + period];
    if (kind_[a] != kind_[b] || inputs_[a].size() != inputs_[b].size()) return false;
    for (std::size_t k = 0; k < inputs_[a].size(); ++k) {
      if (!same_input(*inputs_[a][k], *inputs_[b][k], period)) return false;
    }
    return true;
  }

  // Periods worth a trial: the commonest distances between like windows of 1, 2, 4 ... ops, for ops that are alike by
  // themselves and for ops that also take their inputs from as far back. Some window is long enough to occur once in a
  // block.
  std::vector<std::size_t> candidate_periods() const {
    std::vector<std::uint64_t> alone(ops_.size()), wired(ops_.size());
    for (std::size_t p = 0; p < ops_.size(); ++p) {
      alone[p] = wired[p] = mixed(kind_[ops_[p]], inputs_[ops_[p]].size());
      for (const SketchEdge* e : inputs_[ops_[p]]) {
        wired[p] = mixed(wired[p], is_op(e->from) ? p - position_[e->from] : kNone);
      }
    }
    std::vector<std::size_t> periods;
    add_common_distances(std::move(alone), periods);
    add_common_distances(std::move(wired), periods);
    std::sort(periods.begin(), periods.end());
    periods.erase(std::unique(periods.begin(), periods.end()), periods.end());
    return periods;
  }

  static std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
    return (a ^ (b + 0x9E3779B97F4A7C15U + (a << 6))) * 0xBF58476D1CE4E5B9U;
  }

  static void add_common_distances(std::vector<std::uint64_t> hash, std::vector<std::size_t>& periods) {
    constexpr std::size_t kLongestWindow = 256, kPerWindow = 8;
    const std::size_t size = hash.size();
    for (std::size_t window = 1; window <= kLongestWindow && window < size; window *= 2) {
      std::unordered_map<std::uint64_t, std::size_t> last;
      std::unordered_map<std::size_t, std::size_t> counts;
      for (std::size_t p = 0; p + window <= size; ++p) {
        const auto [place, is_new] = last.try_emplace(hash[p], p);
        if (!is_new) ++counts[p - std::exchange(place->second, p)];
      }
      std::vector<std::pair<std::size_t, std::size_t>> common(counts.begin(), counts.end());
      std::sort(common.begin(), common.end(),
                [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a < b; });
      for (std::size_t k = 0; k < std::min(kPerWindow, common.size()); ++k) periods.push_back(common[k].first);
      for (std::size_t p = 0; p + 2 * window <= size; ++p) hash[p] = mixed(hash[p], hash[p + window]);
    }
  }

  void find_runs(std::size_t period, std::vector<Run>& found) const {
    for (std::size_t p = 0; p + period < ops_.size();) {
      if (!repeats(p, period)) {
        ++p;
        continue;
      }
      const std::size_t begin = p;
      while (p + period < ops_.size() && repeats(p, period)) ++p;
      // The first copy may begin before the strict repetition does, as its inputs come from elsewhere: hence not `begin
      // + period`.
      if (const auto run = best_phase(begin, p + period, period)) found.push_back(*run);
    }
  }

  // Of all ways to cut [begin, end), where everything is a repeat of what lies a period before it, into copies of a
  // block: the one whose seams coincide with those of scopes, then the one with most copies, then the one with fewest
  // edges across the seams.
  std::optional<Run> best_phase(std::size_t begin, std::size_t end, std::size_t period) const {
    std::optional<Run> best;
    std::array<std::size_t, 3> best_cost{};
    const auto consider = [&](std::size_t start) {
      const Run run{start, period, (end - start) / period};
      if (run.copies < 2 || run.saved() < kFewestItemsSaved) return;
      const std::size_t seam = start + period;
      const FrameIndex common =
          sketch_.common_frame(sketch_.items()[ops_[seam - 1]].frame, sketch_.items()[ops_[seam]].frame);
      const std::array<std::size_t, 3> cost{sketch_.frames()[common].depth, ~run.copies,
                                            static_cast<std::size_t>(crossing_[seam])};
      if (best && !(cost < best_cost)) return;
      best = run;
      best_cost = cost;
    };
    for (const std::size_t start : early_starts(begin, period)) consider(start);
    for (std::size_t start = begin; start < begin + period && start < end; ++start) consider(start);
    return best && same_users(*best) ? best : std::nullopt;
  }

  // What a copy gives to the outside must be what every copy gives: to the same user, or nothing except from the last
  // one of a chain of copies. (Query, key and value are three equal products, but not thrice the same.)
  bool same_users(const Run& run) const {
    for (std::size_t j = 0; j < run.period; ++j) {
      const std::vector<ItemIndex> of_last = outside_users(run, run.start + (run.copies - 1) * run.period + j);
      bool chained = true;
      for (std::size_t copy = 0; copy + 1 < run.copies; ++copy) {
        const std::vector<ItemIndex> users = outside_users(run, run.start + copy * run.period + j);
        if (users == of_last) continue;
        const std::vector<ItemIndex>& all = users_[ops_[run.start + copy * run.period + j]];
        chained = chained && users.empty() && std::any_of(all.begin(), all.end(), [&](ItemIndex user) {
                    return position_[user] >= run.start + (copy + 1) * run.period;
                  });
        if (!chained) return false;
      }
    }
    return true;
  }

  std::vector<ItemIndex> outside_users(const Run& run, std::size_t position) const {
    std::vector<ItemIndex> outside;
    for (const ItemIndex user : users_[ops_[position]]) {
      if (position_[user] < run.start || position_[user] >= run.end()) outside.push_back(user);
    }
    return outside;
  }

  // Starts before `begin` for which the first copy differs from the second only in what it takes from outside, where
  // the second takes it from the first. Ascending.
  std::vector<std::size_t> early_starts(std::size_t begin, std::size_t period) const {
    std::vector<std::size_t> starts;
    std::size_t lowest = begin > period ? begin - period : 0;
    std::size_t highest = begin;
    for (std::size_t p = begin; p-- > 0 && p >= lowest && steps_left_ > 0; --steps_left_) {
      const ItemIndex a = ops_[p], b = ops_[p + period];
      if (kind_[a] != kind_[b] || inputs_[a].size() != inputs_[b].size()) break;
      bool possible = true;
      for (std::size_t k = 0; k < inputs_[a].size() && possible; ++k) {
        const SketchEdge &u = *inputs_[a][k], &w = *inputs_[b][k];
        if (same_input(u, w, period)) continue;
        const Vertex &from_outside = sketch_.graph()[u.value], &from_first = sketch_.graph()[w.value];
        possible = is_op(w.from) && u.slot == w.slot && from_outside.shape == from_first.shape &&
                   from_outside.dtype == from_first.dtype;
        if (!possible) break;
        const std::size_t carried = position_[w.from];
        highest = std::min(highest, carried);
        if (carried >= period) lowest = std::max(lowest, carried - period + 1);
        if (is_op(u.from)) lowest = std::max(lowest, position_[u.from] + 1);
      }
      if (!possible) break;
      if (p >= lowest && p <= highest) starts.push_back(p);
    }
    // A later constraint may rule out an earlier start.
    std::erase_if(starts, [&](std::size_t start) { return start < lowest || start > highest; });
    std::reverse(starts.begin(), starts.end());
    return starts;
  }

  const Sketch& sketch_;
  std::vector<std::vector<const SketchEdge*>> inputs_;  // of each item, by slot
  std::vector<ItemIndex> ops_;                          // in the order of recording
  std::vector<std::size_t> position_;                   // of each item in ops_
  std::vector<Uses> uses_;                              // of each item, as positions of the users
  std::vector<std::vector<ItemIndex>> users_;           // of each item, once each
  std::vector<std::uint32_t> kind_;                     // of each item
  std::vector<std::ptrdiff_t> crossing_;                // edges across the seam before each position
  mutable std::size_t steps_left_ = 0;  // a bound on the search for early starts, which could be quadratic
};

class Folder {
 public:
  explicit Folder(Sketch& sketch)
      : sketch_(sketch),
        target_(sketch.items().size()),
        last_(target_.size()),
        copy_(target_.size(), kNone),
        run_(target_.size(), kNone) {
    std::iota(target_.begin(), target_.end(), ItemIndex{0});
    last_ = target_;
    for (const Item& item : sketch.items()) count_up(item.frame, all_);
  }

  void fold(const Run& run, const RepeatFinder& finder) {
    const std::size_t number = is_stack_.size();
    is_stack_.push_back(false);
    std::vector<ItemIndex> block, all_copies;
    const auto take = [&](ItemIndex i, std::size_t copy, ItemIndex into) {
      if (run_[i] == number) return;
      all_copies.push_back(i);
      const Item& item = sketch_.items()[i];
      const auto is_parameter = [&](VertexIndex v) { return sketch_.graph()[v].kind == VertexKind::parameter; };
      if (is_parameter(item.shown) || std::any_of(item.listed.begin(), item.listed.end(), is_parameter))
        is_stack_[number] = true;
      last_[into] = i;  // copies come in order
      run_[i] = number;
      copy_[i] = copy;
      target_[i] = into;
      if (copy == 0) block.push_back(i);
    };
    for (std::size_t j = 0; j < run.period; ++j) take(finder.op(run.start + j), 0, finder.op(run.start + j));
    for (std::size_t copy = 1; copy < run.copies; ++copy) {
      for (std::size_t j = 0; j < run.period; ++j) {
        const ItemIndex first = finder.op(run.start + j), repeat = finder.op(run.start + copy * run.period + j);
        take(repeat, copy, first);
        for (std::size_t k = 0; k < finder.inputs(first).size(); ++k) {
          const ItemIndex own = finder.inputs(first)[k]->from, other = finder.inputs(repeat)[k]->from;
          if (own == other || !sketch_.is_leaf_item(own) || !sketch_.is_leaf_item(other)) continue;
          take(own, 0, own);
          take(other, copy, own);
        }
      }
    }
    if (block.size() == 1) {
      sketch_.item(block[0]).times *= static_cast<std::uint32_t>(run.copies);
      if (sketch_.items()[block[0]].kind != Item::Kind::layer) is_stack_[number] = true;
    } else {
      frame_block(run, finder, block, all_copies);
    }
  }

  void finish() {
    std::vector<std::optional<std::uint32_t>> steps;
    for (const SketchEdge& e : sketch_.edges()) {
      const bool across = run_[e.from] != kNone && run_[e.from] == run_[e.to] && copy_[e.from] != copy_[e.to];
      steps.push_back(across ? std::optional(steps_on(e)) : std::nullopt);
    }
    sketch_.merge(target_, steps);
  }

 private:
  // How many copies on an edge leads that the picture shows as a loop: of a stack of layers, "× 12" says all.
  std::uint32_t steps_on(const SketchEdge& e) const {
    if (e.kind == EdgeKind::saved || is_stack_[run_[e.from]]) return 0;
    const std::size_t a = copy_[e.from], b = copy_[e.to];
    return static_cast<std::uint32_t>(a < b ? b - a : a - b);
  }

  using Counts = std::map<FrameIndex, std::size_t>;

  void count_up(FrameIndex f, Counts& counts) const {
    for (; f != 0; f = sketch_.frames()[f].parent) ++counts[f];
  }

  FrameIndex frame_of_ops(const RepeatFinder& finder, std::size_t begin, std::size_t period) const {
    FrameIndex common = sketch_.items()[finder.op(begin)].frame;
    for (std::size_t j = 1; j < period; ++j) {
      common = sketch_.common_frame(common, sketch_.items()[finder.op(begin + j)].frame);
    }
    return common;
  }

  // Puts the block into a frame of its own: that of its scope where the scope holds nothing else.
  void frame_block(const Run& run, const RepeatFinder& finder, const std::vector<ItemIndex>& block,
                   const std::vector<ItemIndex>& all_copies) {
    const auto times = static_cast<std::uint32_t>(run.copies);
    FrameIndex frame = frame_of_ops(finder, run.start, run.period);
    Counts of_block, of_run;
    for (const ItemIndex i : block) count_up(sketch_.items()[i].frame, of_block);
    for (const ItemIndex i : all_copies) count_up(sketch_.items()[i].frame, of_run);
    if (frame != 0 && of_run[frame] == all_[frame]) {
      const auto only_block = [&](FrameIndex f) { return f != 0 && of_block[f] == all_[f]; };
      while (only_block(frame) && only_block(sketch_.frames()[frame].parent)) frame = sketch_.frames()[frame].parent;
      const FrameIndex last =
          sketch_.ancestor(frame_of_ops(finder, run.end() - run.period, run.period), sketch_.frames()[frame].depth);
      sketch_.frame(frame).times *= times;
      sketch_.frame(frame).name = range_name(sketch_.frames()[frame].name, sketch_.frames()[last].name);
      for (const ItemIndex i : block) {
        if (sketch_.common_frame(frame, sketch_.items()[i].frame) != frame) sketch_.item(i).frame = frame;
      }
      return;
    }
    const FrameIndex own = sketch_.add_frame(frame, "block", times);
    sketch_.frame(own).is_scope = false;
    std::map<FrameIndex, FrameIndex> moved{{frame, own}};
    for (const ItemIndex i : block) {
      const FrameIndex old = sketch_.items()[i].frame;
      sketch_.item(i).frame =
          sketch_.common_frame(frame, old) == frame ? moved_frame(old, sketch_.items()[last_[i]].frame, moved) : own;
    }
  }

  // The frame within the block for what was in `old`, and in `last` in the last copy.
  FrameIndex moved_frame(FrameIndex old, FrameIndex last, std::map<FrameIndex, FrameIndex>& moved) {
    std::vector<FrameIndex> way;
    for (; !moved.contains(old); old = sketch_.frames()[old].parent) way.push_back(old);
    FrameIndex at = moved[old];
    for (auto f = way.rbegin(); f != way.rend(); ++f) {
      const Frame copied = sketch_.frames()[*f];
      const std::string& last_name = sketch_.frames()[sketch_.ancestor(last, copied.depth)].name;
      at = moved[*f] = sketch_.add_frame(at, range_name(copied.name, last_name), copied.times);
    }
    return at;
  }

  Sketch& sketch_;
  std::vector<ItemIndex> target_;
  std::vector<ItemIndex> last_;          // of each item of a block its last copy
  std::vector<std::size_t> copy_, run_;  // of each item that takes part in a run
  std::vector<bool> is_stack_;           // of each run: its copies have parameters of their own, or are one op each
  Counts all_;
};

}  // namespace

bool fold_repeats(Sketch& sketch) {
  constexpr int kMostLevels = 6;  // of blocks within blocks
  for (int level = 0; level < kMostLevels; ++level) {
    const RepeatFinder finder(sketch);
    const std::vector<Run> runs = finder.runs();
    if (runs.empty()) return level > 0;
    Folder folder(sketch);
    for (const Run& run : runs) folder.fold(run, finder);
    folder.finish();
  }
  return true;
}

}  // namespace tapegrad::graph
