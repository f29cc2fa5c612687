// What of the graph is on the screen: layers or operations, which scopes are closed, which pass, and what is nearest if
// that is too much.

// More than this is neither laid out in a moment nor taken in.
const kMostBoxes = 120;
// Scopes are open at first as far as that many boxes allow.
const kBoxesAtFirst = 40;
// A leaf with more users than this is drawn at each of them.
const kMostUsersOfALeaf = 5;
// Up to here all that is visible is looked at before the nearest are chosen; beyond, the search begins in the middle.
const kMostLookedAt = 5000;

// One thing drawn: a node or a closed scope, its values or its gradients. `members` are the numbers of the values in it.
class Box {
  constructor(key, gradient, frame, {node = null, closed = null}, members) {
    Object.assign(this, {key, gradient, frame, node, closed, members, inputs: [], outputs: []});
  }
  get kind() { return this.closed ? 'scope' : this.node.kind; }
  get item() { return this.node?.item ?? null; }
}

class View {
  constructor(graph, {pass, depth, unfold}) {
    this.graph = graph;
    this.pass = pass;
    this.centre = null;
    this.closed = new Set();
    this.level = unfold || !graph.layers ? graph.operations : graph.layers;
    this.openTo(depth ?? this.depthAtFirst());
  }

  // Steps of the slider: the depth to which scopes of the layer view are open, and then every operation.
  get steps() { return this.graph.layers ? this.graph.layers.depth + 2 : this.graph.operations.depth + 1; }
  get step() { return this.graph.layers && this.level === this.graph.operations ? this.steps : this.openDepth; }
  set step(step) {
    const unfolded = this.graph.layers && step === this.steps;
    this.level = this.graph.layers && !unfolded ? this.graph.layers : this.graph.operations;
    this.openTo(unfolded ? this.level.depth + 1 : step);
  }
  nameOf(step) {
    if (this.graph.layers && step === this.steps) return 'every operation';
    const depth = (this.graph.layers ?? this.graph.operations).depth;
    return step > depth ? 'all scopes open' : `scopes of depth ${step} closed`;
  }

  // Closes the scopes of this depth (the outermost have 1) and opens those round them.
  openTo(depth) {
    this.closed = new Set(this.level.frames.filter((frame) => frame.parent && frame.depth >= depth));
  }

  depthAtFirst() {
    let depth = 1;
    for (; depth <= this.level.depth; ++depth) {
      this.openTo(depth + 1);
      if (this.visible().length > kBoxesAtFirst) break;
    }
    return depth;
  }

  // The depth to which everything is open.
  get openDepth() {
    const depths = [...this.closed].filter((frame) => !this.hiddenIn(frame.parent)).map((frame) => frame.depth);
    return depths.length ? Math.min(...depths) : this.level.depth + 1;
  }

  toggle(frame) {
    if (!this.closed.delete(frame)) this.closed.add(frame);
  }

  reveal(value) {
    const node = this.level.nodeOf(value);
    for (let frame = this.level.frames[this.level.frameOf[node]]; frame; frame = frame.parent) this.closed.delete(frame);
    this.centre = value;
  }

  // The outermost closed scope that a frame is in, or is.
  hiddenIn(frame) {
    let hidden = null;
    for (; frame; frame = frame.parent) {
      if (this.closed.has(frame)) hidden = frame;
    }
    return hidden;
  }

  // Nodes have their own numbers, closed frames the numbers after those.
  codeOf(node) {
    const hidden = this.hidden[this.level.frameOf[node]];
    return hidden < 0 ? node : this.level.count + hidden;
  }
  isNode(code) { return code < this.level.count; }

  // The codes of what is in sight, in the order of the scopes.
  visible() {
    const codes = [];
    const visit = (frame) => {
      if (this.closed.has(frame)) return void (this.sizeOf(frame) && codes.push(this.level.count + frame.index));
      for (const node of frame.nodes) codes.push(node);
      frame.frames.forEach(visit);
    };
    visit(this.level.frames[0]);
    return codes;
  }
  sizeOf(frame) {
    frame.size ??= frame.nodes.length + sum(frame.frames.map((inner) => this.sizeOf(inner)));
    return frame.size;
  }

  keyOf(code, gradient) {
    if (!this.isNode(code)) return (gradient ? 'b' : 'c') + (code - this.level.count);
    return (gradient ? 'g' : 'n') + this.level.shownIn(code);
  }

  // {boxes, links, left}: what to draw, and how many boxes are left out.
  compute() {
    const {level} = this;
    this.hidden = Int32Array.from(level.frames, (frame) => this.hiddenIn(frame)?.index ?? -1);
    const codes = this.visible();
    const most = this.pass === 'joint' ? kMostBoxes / 2 : kMostBoxes;
    let kept = new Set(codes);
    if (codes.length > kMostLookedAt) kept = this.nearest(most, (code) => this.isNode(code) ? this.besides(code) : []);
    let links = this.links(kept);
    if (kept.size > most) {
      const joined = new Map();
      for (const {from, to} of links) {
        for (const [a, b] of [[from, to], [to, from]]) joined.set(a, [...(joined.get(a) ?? []), b]);
      }
      kept = this.nearest(most, (code) => joined.get(code) ?? []);
      links = this.links(kept);
    }
    let boxes = this.boxes(kept);
    links = links.map(({kind, from, to}) => ({
      kind, from: this.keyOf(from, kind === 'gradient'), to: this.keyOf(to, kind === 'gradient' || kind === 'saved'),
    })).filter(({from, to}) => boxes.has(from) && boxes.has(to));
    [boxes, links] = this.spreadLeaves(boxes, links);
    for (const link of links) {
      boxes.get(link.from).outputs.push(link.to);
      boxes.get(link.to).inputs.push(link.from);
    }
    return {boxes, links, left: codes.length - kept.size};
  }

  besides(code) { return [...this.level.inputs(code), ...this.level.users(code)].filter((node) => !this.level.listed[node]).map((node) => this.codeOf(node)); }

  boxes(codes) {
    const boxes = new Map();
    for (const code of [...codes].sort((a, b) => a - b)) {
      const frame = this.isNode(code) ? null : this.level.frames[code - this.level.count];
      const node = frame ? null : this.level.node(code);
      const members = frame ? this.membersOf(frame) : node.members;
      const where = frame ? frame.parent : this.level.frames[this.level.frameOf[code]];
      const add = (gradient) => boxes.set(this.keyOf(code, gradient), new Box(this.keyOf(code, gradient), gradient, where, {node, closed: frame}, members));
      if (this.pass !== 'backward') add(false);
      if (this.pass !== 'forward' && members.some((value) => this.graph.hasGradient(value))) add(true);
    }
    return boxes;
  }

  // The values in a scope and in those within it, in the order of execution.
  membersOf(frame) {
    frame.members ??= [...this.level.valuesIn(frame), ...frame.frames.flatMap((inner) => this.membersOf(inner))].sort((a, b) => a - b);
    return frame.members;
  }

  // Links between what is in `kept`, by code; each once.
  links(kept) {
    const links = [];
    const wanted = {data: this.pass !== 'backward', gradient: this.pass !== 'forward', saved: this.pass === 'joint', loops: this.pass !== 'backward'};
    for (const [kind, ends] of Object.entries(this.level.edges)) {
      if (!wanted[kind]) continue;
      const seen = new Set();
      for (let e = 0; e < ends.length; e += 2) {
        if (this.level.listed[ends[e]] || this.level.listed[ends[e + 1]]) continue;
        const from = this.codeOf(ends[e]), to = this.codeOf(ends[e + 1]);
        const inside = from === to && (kind === 'data' || kind === 'gradient' || !this.isNode(from));
        if (inside || !kept.has(from) || !kept.has(to)) continue;
        const key = from * (this.level.count + this.level.frames.length) + to;
        if (seen.has(key)) continue;
        seen.add(key);
        links.push({kind, from, to});
      }
    }
    return links;
  }

  spreadLeaves(boxes, links) {
    const users = new Map();
    for (const {kind, from, to} of links) {
      const leaf = kind === 'gradient' ? to : from;
      if (kind === 'saved' || kind === 'loops' || !boxes.get(leaf).item?.isLeaf) continue;
      if (!users.has(leaf)) users.set(leaf, []);
      users.get(leaf).push(kind === 'data' ? to : from);
    }
    const spread = new Map(boxes);
    const copies = new Map();
    for (const [key, keys] of users) {
      if (keys.length <= kMostUsersOfALeaf) continue;
      spread.delete(key);
      const {gradient, node, members} = boxes.get(key);
      keys.forEach((user, number) => {
        const copy = new Box(`${key}_${number}`, gradient, boxes.get(user).frame, {node}, members);
        spread.set(copy.key, copy);
        copies.set(`${key} ${user}`, copy.key);
        if (number === 0) copies.set(key, copy.key);
      });
    }
    const copyOf = (key, user) => copies.get(`${key} ${user}`) ?? copies.get(key) ?? key;
    return [spread, links.map(({kind, from, to}) => ({kind, from: copyOf(from, to), to: copyOf(to, from)}))];
  }

  // The codes nearest to the value chosen, or else to the result.
  nearest(most, neighbours) {
    let last = this.graph.count - 1;
    for (let i = last; i >= 0 && this.graph.kindOf(i).kind !== 'output'; --i) last = i - 1;
    if (last < 0) last = this.graph.count - 1;
    const kept = new Set([this.codeOf(this.level.nodeOf(this.centre ?? last))]);
    for (const code of kept) {  // which grows meanwhile
      for (const next of neighbours(code)) {
        if (kept.size < most) kept.add(next);
      }
      if (kept.size >= most) break;
    }
    return kept;
  }
}
