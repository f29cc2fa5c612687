// What is written in a box, how large that makes it, and where it goes.

const kFont = {size: 13, line: 17, family: 'system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif'};
const kMostCharacters = 44;

const shortened = (text) => {
  const characters = [...text];
  if (characters.length <= kMostCharacters) return text;
  const half = Math.floor(kMostCharacters / 2);
  return characters.slice(0, half).join('') + '…' + characters.slice(1 - half).join('');
};

const withS = (count, word) => `${groupedText(count)} ${word}${count === 1 ? '' : 's'}`;

function titleOf(box) {
  const title = box.closed ? box.closed.name + (box.closed.times > 1 ? ` × ${box.closed.times}` : '') : box.node.written?.lines[0] ?? box.item.title;
  return box.gradient ? `∂ ${title}` : title;
}

// The result of a scope is that of its last operation.
function resultOf(graph, box) {
  const isLeaf = (value) => kLeaves.has(graph.kindOf(value).kind);
  return box.item ?? graph.item(box.members.findLast((value) => !isLeaf(value)) ?? box.members.at(-1));
}

const totalOf = (graph, members, name) => sum(members.map((value) => graph.number(name, value) ?? 0));

// "0.2887" of 0.28867513459481287.
const shortDigits = (text) => text.replace(/\d+\.\d{5,}/g, (digits) => String(Number(Number(digits).toPrecision(4))));

function contentOf(graph, box) {
  if (box.closed) {
    const parameters = totalOf(graph, box.members, 'parameters');
    const operations = box.members.filter((value) => graph.kindOf(value).kind === 'op').length;
    const counts = [operations && withS(operations, 'op'), parameters && withS(parameters, 'parameter')];
    return [counts.filter(Boolean).join(', '), resultOf(graph, box).value];
  }
  if (box.node.written) return ((box.gradient && box.node.written.gradient) || box.node.written.lines).slice(1);
  const listed = box.node.listed.map(({ownName, kind, value}) => `${ownName || kind} ${value.replace(/ \w+$/, '')}`);
  const stop = box.item.remarks.find((remark) => remark.startsWith('⊣ '));
  return [!box.gradient && shortDigits(box.item.attributes), box.item.value, listed.length && (box.gradient ? '∂ of ' : '') + listed.join(', '), !box.gradient && stop];
}

function linesOf(graph, box, overlay) {
  const lines = [titleOf(box), ...contentOf(graph, box)];
  const label = overlay.label(box);
  if (label) lines.push(label.text);
  if (!box.gradient && has(graph, box, 'failed') && !lines.includes('✖ failed')) lines.push('✖ failed');
  return lines.filter(Boolean).map(shortened);
}

function paintOf(graph, box, overlay) {
  if (!box.gradient && has(graph, box, 'failed')) return 'alert';
  return overlay.label(box)?.paint ?? (box.closed ? 'scope' : box.gradient ? 'gradient' : box.node.written?.paint ?? graph.paintOf(box.item));
}

const measure = (() => {
  const context = document.createElement('canvas').getContext('2d');
  return (text, bold) => {
    context.font = `${bold ? 'bold ' : ''}${kFont.size}px ${kFont.family}`;
    return context.measureText(text).width;
  };
})();

// Frames that are open, as {id, frame, parent}: of values and their gradients alike.
function openFrames(boxes) {
  const open = new Map();
  const add = (frame) => {
    if (!frame.parent) return null;
    if (!open.has(frame)) {
      const parent = add(frame.parent);
      open.set(frame, {id: `f${open.size}`, frame, parent});
    }
    return open.get(frame).id;
  };
  for (const box of boxes.values()) box.parent = add(box.frame);
  return new Map([...open.values()].map((frame) => [frame.id, frame]));
}

// Room for the title of a frame above what is in it.
const kTitleRoom = 10;

// From the edge of one box straight to that of another.
function straightLine(from, to) {
  const edgeOf = (box, other) => {
    const dx = other.x - box.x, dy = other.y - box.y;
    const share = Math.min(1, box.width / 2 / Math.abs(dx || 1), box.height / 2 / Math.abs(dy || 1));
    return {x: box.x + dx * share, y: box.y + dy * share};
  };
  return [edgeOf(from, to), edgeOf(to, from)];
}

// Gives boxes, frames and links their places; returns {width, height}. dagre gives up on some nested frames; those
// pictures go without.
function layOut(picture, direction) {
  try {
    return tryToLayOut(picture, direction);
  } catch (error) {
    if (!picture.frames.size) throw error;
    picture.frames.clear();
    for (const box of picture.boxes.values()) box.parent = null;
    return tryToLayOut(picture, direction);
  }
}

function tryToLayOut({boxes, links, frames}, direction) {
  const layout = new dagre.graphlib.Graph({compound: true, multigraph: true});
  layout.setGraph({rankdir: direction, nodesep: 24, ranksep: 34, edgesep: 10, marginx: 16, marginy: 16 + kTitleRoom});
  for (const frame of frames.values()) {
    frame.title = frame.frame.name + (frame.frame.times > 1 ? ` × ${frame.frame.times}` : '');
    layout.setNode(frame.id, {});
  }
  for (const box of boxes.values()) {
    const widths = box.lines.map((line, number) => measure(line, number === 0));
    const size = {width: Math.max(56, ...widths) + 28, height: box.lines.length * kFont.line + 16};
    layout.setNode(box.key, size);
    if (box.parent) layout.setParent(box.key, box.parent);
  }
  for (const frame of frames.values()) {
    if (frame.parent) layout.setParent(frame.id, frame.parent);
  }
  // Beside values, gradients are ranked like them, so that each stands near its twin; what is saved ranks nothing.
  const beside = links.some(({kind}) => kind === 'data');
  // So is what leads from the end of a block to its beginning.
  const ends = (link) => (beside && link.kind === 'gradient') || link.kind === 'loops' ? [link.to, link.from] : [link.from, link.to];
  const ranked = links.filter(({kind}) => kind !== 'saved');
  const label = {data: {weight: 2}, gradient: {weight: 1}, loops: {weight: 0, minlen: 0}};
  for (const link of ranked) layout.setEdge(...ends(link), {...label[link.kind]}, link.kind);
  dagre.layout(layout);
  for (const box of boxes.values()) Object.assign(box, layout.node(box.key));
  for (const frame of frames.values()) {
    const {x, y, width, height} = layout.node(frame.id);
    Object.assign(frame, {x, y: y - kTitleRoom / 2, width, height: height + kTitleRoom});
  }
  for (const link of links) {
    if (link.kind === 'saved') {
      link.points = straightLine(boxes.get(link.from), boxes.get(link.to));
    } else {
      const {points} = layout.edge(...ends(link), link.kind);
      link.points = ends(link)[0] === link.from ? points : [...points].reverse();
    }
  }
  return layout.graph();
}
