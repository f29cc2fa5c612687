// The panel that tells all about one box.

function htmlElement(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const kNumberTexts = {
  flops: flopsText, bytes: bytesText, saved_bytes: bytesText, shared_bytes: bytesText, seconds: durationText, parameters: groupedText,
  times: groupedText, nan: groupedText, inf: groupedText, zero: groupedText,
};
const kNumberTitles = {
  flops: 'Arithmetic', bytes: 'Read and written', saved_bytes: 'Saved for backward', shared_bytes: 'Saved before already', seconds: 'Time', parameters: 'Parameters',
  times: 'Repeated', nan: 'NaN', inf: 'Inf', zero: 'Zeros', min: 'Smallest', max: 'Largest', mean: 'Mean', norm: 'Norm',
};

const numberRows = (numbers, before = '') => Object.entries(numbers).map(
    ([name, value]) => [before + (kNumberTitles[name] ?? name), (kNumberTexts[name] ?? numberText)(value)]);

const totalsOf = (graph, members) => Object.fromEntries(
    kCosts.map((name) => [name, totalOf(graph, members, name)]).filter(([, total]) => total));

// Rows of [term, text or links]; a link is {text, value}.
function detailsOf(graph, {closed, item, members, node}) {
  const link = (value) => ({text: `n${value} ${graph.item(value).title}`, value});
  if (closed) {
    return [['Scope', closed.path], ['Operations', groupedText(members.filter((value) => graph.kindOf(value).kind === 'op').length)],
            ['Result', resultOf(graph, {members}).value], ...numberRows(totalsOf(graph, members))];
  }
  const {operations} = graph;
  const others = members.filter((value) => value !== item.index);
  const keptFor = keepersOf(graph, item.index);
  return [
    ['Id', item.gradientId ? `${item.id}, gradient ${item.gradientId}` : item.id], ['Kind', item.kind === 'op' ? item.group : item.kind],
    ['Name', item.name], ['Formula', item.formula], ['Value', item.value], ['Attributes', item.attributes],
    ['Scope', item.frame.path], ['Recorded at', item.source],
    ...item.remarks.map((remark) => [item.kind === 'parameter' && /gradient/.test(remark) ? 'Why this gradient' : 'Note', remark]),
    ...numberRows(others.length ? totalsOf(graph, members) : graph.numbers(item.index, false, kCosts)),
    ...numberRows(graph.numbers(item.index, false, kStatistics)), ...numberRows(graph.numbers(item.index, true, [...kStatistics, 'seconds']), 'Gradient: '),
    ['Inputs', [...operations.inputs(item.index)].map(link)], ['Used by', [...new Set(operations.users(item.index))].map(link)],
    ['Kept for the gradient of', keptFor.map(link)], [node.written?.times ? 'All repetitions' : 'Together with', others.map(link)],
  ];
}

// The values for whose gradients a value is kept.
function keepersOf(graph, value) {
  const ends = graph.operations.edges.saved;
  const keepers = [];
  for (let e = 0; e < ends.length; e += 2) {
    if (ends[e] === value) keepers.push(ends[e + 1]);
  }
  return keepers;
}

function linksTo(links, select) {
  const kMostLinks = 30;
  const buttons = links.slice(0, kMostLinks).map(({text, value}) => htmlElement('button', {type: 'button', className: 'link', onclick: () => select(value)}, text));
  if (links.length > kMostLinks) buttons.push(htmlElement('span', {className: 'hint'}, `and ${groupedText(links.length - kMostLinks)} more`));
  return buttons;
}

// What the graph says of itself, where nothing is chosen.
function showExplanations(graph, panel, select) {
  const parts = graph.explanations.flatMap(({text, where}) => [
    htmlElement('p', {className: 'explanation'}, text),
    ...linksTo(where.map((value) => ({text: `n${value} ${graph.item(value).title}`, value})), select),
  ]);
  const hint = htmlElement('p', {className: 'hint'}, 'Choose a node for its details; press ? for the keys.');
  panel.replaceChildren(hint, ...(parts.length ? [htmlElement('h2', {}, 'What the graph tells'), ...parts] : []));
}

function showDetails(graph, box, select) {
  const panel = byId('details');
  if (!box) return showExplanations(graph, panel, select);
  const list = htmlElement('dl');
  for (const [term, content] of detailsOf(graph, box)) {
    if (!content?.length) continue;
    list.append(htmlElement('dt', {}, term), htmlElement('dd', {}, ...(Array.isArray(content) ? linksTo(content, select) : [content])));
  }
  panel.replaceChildren(htmlElement('h2', {}, titleOf(box)), list);
}
