// The panel that tells all about one box, and the tree of scopes.

function htmlElement(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const kNumberTexts = {
  flops: (value) => metricText(value) + 'FLOP', bytes: bytesText, saved_bytes: bytesText, seconds: durationText, parameters: groupedText,
  times: groupedText, nan: groupedText, inf: groupedText, zero: groupedText,
};
const kNumberTitles = {
  flops: 'Arithmetic', bytes: 'Read and written', saved_bytes: 'Saved for backward', seconds: 'Time', parameters: 'Parameters',
  times: 'Repeated', nan: 'NaN', inf: 'Inf', zero: 'Zeros', min: 'Smallest', max: 'Largest', mean: 'Mean', norm: 'Norm',
};

const numberRows = (numbers, before = '') => Object.entries(numbers).map(
    ([name, value]) => [before + (kNumberTitles[name] ?? name), (kNumberTexts[name] ?? numberText)(value)]);

function totalsOf(items) {
  const totals = {};
  for (const {cost} of items) {
    for (const name of ['parameters', 'flops', 'bytes', 'saved_bytes', 'seconds']) {
      if (cost[name]) totals[name] = (totals[name] ?? 0) + cost[name];
    }
  }
  return totals;
}

// Rows of [term, text or links]; a link is {text, item}.
function detailsOf(graph, {closed, item, members}) {
  if (closed) {
    return [['Scope', closed.path], ['Operations', groupedText(members.filter(({kind}) => kind === 'op').length)],
            ['Result', resultOf({members}).value], ...numberRows(totalsOf(members))];
  }
  const link = (other) => ({text: `${other.id} ${other.title}`, item: other});
  const operation = graph.operations.get(item.op);
  return [
    ['Id', item.gradientId ? `${item.id}, gradient ${item.gradientId}` : item.id], ['Kind', item.kind === 'op' ? operation?.group : item.kind],
    ['Name', item.name], ['Formula', item.kind === 'op' ? operation?.formula : ''], ['Value', item.value], ['Attributes', item.attributes],
    ['Scope', item.frame.path], ['Recorded at', item.source], ...item.remarks.map((remark) => ['Note', remark]),
    ...numberRows(item.cost), ...numberRows(item.statistics), ...numberRows(item.gradientStatistics, 'Gradient: '),
    ['Inputs', graph.inputsOf(item).map(link)], ['Used by', [...new Set(item.uses)].map(link)],
  ];
}

function showDetails(graph, box, select) {
  const panel = byId('details');
  if (!box) {
    panel.replaceChildren(htmlElement('p', {className: 'hint'},
        'Choose a node for its details. A closed scope opens on a double click or Enter; x closes the scope of a node. ' +
        'Arrow keys walk along the graph; t goes to the twin, the gradient of a value or the value of a gradient.'));
    return;
  }
  const list = htmlElement('dl');
  for (const [term, content] of detailsOf(graph, box)) {
    if (!content?.length) continue;
    const links = Array.isArray(content) && content.slice(0, 30).map(({text, item}) =>
        htmlElement('button', {type: 'button', className: 'link', onclick: () => select(item)}, text));
    list.append(htmlElement('dt', {}, term), htmlElement('dd', {}, ...(links || [content])));
  }
  panel.replaceChildren(htmlElement('h2', {}, titleOf(box)), list);
}

const kMostRows = 300;

// Scopes that are in sight, each with a button that opens or closes it.
function showScopes(view, toggle, select) {
  let rows = 0;
  const listOf = (frame) => {
    const list = htmlElement('ul');
    for (const inner of frame.frames) {
      if (++rows > kMostRows) break;
      const open = !view.closed.has(inner);
      const name = inner.name + (inner.times > 1 ? ` × ${inner.times}` : '');
      const button = htmlElement('button', {type: 'button', className: 'toggle', onclick: () => toggle(inner)}, open ? '▾' : '▸');
      button.setAttribute('aria-expanded', open);
      button.setAttribute('aria-label', `${open ? 'Close' : 'Open'} ${inner.path}`);
      const label = htmlElement('button', {type: 'button', className: 'link', onclick: () => select(inner)}, name);
      list.append(htmlElement('li', {}, button, label, ...(open && inner.frames.length ? [listOf(inner)] : [])));
    }
    return list;
  };
  const all = listOf(view.graph.frames[0]);
  byId('scopes').replaceChildren(htmlElement('h2', {}, 'Scopes'), all.children.length ? all : htmlElement('p', {className: 'hint'}, 'none'));
}
