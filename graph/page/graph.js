'use strict';
// The graph, read from the columns that graph/internal/page_data.cpp writes. Values are known by their numbers; what is
// said of one is looked up when somebody asks.

const byId = (id) => document.getElementById(id);

class Frame {
  constructor(index, name, parent, times) {
    Object.assign(this, {index, name, parent, times, frames: [], nodes: [], depth: parent ? parent.depth + 1 : 0});
    if (parent) parent.frames.push(this);
  }
  get path() { return this.parent?.parent ? `${this.parent.path}.${this.name}` : this.name; }
}

const triples = (numbers) => Array.from({length: numbers.length / 3}, (_, i) => numbers.slice(3 * i, 3 * i + 3));

// Places in a list of numbers below `count`, by the number that stands there.
function grouped(numbers, count) {
  const first = new Int32Array(count + 1);
  for (const number of numbers) ++first[number + 1];
  for (let i = 0; i < count; ++i) first[i + 1] += first[i];
  const next = first.slice(), places = new Int32Array(numbers.length);
  numbers.forEach((number, place) => { places[next[number]++] = place; });
  return (number) => places.subarray(first[number], first[number + 1]);
}

// One way to see the graph: nodes in frames, joined by edges; as recorded, or with layers as one node each.
class Level {
  constructor(frames, frameOf, edges) {
    this.count = frameOf.length;
    this.frameOf = frameOf;
    this.frames = [new Frame(0, '', null, 1)];
    frames.forEach(([parent, name, times = 1], i) => this.frames.push(new Frame(i + 1, name, this.frames[parent], times)));
    for (let node = 0; node < this.count; ++node) this.frames[frameOf[node]].nodes.push(node);
    this.edges = Object.fromEntries(Object.entries(edges).map(([kind, ends]) => [kind, Int32Array.from(ends)]));
    this.inputs = this.neighbours(1);
    this.users = this.neighbours(0);
  }

  get depth() { return this.frames.reduce((depth, frame) => Math.max(depth, frame.depth), 0); }

  // The other ends of the data edges of each node; `side`: which end the node itself is.
  neighbours(side) {
    const ends = this.edges.data;
    const edgesOf = grouped(ends.filter((_, e) => e % 2 === side), this.count);
    return (node) => edgesOf(node).map((edge) => ends[2 * edge + 1 - side]);
  }
}

class Operations extends Level {
  constructor(graph, {frames, values, edges}, parametersInside) {
    super(frames, values.frame, edges);
    this.graph = graph;
    const isListed = (node) => ['parameter', 'constant'].includes(graph.kindOf(node).kind) && this.users(node).length > 0 &&
                               this.users(node).every((user) => graph.kindOf(user).kind === 'op');
    // Leaves that are named in the operations that use them.
    this.listed = Uint8Array.from({length: this.count}, (_, node) => parametersInside && isListed(node) ? 1 : 0);
    for (const frame of this.frames) {
      frame.values = frame.nodes;
      frame.nodes = frame.nodes.filter((node) => !this.listed[node]);
    }
  }
  shownIn(node) { return node; }
  valuesIn(frame) { return frame.values; }
  nodeOf(value) { return this.listed[value] ? this.users(value)[0] : value; }
  node(index) {
    const item = this.graph.item(index);
    const listed = [...new Set(this.inputs(index))].filter((input) => this.listed[input]).map((input) => this.graph.item(input));
    return {item, kind: item.kind, members: [index, ...listed.map(({index: leaf}) => leaf)], listed};
  }
}

class Layers extends Level {
  constructor(graph, {frames, frame, of, nodes, edges}) {
    super(frames, frame, edges);
    Object.assign(this, {graph, of, nodes, listed: new Uint8Array(this.count)});
    this.members = grouped(of, this.count);
  }
  shownIn(node) { return this.nodes[node]?.shown ?? this.members(node)[0]; }
  valuesIn(frame) { return frame.nodes.flatMap((node) => [...this.members(node)]); }
  nodeOf(value) { return this.of[value]; }
  node(index) {
    const item = this.graph.item(this.shownIn(index));
    return {item, kind: item.kind, members: [...this.members(index)], written: this.nodes[index], listed: []};
  }
}

// What there is to say of one value, and of its gradient if it has one.
class Item {
  constructor(graph, index) {
    Object.assign(this, {graph, index, id: `n${index}`, gradientId: graph.hasGradient(index) ? `g${index}` : null});
    Object.assign(this, graph.kindOf(index));
    for (const column of ['value', 'name', 'source', 'attributes']) this[column] = graph.words[graph.values[column][index]];
    this.remarks = graph.values.remarks[index] ?? [];
    this.frame = graph.operations.frames[graph.values.frame[index]];
  }
  get isLeaf() { return kLeaves.has(this.kind); }
  // The frame says the scope already.
  get ownName() {
    const scope = this.frame.path + '.';
    return this.name.startsWith(scope) && this.name.length > scope.length ? this.name.slice(scope.length) : this.name;
  }
  get title() {
    if (this.kind !== 'op') return this.ownName || this.kind;
    return this.name ? `${this.op} · ${this.ownName}` : this.op;
  }
}

const kLeaves = new Set(['input', 'parameter', 'constant']);

class Graph {
  constructor(data, {paints, outlines}, parametersInside) {
    Object.assign(this, {paints, outlines, words: data.words, values: data.values, gradients: data.gradients,
                         explanations: data.explanations ?? [], memory: triples(data.memory ?? []), items: new Map()});
    this.count = data.values.kind.length;
    this.kinds = data.kinds.map((text) => {
      const [op, kind, group, formula] = text.split('\n');
      return {op, kind, group, formula};
    });
    this.operations = new Operations(this, data, parametersInside);
    this.layers = data.layers ? new Layers(this, data.layers) : null;
  }

  kindOf(index) { return this.kinds[this.values.kind[index]]; }
  hasGradient(index) { return this.gradients.has[index] === '1'; }
  get hasGradients() { return this.gradients.has.includes('1'); }

  item(index) {
    if (!this.items.has(index)) this.items.set(index, new Item(this, index));
    return this.items.get(index);
  }

  // A cost or a measurement of a value, or of its gradient; undefined where there is none.
  number(name, index, gradient = false) {
    const number = (gradient ? this.gradients : this.values).numbers[name]?.[index];
    if (number === null || number === undefined || (number === 0 && !kMeasured.has(name))) return undefined;
    return typeof number === 'string' ? Number(number) : number;
  }
  numbers(index, gradient, names) {
    const pairs = names.map((name) => [name, this.number(name, index, gradient)]);
    return Object.fromEntries(pairs.filter(([, number]) => number !== undefined));
  }
  hasNumber(name, gradient) { return name in (gradient ? this.gradients : this.values).numbers; }

  // The value of an id of it or of its gradient, or of a name.
  find(text) {
    const [, digits] = /^[ng](\d+)$/.exec(text) ?? [];
    if (digits !== undefined && Number(digits) < this.count) return Number(digits);
    const word = this.words.indexOf(text);
    const named = word > 0 ? this.values.name.indexOf(word) : -1;
    return named < 0 ? null : named;
  }

  // All that have the text in their operation, name, scope or place in the source; those that are called so come first.
  search(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return [];
    const has = (word) => word.toLowerCase().includes(wanted);
    const words = this.words.map(has), kinds = this.kinds.map(({op}) => has(op));
    const frames = this.operations.frames.map((frame) => has(frame.path));
    const {kind, name, source, frame} = this.values;
    const hits = [];
    for (let i = 0; i < this.count; ++i) {
      if (kinds[kind[i]] || words[name[i]] || words[source[i]] || frames[frame[i]]) hits.push(i);
    }
    const exact = this.find(text.trim());
    return exact === null ? hits : [exact, ...hits.filter((hit) => hit !== exact)];
  }

  paintOf(item) {
    if (item.kind !== 'op') return item.kind;
    return Object.keys(this.paints).find((name) => this.paints[name].family === item.group) ?? 'op';
  }
}

// Measurements may be zero and say something; costs of zero are none.
const kMeasured = new Set(['min', 'max', 'mean', 'norm']);
const kStatistics = ['min', 'max', 'mean', 'norm', 'nan', 'inf', 'zero'];
const kCosts = ['parameters', 'flops', 'bytes', 'saved_bytes', 'shared_bytes', 'seconds'];
