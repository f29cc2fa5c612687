// The page: its state, its controls, its keys.

class Page {
  constructor(graph, start) {
    this.graph = graph;
    Object.assign(drawShape, {paints: graph.paints, outlines: graph.outlines});
    this.view = new View(graph, start);
    this.direction = start.direction;
    this.overlayName = start.overlay;
    this.selected = null;
    this.camera = new Camera(byId('canvas'));
    this.minimap = new Minimap(byId('minimap'), this.camera);
    this.camera.onmove = () => this.minimap.show();
    new MemoryStrip(byId('memory'), graph, graph.memory, (value) => this.select(value, true));
    this.scopes = new ScopeTree(byId('scopes'), {toggle: (frame) => this.toggle(frame), select: (frame) => this.selectFrame(frame)});
    this.table = new Table(graph);
    this.searchField = new Search(graph, (value) => this.select(value, true));
    this.fillControls();
    this.connect();
    this.draw(true);
    if (!this.goToAddress() && start.focus) this.goToValue(graph.find(start.focus) ?? graph.search(start.focus)[0]);
  }

  fillControls() {
    const {hasGradients} = this.graph;
    const passes = {forward: 'values', ...(hasGradients && {joint: 'values and gradients', backward: 'gradients'})};
    byId('pass').append(...Object.entries(passes).map(([value, text]) => htmlElement('option', {value}, text)));
    const overlays = ['none', ...Overlay.available(this.graph)];
    if (!overlays.includes(this.overlayName)) this.overlayName = 'none';
    if (this.overlayName === 'none' && overlays.includes('changes')) this.overlayName = 'changes';
    byId('overlay').append(...overlays.map((value) => htmlElement('option', {value}, kOverlays[value]?.title ?? value)));
    if (!hasGradients) this.view.pass = 'forward';
    byId('pass').value = this.view.pass;
    byId('overlay').value = this.overlayName;
    byId('direction').value = this.direction;
    byId('depth').max = this.view.steps;
  }

  connect() {
    byId('pass').onchange = (event) => { this.view.pass = event.target.value; this.draw(true); };
    byId('overlay').onchange = (event) => { this.overlayName = event.target.value; this.draw(); };
    byId('direction').onchange = (event) => { this.direction = event.target.value; this.draw(true); };
    byId('depth').oninput = (event) => this.openTo(Number(event.target.value));
    byId('as-table').onclick = () => this.showTable(byId('table').hidden);
    const actions = {
      collapse: () => this.openBy(-1), expand: () => this.openBy(1), smaller: () => this.camera.zoom(0.8),
      larger: () => this.camera.zoom(1.25), fit: () => this.camera.fit(this.picture.size), mermaid: () => this.copyMermaid(),
      svg: () => this.saveSvg(), help: () => byId('keys').showModal(),
    };
    for (const [id, action] of Object.entries(actions)) byId(id).onclick = action;
    this.keys = {
      c: actions.collapse, e: actions.expand, '-': actions.smaller, '+': actions.larger, '=': actions.larger, 0: actions.fit,
      m: actions.mermaid, s: actions.svg, '?': actions.help, '/': () => byId('search').focus(), t: () => this.goToTwin(), l: () => this.goTo(this.wayFrom(this.selected)[1]), x: () => this.closeScope(),
      Enter: () => this.open(), ' ': () => this.open(), Escape: () => this.selectBox(null),
      ArrowUp: () => this.walk(0, -1), ArrowDown: () => this.walk(0, 1), ArrowLeft: () => this.walk(-1, 0), ArrowRight: () => this.walk(1, 0),
    };
    window.addEventListener('hashchange', () => this.goToAddress());
    document.addEventListener('keydown', (event) => this.press(event));
    const canvas = byId('canvas');
    const boxAt = (event) => this.picture.boxes.get(event.target.closest?.('.node')?.dataset.key);
    canvas.onclick = (event) => { if (!this.camera.dragged) this.selectBox(boxAt(event) ?? null); };
    canvas.ondblclick = (event) => { this.selectBox(boxAt(event) ?? this.selected); this.open(); };
    canvas.onpointerover = (event) => this.point(boxAt(event));
    canvas.onpointerout = () => this.point(null);
    canvas.onfocus = () => this.nodeOf(this.selected ?? this.picture.boxes.values().next().value)?.focus();
    canvas.addEventListener('focusin', (event) => { if (boxAt(event)) this.selectBox(boxAt(event)); });
  }

  press(event) {
    const typing = event.target.closest('input, select, textarea, dialog');
    const pressing = event.target.closest('button, a') && [' ', 'Enter'].includes(event.key);
    if (typing || pressing || event.ctrlKey || event.altKey || event.metaKey || !byId('table').hidden || !this.keys[event.key]) return;
    event.preventDefault();
    this.keys[event.key]();
  }

  draw(refit = false) {
    const {boxes, links, left} = this.view.compute();
    const overlay = new Overlay(this.graph, this.overlayName, boxes, this.view.pass);
    for (const box of boxes.values()) {
      box.lines = linesOf(this.graph, box, overlay);
      box.paint = paintOf(this.graph, box, overlay);
    }
    const frames = openFrames(boxes);
    this.picture = {graph: this.graph, boxes, links, frames, overlay};
    this.picture.size = layOut(this.picture, this.direction);
    const legend = drawLegend(this.picture);
    const world = drawPicture(this.picture);
    world.setAttribute('class', 'world');
    const label = `${document.title}: ${withS(boxes.size, 'node')}`;
    const svg = svgElement('svg', {role: 'group', 'aria-label': label, width: '100%', height: '100%'}, markers(), world);
    byId('canvas').replaceChildren(svg);
    byId('legend').querySelector('svg')?.remove();
    byId('legend').append(svgElement('svg', {viewBox: `0 0 ${legend.width} ${legend.height}`, width: legend.width, role: 'img', 'aria-label': 'Legend'}, legend.group));
    this.minimap.draw(this.picture);
    this.scopes.show(this.view);
    byId('depth').value = this.view.step;
    byId('depth').setAttribute('aria-valuetext', this.view.nameOf(this.view.step));
    byId('depth').title = this.view.nameOf(this.view.step);
    this.say(left ? `${groupedText(boxes.size)} nodes shown, round ${this.view.centre === null ? 'the result' : 'the one chosen'}, and ${groupedText(left)} not: search for another, or close scopes.`
                  : `${withS(boxes.size, 'node')}, ${withS(links.length, 'edge')}`);
    if (refit) this.camera.fit(this.picture.size);
    else this.camera.apply();
    this.selectBox(this.selected ? this.boxOf(this.selected) : null);
  }

  // The box that now stands for what another stood for.
  boxOf(old) {
    const key = old.value === undefined ? old.key : this.view.keyOf(this.view.codeOf(this.view.level.nodeOf(old.value)), old.gradient);
    return this.picture.boxes.get(old.key) ?? this.picture.boxes.get(key) ?? this.picture.boxes.get(`${key}_0`) ?? null;
  }

  nodeOf(box) { return box && byId('canvas').querySelector(`[data-key="${box.key}"]`); }
  say(text) { byId('status').textContent = text; }

  selectBox(box) {
    this.selected = box;
    const canvas = byId('canvas');
    for (const node of canvas.querySelectorAll('.selected, .near, .way')) node.classList.remove('selected', 'near', 'way');
    const current = this.nodeOf(box) ?? canvas.querySelector('.node');
    for (const node of canvas.querySelectorAll('.node[tabindex="0"]')) node.setAttribute('tabindex', -1);
    current?.setAttribute('tabindex', 0);
    if (box) {
      this.nodeOf(box).classList.add('selected');
      const way = this.wayFrom(box).map(({key}) => key);
      for (const link of canvas.querySelectorAll('.link')) {
        const {from, to} = link.dataset;
        link.classList.toggle('near', [from, to].includes(box.key));
        link.classList.toggle('way', Math.abs(way.indexOf(from) - way.indexOf(to)) === 1 && way.includes(from) && way.includes(to));
      }
      if (!this.twinOf(box)) this.point(null);
      else this.point(box);
    }
    // A file opened from a disk may have its address changed, but not its history.
    history.replaceState(null, '', box ? `#${box.closed ? encodeURIComponent(box.closed.path) : box.key.replace(/_\d+$/, '')}` : location.pathname);
    showDetails(this.graph, box, (value) => this.select(value, true));
  }

  // "#n37", "#encoder.layers": true if there is such a node or scope.
  goToAddress() {
    const wanted = decodeURIComponent(location.hash.slice(1));
    if (!wanted) return false;
    const value = this.graph.find(wanted);
    const frame = this.view.level.frames.find((candidate) => candidate.parent && candidate.path === wanted);
    if (value === null && frame) this.selectFrame(frame);
    this.goToValue(value);
    return value !== null || frame !== undefined;
  }
  goToValue(value) { if (value !== null && value !== undefined) this.select(value, true); }

  // Shows a value, whatever it is hidden in.
  select(value, focus = false) {
    this.view.reveal(value);
    const gradient = this.view.pass === 'backward';
    this.selected = {value, gradient, key: this.view.keyOf(this.view.level.nodeOf(value), gradient)};
    this.draw();
    if (!this.selected) return;
    this.camera.show(this.selected, true);
    if (focus) this.nodeOf(this.selected)?.focus({preventScroll: true});
  }

  selectFrame(frame) {
    if (this.view.hiddenIn(frame.parent)) return;
    const box = [...this.picture.boxes.values()].find((candidate) => candidate.closed === frame);
    if (box) {
      this.selectBox(box);
      this.camera.show(box, true);
    } else {
      const open = [...this.picture.frames.values()].find((candidate) => candidate.frame === frame);
      if (open) this.camera.show(open, true);
    }
  }

  // The shortest way from a box to the result, by boxes; of a gradient, back to where gradients begin.
  wayFrom(box) {
    if (!box) return [];
    const before = new Map([[box, null]]);
    let last = box;
    for (const one of before.keys()) {  // which grow meanwhile
      last = one;
      const next = (one.gradient ? one.inputs : one.outputs).map((key) => this.picture.boxes.get(key)).filter((other) => other.gradient === box.gradient);
      if (!next.length) break;
      for (const other of next) if (!before.has(other)) before.set(other, one);
    }
    const way = [];
    for (let one = last; one; one = before.get(one)) way.unshift(one);
    return way;
  }

  twinOf(box) {
    const key = box.closed ? (box.gradient ? 'c' : 'b') + box.closed.index : (box.gradient ? 'n' : 'g') + box.key.slice(1);
    return this.picture.boxes.get(key) ?? this.picture.boxes.get(`${key}_0`) ?? null;
  }

  // Marks the twin of the box under the pointer.
  point(box) {
    for (const node of byId('canvas').querySelectorAll('.twin')) node.classList.remove('twin');
    const twin = box && this.twinOf(box);
    if (twin) this.nodeOf(twin).classList.add('twin');
  }

  goTo(box) {
    if (!box) return;
    this.nodeOf(box).focus({preventScroll: true});
    this.selectBox(box);
    this.camera.show(box);
  }

  goToTwin() { if (this.selected) this.goTo(this.twinOf(this.selected)); }

  // To a neighbour along the edges if there is one in that direction, and otherwise to the nearest box.
  walk(dx, dy) {
    const from = this.selected;
    if (!from) return this.goTo(this.picture.boxes.values().next().value);
    const along = (box) => (box.x - from.x) * dx + (box.y - from.y) * dy;
    const across = (box) => Math.abs((box.x - from.x) * dy + (box.y - from.y) * dx);
    const nearest = (boxes) => boxes.filter((box) => along(box) > 1).sort((a, b) => along(a) + 2 * across(a) - along(b) - 2 * across(b))[0];
    const joined = [...from.inputs, ...from.outputs].map((key) => this.picture.boxes.get(key)).filter(Boolean);
    const steep = joined.filter((box) => along(box) > across(box) / 4);
    this.goTo(nearest(steep) ?? nearest([...this.picture.boxes.values()]));
  }

  toggle(frame) {
    this.view.toggle(frame);
    this.draw();
  }

  open() { if (this.selected?.closed) this.toggle(this.selected.closed); }

  closeScope() {
    const frame = this.selected?.frame;
    if (!frame?.parent) return;
    this.view.toggle(frame);
    this.selected = {key: (this.selected.gradient ? 'b' : 'c') + frame.index};
    this.draw();
    this.goTo(this.selected);
  }

  openBy(levels) { this.openTo(Math.max(1, Math.min(this.view.steps, this.view.step + levels))); }

  openTo(step) {
    if (step === this.view.step) return;
    const value = this.selected?.item?.index;
    this.view.step = step;
    this.selected = value === undefined ? null : {value, gradient: this.selected.gradient, key: null};
    this.draw(true);
  }

  showTable(show) {
    if (show) this.table.show();
    byId('table').hidden = !show;
    byId('picture').hidden = show;
    byId('as-table').setAttribute('aria-pressed', show);
  }

  async copyMermaid() {
    const text = mermaidText(this.picture, this.direction, document.title, byId('summary').textContent);
    const fits = text.length <= 50_000 && this.picture.links.length <= 500;
    try {
      await navigator.clipboard.writeText(text);
      this.say(`Copied ${groupedText(text.length)} characters of Mermaid. GitHub ${fits ? 'draws that.' : 'does not draw as much; close some scopes.'}`);
    } catch {
      const dialog = byId('text');
      const field = dialog.querySelector('textarea');
      field.value = text;
      dialog.showModal();
      field.select();
    }
  }

  saveSvg() {
    const svg = standaloneSvg(this.picture, document.title, byId('summary').textContent);
    const address = URL.createObjectURL(new Blob([svg], {type: 'image/svg+xml'}));
    const name = document.title.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 40) || 'graph';
    htmlElement('a', {href: address, download: `${name}.svg`}).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}

for (const id of ['controls', 'picture', 'status']) byId(id).hidden = false;
byId('table').hidden = true;
const start = JSON.parse(byId('start').textContent);
new Page(new Graph(JSON.parse(byId('graph').textContent), JSON.parse(byId('paints').textContent), start.parametersInside), start);
