// node read_back.mjs PACKAGES MERMAID FOLDER: draws every .mmd file of the folder with the package MERMAID ("mermaid" or
// "mermaid-12") and writes what it saw into FOLDER/result.json: for each file either {error} or the nodes, edges and
// subgraphs that Mermaid understood, with the texts that a reader would see. PACKAGES is where npm has installed the
// packages of package.json.
import {readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const [packages, version, folder] = process.argv.slice(2);
const require = createRequire(join(resolve(packages), 'package.json'));
const {JSDOM} = require('jsdom');

// Mermaid measures what it draws, which jsdom cannot: texts get a plausible size, outlines that of their coordinates.
const dom = new JSDOM('<!doctype html><html><body></body></html>', {pretendToBeVisual: true});
for (const name of ['document', 'Element', 'HTMLElement', 'SVGElement', 'Node', 'DOMParser', 'XMLSerializer', 'CSSStyleSheet',
                    'getComputedStyle']) {
  globalThis[name] = dom.window[name];
}
globalThis.window = dom.window;
const textSize = (element) => ({x: 0, y: 0, left: 0, top: 0, width: 10 + 7 * Math.min(40, element.textContent.length), height: 20});
dom.window.Element.prototype.getBoundingClientRect = function() { return textSize(this); };
dom.window.SVGElement.prototype.getBBox = function() {
  const outline = this.getAttribute('points') ?? this.getAttribute('d');
  const numbers = (outline?.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);
  if (numbers.length < 4) return textSize(this);
  const extent = (parity) => {
    const values = numbers.filter((_, index) => index % 2 === parity);
    return [Math.min(...values), Math.max(...values)];
  };
  const [left, right] = extent(0), [top, bottom] = extent(1);
  return {x: left, y: top, width: right - left, height: bottom - top};
};
dom.window.SVGElement.prototype.getComputedTextLength = () => 50;
console.warn = console.error = () => {};

const {default: mermaid} = await import(pathToFileURL(require.resolve(version)));
mermaid.initialize({startOnLoad: false, securityLevel: 'strict', htmlLabels: true, flowchart: {htmlLabels: true}});

function visibleText(element) {
  const copy = element.cloneNode(true);
  for (const lineBreak of copy.querySelectorAll('br')) lineBreak.replaceWith('\n');
  return copy.textContent;
}

async function readBack(text, number) {
  await mermaid.parse(text);
  const {db} = await mermaid.mermaidAPI.getDiagramFromText(text);
  const {svg} = await mermaid.render(`drawing${number}`, text);
  if (svg.includes('Maximum text size in diagram exceeded')) throw new Error('larger than Mermaid draws');
  const drawing = new JSDOM(svg).window.document;
  const textOf = (selector) => new Map(
      [...drawing.querySelectorAll(selector)].map((element) => [element.id, visibleText(element).trim()]));
  const nodeTexts = textOf('g.node'), frameTexts = textOf('g.cluster');
  const drawnText = (texts, id) => {
    const found = [...texts].find(([drawnId]) => drawnId === id || drawnId.endsWith(`-${id}`) ||
                                                 new RegExp(`flowchart-${id}-\\d+$`).test(drawnId));
    return found ? found[1] : null;
  };
  return {
    title: drawing.querySelector('svg > title')?.textContent,
    description: drawing.querySelector('svg > desc')?.textContent,
    nodes: Object.fromEntries([...db.getVertices().keys()].map((id) => [id, drawnText(nodeTexts, id)])),
    frames: Object.fromEntries(db.getSubGraphs().map(
        ({id, nodes}) => [id, {title: drawnText(frameTexts, id), members: nodes}])),
    edges: db.getEdges().map(({start, end, stroke, type}) => ({from: start, to: end, stroke, type})),
    edgeTexts: [...drawing.querySelectorAll('g.edgeLabel')].map((e) => visibleText(e).trim()).filter((t) => t !== ''),
  };
}

const result = {};
let number = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith('.mmd')).sort()) {
  try {
    result[file] = await readBack(readFileSync(join(folder, file), 'utf8'), number++);
  } catch (error) {
    result[file] = {error: String(error?.message ?? error)};
  }
  document.body.replaceChildren();
}
writeFileSync(join(folder, 'result.json'), JSON.stringify(result, null, 1));
process.exit(0);
