// The picture as SVG. Colours and sizes are attributes, so that a saved file looks the same without this page.

const kSvg = 'http://www.w3.org/2000/svg';
// These greys can be read on a light page and on a dark one.
const kLine = '#8b949e';
const kFrameText = '#757f89';

function svgElement(tag, attributes = {}, ...children) {
  const element = document.createElementNS(kSvg, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const kOutlineOfKind = {input: 'stadium', output: 'stadium', parameter: 'cylinder', constant: 'note', scope: 'double_box', rest: 'note'};
const outlineOf = (box) => box.kind === 'op' && box.gradient ? 'hexagon' : kOutlineOfKind[box.kind] ?? 'box';

// The path of an outline round (0, 0).
function outlinePath(outline, width, height) {
  const x = width / 2, y = height / 2;
  const round = (r) => `M${r - x} ${-y}H${x - r}A${r} ${r} 0 0 1 ${x} ${r - y}V${y - r}A${r} ${r} 0 0 1 ${x - r} ${y}` +
                       `H${r - x}A${r} ${r} 0 0 1 ${-x} ${y - r}V${r - y}A${r} ${r} 0 0 1 ${r - x} ${-y}Z`;
  switch (outline) {
    case 'stadium': return round(Math.min(x, y));
    case 'cylinder': {
      const r = Math.min(5, y / 3.5);
      // The line of the lid comes back on itself: what it closes off is nothing, and no hole.
      return `M${-x} ${r - y}A${x} ${r} 0 0 1 ${x} ${r - y}V${y - r}A${x} ${r} 0 0 1 ${-x} ${y - r}Z` +
             `M${-x} ${r - y}A${x} ${r} 0 0 0 ${x} ${r - y}A${x} ${r} 0 0 1 ${-x} ${r - y}`;
    }
    case 'hexagon': return `M${10 - x} ${-y}H${x - 10}L${x} 0L${x - 10} ${y}H${10 - x}L${-x} 0Z`;
    case 'note': return `M${-x} ${-y}H${x - 9}L${x} ${9 - y}V${y}H${-x}ZM${x - 9} ${-y}V${9 - y}H${x}`;
    case 'double_box': return round(4) + `M${5 - x} ${-y}V${y}M${x - 5} ${-y}V${y}`;
    default: return round(4);
  }
}

function drawLines(lines, fill) {
  const text = svgElement('text', {'text-anchor': 'middle', fill, 'font-size': kFont.size});
  lines.forEach((line, number) => {
    const y = (number - (lines.length - 1) / 2) * kFont.line + 4.5;
    text.append(svgElement('tspan', {x: 0, y, ...(number === 0 && {'font-weight': 600})}, line));
  });
  return text;
}

function drawShape(paint, outline, {lines, width, height}) {
  const style = paint === 'rest' ? {'stroke-dasharray': 4} : paint === 'alert' ? {'stroke-width': 4} : {};
  const colours = drawShape.paints[paint];
  const shape = {d: outlinePath(outline, width, height), fill: colours.fill, stroke: colours.stroke, 'stroke-width': 1.5, ...style};
  const text = drawLines(lines, colours.text);
  if (outline === 'cylinder') text.setAttribute('transform', 'translate(0 3)');
  return [svgElement('path', shape), text];
}

function drawBox(graph, box) {
  const result = resultOf(graph, box);
  const parts = [box.lines.join(', '), box.closed ? 'closed scope' : box.kind, result.frame.path && `in ${result.frame.path}`];
  return svgElement('g', {
    class: 'node', 'data-key': box.key, role: 'button', tabindex: -1, 'aria-label': parts.filter(Boolean).join(', '),
    transform: `translate(${box.x} ${box.y})`,
  }, ...drawShape(box.paint, outlineOf(box), box));
}

function drawFrame(frame) {
  const left = frame.x - frame.width / 2, top = frame.y - frame.height / 2;
  const title = svgElement('text', {x: left + 10, y: top + 16, fill: kFrameText, 'font-size': 12, 'font-weight': 600}, frame.title);
  const box = svgElement('rect', {
    x: left, y: top, width: frame.width, height: frame.height, rx: 6, fill: kLine, 'fill-opacity': 0.09, stroke: kLine,
  });
  return svgElement('g', {class: 'frame', 'data-frame': frame.frame.index}, box, title);
}

const kLineStyles = {
  data: {'marker-end': 'url(#arrow)'},
  gradient: {'marker-end': 'url(#arrow)', 'stroke-dasharray': '5 4'},
  saved: {'marker-end': 'url(#ring)', 'stroke-dasharray': '1.5 3'},
  loops: {'marker-end': 'url(#arrow)', 'stroke-dasharray': '9 4'},
};

// Through the middles of the stretches, bent at the points between.
function drawLink(link) {
  const [first, ...rest] = link.points;
  let path = `M${first.x} ${first.y}`;
  rest.forEach((point, i) => {
    const next = rest[i + 1];
    path += next ? `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}` : `L${point.x} ${point.y}`;
  });
  return svgElement('path', {
    class: 'link', 'data-from': link.from, 'data-to': link.to, d: path.replace(/\d+\.\d+/g, (n) => Number(n).toFixed(1)),
    fill: 'none', stroke: kLine, 'stroke-width': 1.5, ...kLineStyles[link.kind],
  });
}

function markers() {
  const common = {orient: 'auto', markerWidth: 9, markerHeight: 9, markerUnits: 'userSpaceOnUse', refY: 5, viewBox: '0 0 10 10'};
  return svgElement('defs', {},
                    svgElement('marker', {...common, id: 'arrow', refX: 9}, svgElement('path', {d: 'M0 0L10 5L0 10Z', fill: kLine})),
                    svgElement('marker', {...common, id: 'ring', refX: 8},
                               svgElement('circle', {cx: 5, cy: 5, r: 3.5, fill: 'none', stroke: kLine, 'stroke-width': 2})));
}

function legendEntries(picture) {
  const used = new Map();
  for (const box of picture.boxes.values()) {
    if (drawShape.paints[box.paint].meaning) used.set(box.paint, outlineOf(box));
  }
  const meaningOf = (paint) => paint === 'rest' && picture.overlay.kind ? '∅ zero, or left out' : drawShape.paints[paint].meaning;
  const entries = [...used].map(([paint, outline]) => ({paint, outline, text: meaningOf(paint)}));
  const overlay = picture.overlay.legend().map((entry) => ({...entry, outline: 'box'}));
  if (!overlay.length && [...picture.boxes.values()].some(({paint}) => paint === 'alert')) {
    entries.push({paint: 'alert', outline: 'box', text: '✖ failed'});
  }
  const has = (kind) => picture.links.some((link) => link.kind === kind);
  const line = (text) => ({paint: 'rest', outline: 'box', text});
  const lines = [...(has('data') && has('gradient') ? [line('dashed: gradients')] : []),
                 ...(has('saved') ? [line('dotted: saved for gradients')] : []), ...(has('loops') ? [line('long dashes: next step')] : [])];
  return [...entries, ...overlay, ...lines];
}

// A column of boxes, from (0, 0) down, and its size.
function drawLegend(picture) {
  const entries = legendEntries(picture);
  const width = Math.max(80, ...entries.map(({text}) => measure(text, false))) + 24;
  const group = svgElement('g', {'font-family': kFont.family});
  entries.forEach(({paint, outline, text}, number) => {
    const place = `translate(${width / 2 + 1} ${number * 27 + 13})`;
    const shape = svgElement('g', {transform: place}, ...drawShape(paint, outline, {lines: [text], width, height: 23}));
    shape.querySelector('tspan').removeAttribute('font-weight');
    group.append(shape);
  });
  return {group, width: width + 2, height: entries.length * 27};
}

// Everything but the legend, as children of a <g>.
function drawPicture(picture) {
  const group = svgElement('g', {'font-family': kFont.family});
  group.append(...[...picture.frames.values()].map(drawFrame), ...picture.links.map(drawLink),
               ...[...picture.boxes.values()].map((box) => drawBox(picture.graph, box)));
  return group;
}

// A file of its own: picture, legend, title.
function standaloneSvg(picture, title, description) {
  const legend = drawLegend(picture);
  const width = picture.size.width + legend.width + 16, height = Math.max(picture.size.height, legend.height + 32);
  legend.group.setAttribute('transform', `translate(${picture.size.width} 16)`);
  const svg = svgElement('svg', {
    xmlns: kSvg, viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`, width: Math.ceil(width), height: Math.ceil(height), role: 'img',
  }, svgElement('title', {}, title), svgElement('desc', {}, description), markers(), drawPicture(picture), legend.group);
  return new XMLSerializer().serializeToString(svg);
}
