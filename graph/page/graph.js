'use strict';
// The graph, read from the tables that a reader without JavaScript sees.

const byId = (id) => document.getElementById(id);

// "flops 12 saved 40" as {flops: 12, saved: 40}
function readNumbers(text) {
  const words = text.split(' ');
  const numbers = {};
  for (let i = 0; i + 1 < words.length; i += 2) numbers[words[i]] = Number(words[i + 1].replace('inf', 'Infinity'));
  return numbers;
}

class Frame {
  constructor(index, name, parent, times) {
    Object.assign(this, {index, name, parent, times, frames: [], items: [], depth: parent ? parent.depth + 1 : 0});
    if (parent) parent.frames.push(this);
  }
  get path() { return this.parent?.parent ? `${this.parent.path}.${this.name}` : this.name; }
}

// One row: a value, with its gradient if it has one.
class Item {
  constructor(row, frame) {
    const cells = Array.from(row.cells, (cell) => cell.textContent.trim());
    const text = (column) => cells[column] ?? '';
    const ids = text(0).split(' ');
    this.id = ids[0];
    this.gradientId = ids[1] ?? null;
    this.place = Number(this.id.slice(1));
    this.kind = row.className || 'op';
    this.op = text(1);
    this.name = text(2);
    this.value = text(3);
    this.inputs = {data: text(4), gradient: text(5), saved: text(6)};
    this.cost = readNumbers(text(7));
    this.source = text(8);
    this.attributes = text(9);
    this.statistics = readNumbers(text(10));
    this.gradientStatistics = readNumbers(text(11));
    this.remarks = text(12) ? text(12).split('\n') : [];
    this.frame = frame;
    frame.items.push(this);
  }
  get isLeaf() { return ['input', 'parameter', 'constant'].includes(this.kind); }
  get times() { return this.cost.times ?? 1; }
  // The frame says the scope already.
  get ownName() {
    const scope = this.frame.path + '.';
    return this.name.startsWith(scope) && this.name.length > scope.length ? this.name.slice(scope.length) : this.name;
  }
  get title() {
    const times = this.times > 1 ? ` × ${this.times}` : '';
    if (this.kind !== 'op') return (this.ownName || this.op) + times;
    return (this.name ? `${this.op} · ${this.ownName}` : this.op) + times;
  }
}

class Graph {
  constructor() {
    const {paints, outlines} = JSON.parse(byId('paints').textContent);
    this.paints = paints;
    this.outlines = outlines;
    this.frames = [new Frame(0, '', null, 1)];
    this.items = [];
    for (const body of byId('nodes').tBodies) this.readBody(body);
    this.items.sort((a, b) => a.place - b.place);
    this.readOperations();
    this.readEdges();
  }

  readBody(body) {
    const {frame: number = 0, in: parent, times = 1} = body.dataset;
    if (parent !== undefined) {
      this.frames[number] = new Frame(Number(number), body.dataset.name, this.frames[parent], Number(times));
    }
    for (const row of body.rows) {
      if (row.cells[0].tagName === 'TD') this.items.push(new Item(row, this.frames[number]));
    }
  }

  readOperations() {
    this.operations = new Map();
    for (const row of byId('operations').tBodies[0].rows) {
      const [name, group, formula] = Array.from(row.cells, (cell) => cell.textContent.trim());
      this.operations.set(name, {group, formula});
    }
  }

  // data joins values, gradient joins gradients, saved a value to a gradient.
  readEdges() {
    const items = new Map();
    for (const item of this.items) {
      items.set(item.id, item);
      if (item.gradientId) items.set(item.gradientId, item);
      item.uses = [];
    }
    this.edges = [];
    for (const item of this.items) {
      for (const id of item.inputs.data.split(' ')) this.addEdge('data', items.get(id), item);
      for (const id of item.inputs.gradient.split(' ')) this.addEdge('gradient', items.get(id), item);
      for (const id of item.inputs.saved.split(' ')) this.addEdge('saved', item, items.get(id));
    }
  }

  addEdge(kind, from, to) {
    if (!from || !to) return;
    this.edges.push({kind, from, to});
    if (kind === 'data') from.uses.push(to);
  }

  inputsOf(item) { return item.inputs.data.split(' ').filter(Boolean).map((id) => this.find(id)); }
  find(id) { return this.items.find((item) => item.id === id || item.gradientId === id); }

  paintOf(item) {
    if (item.kind !== 'op') return item.kind;
    const group = this.operations.get(item.op)?.group;
    return this.paints[group] ? group : 'op';
  }
}
