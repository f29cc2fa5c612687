// Measurements on the boxes: the number in words, a mark for its size, and a colour.

const kMarks = ['▁', '▂', '▄', '▆', '█'];
// Upper ends of the levels of a cost, as shares of the largest in the picture.
const kShares = [0.02, 0.1, 0.25, 0.5, 1];

const sum = (values) => values.reduce((total, value) => total + value, 0);
const largest = (values) => values.reduce((most, value) => most > value || Number.isNaN(most) ? most : value, -Infinity);

// "−1.5 to 2, mean 0.25": of several values, the extremes alone.
function rangeText(graph, members, gradient) {
  const all = members.map((value) => graph.numbers(value, gradient, ['min', 'max', 'mean'])).filter(({min}) => min !== undefined);
  if (!all.length) return 'no finite element';
  const min = all.reduce((least, one) => Math.min(least, one.min), Infinity), max = all.reduce((most, one) => Math.max(most, one.max), -Infinity);
  if (min === max) return `all ${numberText(min)}`;
  const mean = all.length === 1 ? `, mean ${numberText(all[0].mean)}` : '';
  return `${numberText(min)} to ${numberText(max)}${mean}`;
}

const badIn = (graph, value, gradient) => (graph.number('nan', value, gradient) ?? 0) + (graph.number('inf', value, gradient) ?? 0);

function magnitudeOf(graph, value, gradient) {
  if (badIn(graph, value, gradient)) return NaN;
  const {min, max} = graph.numbers(value, gradient, ['min', 'max']);
  return min === undefined ? undefined : Math.max(Math.abs(min), Math.abs(max));
}

// `of(graph, value, gradient)` is undefined where there is nothing to say; `needs` names a column without which that is
// everywhere.
const kOverlays = {
  'gradient-norm': {
    title: 'gradient norm', needs: 'norm', before: '‖∇‖ ', text: numberText, total: largest, ofGradient: true, logarithmic: true,
    of: (graph, value) => graph.number('norm', value, true),
  },
  values: {
    title: 'value statistics', needs: 'min', scale: 'largest element ', text: numberText, total: largest, logarithmic: true,
    of: magnitudeOf, describe: rangeText,
  },
  'non-finite': {
    title: 'NaN and Inf', needs: 'norm', text: groupedText, total: sum,
    of: (graph, value, gradient) => graph.number('norm', value, gradient) === undefined ? undefined : badIn(graph, value, gradient),
  },
  time: {
    title: 'time', needs: 'seconds', text: durationText, total: sum, of: (graph, value, gradient) => graph.number('seconds', value, gradient),
  },
  'saved-bytes': {
    title: 'bytes saved', needs: 'saved_bytes', before: 'saved ', text: bytesText, total: sum, ofValue: true,
    of: (graph, value) => graph.number('saved_bytes', value),
  },
  flops: {
    title: 'arithmetic operations', needs: 'flops', text: flopsText, total: sum, ofValue: true,
    of: (graph, value) => graph.number('flops', value),
  },
};

class Overlay {
  constructor(graph, name, boxes, pass) {
    this.graph = graph;
    this.name = name;
    this.kind = kOverlays[name];
    this.pass = pass;
    const finite = [...boxes.values()].map((box) => this.value(box)).filter((value) => value > 0 && value < Infinity);
    this.smallest = Math.min(...finite);
    this.largest = Math.max(...finite);
  }

  // The overlays of which the graph holds anything, and "changes" if it is a comparison.
  static available(graph) {
    const names = Object.keys(kOverlays).filter((name) => [false, true].some((gradient) => graph.hasNumber(kOverlays[name].needs, gradient)));
    return Object.values(graph.values.remarks).some((remarks) => remarks.some(changeOf)) ? ['changes', ...names] : names;
  }

  value(box) {
    if (!this.kind) return undefined;
    const onGradient = this.kind.ofGradient ? this.pass !== 'forward' : box.gradient;
    if (this.kind.ofGradient && box.gradient !== onGradient) return undefined;
    if (this.kind.ofValue && box.gradient && this.pass === 'joint') return undefined;
    const values = box.members.map((value) => this.kind.of(this.graph, value, box.gradient)).filter((value) => value !== undefined);
    return values.length ? this.kind.total(values) : undefined;
  }

  level(value) {
    if (!this.kind.logarithmic) return kShares.findIndex((share, level) => level === 4 || value <= share * this.largest);
    if (this.largest <= this.smallest) return 2;
    const place = Math.log(value / this.smallest) / Math.log(this.largest / this.smallest);
    return Math.min(4, Math.max(0, Math.floor(5 * place)));
  }

  // {text, paint} for a box, or null.
  label(box) {
    if (this.name === 'changes') return changeLabel(this.graph, box);
    const value = this.value(box);
    if (value === undefined) return null;
    if (this.name === 'non-finite') {
      const first = has(this.graph, box, box.gradient ? 'first bad gradient' : 'first bad value');
      if (first) return {text: `✖ first of all: ${groupedText(value)} NaN or Inf`, paint: 'alert'};
      return value ? {text: `⚠ ${groupedText(value)} NaN or Inf`, paint: 'heat2'} : null;
    }
    const text = (this.kind.before ?? '') + (this.kind.describe?.(this.graph, box.members, box.gradient) ?? this.kind.text(value));
    if (!Number.isFinite(value)) return {text: `${text} ✖`, paint: 'alert'};
    if (value === 0) return {text: `${text} ∅`, paint: 'rest'};
    const level = this.level(value);
    return {text: `${text} ${kMarks[level]}`, paint: `heat${level}`};
  }

  // What the marks mean: [{text, paint}].
  legend() {
    if (this.name === 'non-finite') {
      return [{text: '✖ first NaN or Inf', paint: 'alert'}, {text: '⚠ NaN or Inf', paint: 'heat2'}];
    }
    if (!this.kind || !(this.largest > 0)) return [];
    const end = (level) => this.kind.logarithmic ? this.smallest * (this.largest / this.smallest) ** ((level + 1) / 5)
                                                 : kShares[level] * this.largest;
    const start = (level) => level > 0 ? end(level - 1) : this.kind.logarithmic ? this.smallest : 0;
    return kMarks.map((mark, level) => (
        {text: `${mark} ${this.kind.scale ?? ''}${this.kind.text(start(level))} to ${this.kind.text(end(level))}`, paint: `heat${level}`}));
  }
}

const kChanges = {'+': 'added', '−': 'removed', '~': 'changed'};
const changeOf = (remark) => /^[+−~]( |$)/.test(remark) ? remark[0] : null;

const remarksOf = (graph, value) => graph.values.remarks[value] ?? [];
const has = (graph, box, remark) => box.members.some((value) => remarksOf(graph, value).includes(remark));

function changeLabel(graph, box) {
  const changed = box.members.filter((value) => remarksOf(graph, value).some(changeOf));
  if (!changed.length) return {text: '', paint: 'op'};
  if (box.closed) return {text: `~ ${changed.length} differences`, paint: 'changed'};
  const remark = remarksOf(graph, changed[0]).find(changeOf);
  return {text: remark, paint: kChanges[remark[0]]};
}
