// What of the graph is on the screen: which scopes are closed, which pass, and what is nearest if that is too much.

// More than this is neither laid out in a moment nor taken in.
const kMostBoxes = 120;
// Scopes are open at first as far as that many boxes allow.
const kBoxesAtFirst = 48;
// A leaf with more users than this is drawn at each of them.
const kMostUsersOfALeaf = 5;

// One thing drawn: an item or a closed scope, its values or its gradients.
class Box {
  constructor(key, gradient, frame, {item = null, closed = null}) {
    Object.assign(this, {key, gradient, frame, item, closed, members: [], inputs: [], outputs: []});
  }
  get kind() { return this.closed ? 'scope' : this.item.kind; }
}

class View {
  constructor(graph, {pass, depth}) {
    this.graph = graph;
    this.pass = pass;
    this.centre = null;
    this.closed = new Set();
    this.openTo(depth ?? this.depthAtFirst());
  }

  get depth() { return Math.max(0, ...this.graph.frames.map((frame) => frame.depth)); }

  // Closes the scopes of this depth (the outermost have 1) and opens those round them.
  openTo(depth) {
    this.closed = new Set(this.graph.frames.filter((frame) => frame.parent && frame.depth >= depth));
  }

  depthAtFirst() {
    let depth = 1;
    for (; depth <= this.depth; ++depth) {
      this.openTo(depth + 1);
      if (this.boxes().size > kBoxesAtFirst) break;
    }
    return depth;
  }

  // The depth to which everything is open.
  get openDepth() {
    const depths = [...this.closed].filter((frame) => !this.hiddenIn(frame.parent)).map((frame) => frame.depth);
    return depths.length ? Math.min(...depths) : this.depth + 1;
  }

  toggle(frame) {
    if (!this.closed.delete(frame)) this.closed.add(frame);
  }

  reveal(item) {
    for (let frame = item.frame; frame; frame = frame.parent) this.closed.delete(frame);
    this.centre = item;
  }

  // The outermost closed scope that a frame is in, or is.
  hiddenIn(frame) {
    let hidden = null;
    for (; frame; frame = frame.parent) {
      if (this.closed.has(frame)) hidden = frame;
    }
    return hidden;
  }

  keyOf(item, gradient) {
    const hidden = this.hidden.get(item.frame);
    if (hidden) return (gradient ? 'b' : 'c') + hidden.index;
    return gradient ? item.gradientId : item.id;
  }

  boxes() {
    this.hidden = new Map(this.graph.frames.map((frame) => [frame, this.hiddenIn(frame)]));
    const boxes = new Map();
    const add = (item, gradient) => {
      const key = this.keyOf(item, gradient);
      const closed = this.hidden.get(item.frame);
      if (!boxes.has(key)) {
        boxes.set(key, new Box(key, gradient, closed ? closed.parent : item.frame, closed ? {closed} : {item}));
      }
      boxes.get(key).members.push(item);
    };
    for (const item of this.graph.items) {
      if (this.pass !== 'backward') add(item, false);
      if (this.pass !== 'forward' && item.gradientId) add(item, true);
    }
    return boxes;
  }

  // {boxes, links, left}: what to draw, and how many boxes are left out.
  compute() {
    let boxes = this.boxes();
    let links = this.links(boxes);
    [boxes, links] = this.spreadLeaves(boxes, links);
    for (const link of links) {
      boxes.get(link.from).outputs.push(link.to);
      boxes.get(link.to).inputs.push(link.from);
    }
    const kept = this.nearest(boxes);
    const left = boxes.size - kept.size;
    return {boxes: kept, links: links.filter(({from, to}) => kept.has(from) && kept.has(to)), left};
  }

  links(boxes) {
    const links = new Map();
    for (const {kind, from, to} of this.graph.edges) {
      const link = {kind, from: this.keyOf(from, kind === 'gradient'), to: this.keyOf(to, kind !== 'data')};
      const inside = link.from === link.to || !boxes.has(link.from) || !boxes.has(link.to);
      if (!inside) links.set(`${link.from} ${kind} ${link.to}`, link);
    }
    return [...links.values()];
  }

  spreadLeaves(boxes, links) {
    const users = new Map();
    for (const {kind, from, to} of links) {
      const leaf = kind === 'data' ? from : to;
      if (kind === 'saved' || !boxes.get(leaf).item?.isLeaf) continue;
      if (!users.has(leaf)) users.set(leaf, []);
      users.get(leaf).push(kind === 'data' ? to : from);
    }
    const spread = new Map(boxes);
    const copies = new Map();
    for (const [key, keys] of users) {
      if (keys.length <= kMostUsersOfALeaf) continue;
      spread.delete(key);
      const {gradient, item, members} = boxes.get(key);
      keys.forEach((user, number) => {
        const copy = new Box(`${key}_${number}`, gradient, boxes.get(user).frame, {item});
        copy.members = members;
        spread.set(copy.key, copy);
        copies.set(`${key} ${user}`, copy.key);
        if (number === 0) copies.set(key, copy.key);
      });
    }
    const copyOf = (key, user) => copies.get(`${key} ${user}`) ?? copies.get(key) ?? key;
    return [spread, links.map(({kind, from, to}) => ({kind, from: copyOf(from, to), to: copyOf(to, from)}))];
  }

  nearest(boxes) {
    if (boxes.size <= kMostBoxes) return boxes;
    const last = this.graph.items.findLast((item) => item.kind === 'output') ?? this.graph.items.at(-1);
    const centre = this.keyOf(this.centre ?? last, this.pass === 'backward');
    const queue = [boxes.get(centre) ?? boxes.values().next().value];
    const kept = new Map([[queue[0].key, queue[0]]]);
    for (let next = 0; next < queue.length && kept.size < kMostBoxes; ++next) {
      for (const key of [...queue[next].inputs, ...queue[next].outputs]) {
        if (kept.has(key) || kept.size === kMostBoxes) continue;
        kept.set(key, boxes.get(key));
        queue.push(boxes.get(key));
      }
    }
    return kept;
  }
}
