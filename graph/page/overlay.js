// Measurements on the boxes: the number in words, a mark for its size, and a colour.

const kMarks = ['▁', '▂', '▄', '▆', '█'];
// Upper ends of the levels of a cost, as shares of the largest in the picture.
const kShares = [0.02, 0.1, 0.25, 0.5, 1];

const sum = (values) => values.reduce((total, value) => total + value, 0);
const largest = (values) => values.some(Number.isNaN) ? NaN : Math.max(...values);
const badIn = ({nan = 0, inf = 0}) => nan + inf;
const magnitudeOf = (statistics) => badIn(statistics) ? NaN
    : statistics.min === undefined ? undefined : Math.max(Math.abs(statistics.min), Math.abs(statistics.max));

// "−1.5 to 2, mean 0.25": of several items, the extremes alone.
function rangeText(all) {
  const measured = all.filter(({min}) => min !== undefined);
  if (!measured.length) return 'no finite element';
  const min = Math.min(...measured.map((statistics) => statistics.min)), max = Math.max(...measured.map((statistics) => statistics.max));
  if (min === max) return `all ${numberText(min)}`;
  const mean = measured.length === 1 ? `, mean ${numberText(measured[0].mean)}` : '';
  return `${numberText(min)} to ${numberText(max)}${mean}`;
}

const hasStatistics = (statistics) => Object.keys(statistics).length > 0;

// `of(item, gradient)` is undefined where there is nothing to say.
const kOverlays = {
  'gradient-norm': {
    title: 'gradient norm', before: '‖∇‖ ', text: numberText, total: largest, ofGradient: true, logarithmic: true,
    of: (item) => item.gradientStatistics.norm,
  },
  values: {
    title: 'value statistics', scale: 'largest element ', text: numberText, total: largest, logarithmic: true,
    of: (item, gradient) => magnitudeOf(gradient ? item.gradientStatistics : item.statistics),
    describe: (items, gradient) => rangeText(items.map((item) => gradient ? item.gradientStatistics : item.statistics)),
  },
  'non-finite': {
    title: 'NaN and Inf', text: groupedText, total: sum,
    of: (item, gradient) => {
      const statistics = gradient ? item.gradientStatistics : item.statistics;
      return hasStatistics(statistics) ? badIn(statistics) : undefined;
    },
  },
  time: {
    title: 'time', text: durationText, total: sum,
    of: (item, gradient) => gradient ? item.gradientStatistics.seconds : item.cost.seconds,
  },
  'saved-bytes': {
    title: 'bytes saved', before: 'saved ', text: bytesText, total: sum, ofValue: true, of: (item) => item.cost.saved_bytes,
  },
  flops: {
    title: 'arithmetic operations', text: (value) => metricText(value) + 'FLOP', total: sum, ofValue: true,
    of: (item) => item.cost.flops,
  },
};

class Overlay {
  constructor(name, boxes, pass) {
    this.name = name;
    this.kind = kOverlays[name];
    this.pass = pass;
    const finite = [...boxes.values()].map((box) => this.value(box)).filter((value) => value > 0 && value < Infinity);
    this.smallest = Math.min(...finite);
    this.largest = Math.max(...finite);
  }

  // The overlays of which the graph holds anything, and "changes" if it is a comparison.
  static available(graph) {
    const names = Object.keys(kOverlays).filter(
        (name) => graph.items.some((item) => [false, true].some((gradient) => kOverlays[name].of(item, gradient) !== undefined)));
    return graph.items.some((item) => item.remarks.some(changeOf)) ? ['changes', ...names] : names;
  }

  value(box) {
    if (!this.kind) return undefined;
    const onGradient = this.kind.ofGradient ? this.pass !== 'forward' : box.gradient;
    if (this.kind.ofGradient && box.gradient !== onGradient) return undefined;
    if (this.kind.ofValue && box.gradient && this.pass === 'joint') return undefined;
    const values = box.members.map((item) => this.kind.of(item, box.gradient)).filter((value) => value !== undefined);
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
    if (this.name === 'changes') return changeLabel(box);
    const value = this.value(box);
    if (value === undefined) return null;
    if (this.name === 'non-finite') {
      const first = box.members.some((item) => item.remarks.includes(box.gradient ? 'first bad gradient' : 'first bad value'));
      if (first) return {text: `✖ first of all: ${groupedText(value)} NaN or Inf`, paint: 'alert'};
      return value ? {text: `⚠ ${groupedText(value)} NaN or Inf`, paint: 'heat2'} : null;
    }
    const text = (this.kind.before ?? '') + (this.kind.describe?.(box.members, box.gradient) ?? this.kind.text(value));
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

function changeLabel(box) {
  const changed = box.members.filter((item) => item.remarks.some(changeOf));
  if (!changed.length) return {text: '', paint: 'op'};
  if (box.closed) return {text: `~ ${changed.length} differences`, paint: 'changed'};
  const remark = changed[0].remarks.find(changeOf);
  return {text: remark, paint: kChanges[remark[0]]};
}
