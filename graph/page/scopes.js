// The tree of scopes: a tree for those who hear it too, with one row that the Tab key comes to.

const kMostRows = 300;

class ScopeTree {
  constructor(element, {toggle, select}) {
    Object.assign(this, {element, toggle, select, current: null});
    element.addEventListener('keydown', (event) => this.press(event));
  }

  show(view) {
    this.view = view;
    this.rows = [];
    const all = this.listOf(view.level.frames[0], 1);
    all.setAttribute('role', 'tree');
    all.setAttribute('aria-label', 'Scopes');
    const hint = (text) => htmlElement('p', {className: 'hint'}, text);
    const focused = this.element.contains(document.activeElement);
    this.element.replaceChildren(htmlElement('h2', {}, 'Scopes'), this.rows.length ? all : hint('none'));
    const row = this.rows.find(({frame}) => frame === this.current) ?? this.rows[0];
    if (row) row.element.tabIndex = 0;
    if (row && focused) row.element.focus();
  }

  listOf(frame, level) {
    const list = htmlElement('ul');
    const left = frame.frames.filter((inner) => this.view.sizeOf(inner)).filter((inner) => !this.addRow(list, inner, level)).length;
    if (left) list.append(htmlElement('li', {className: 'hint'}, `and ${groupedText(left)} more: search, or choose a node`));
    return list;
  }

  addRow(list, frame, level) {
    if (this.rows.length >= kMostRows) return false;
    const open = !this.view.closed.has(frame);
    const mark = htmlElement('span', {className: 'toggle', onclick: () => this.toggle(frame)}, open ? '▾' : '▸');
    mark.setAttribute('aria-hidden', true);
    const name = frame.name + (frame.times > 1 ? ` × ${frame.times}` : '');
    const label = htmlElement('span', {className: 'link', onclick: () => this.choose(frame)}, name);
    const row = htmlElement('li', {tabIndex: -1}, mark, label);
    row.setAttribute('role', 'treeitem');
    row.setAttribute('aria-expanded', open);
    row.setAttribute('aria-level', level);
    row.setAttribute('aria-label', frame.path);
    this.rows.push({frame, element: row});
    list.append(row);
    if (open && frame.frames.length) {
      const inner = this.listOf(frame, level + 1);
      inner.setAttribute('role', 'group');
      row.append(inner);
    }
    return true;
  }

  choose(frame) {
    this.current = frame;
    this.select(frame);
  }

  press(event) {
    const at = this.rows.findIndex(({element}) => element === event.target);
    if (at < 0) return;
    const {frame} = this.rows[at];
    const go = (row) => {
      if (!row) return;
      this.current = row.frame;
      for (const {element} of this.rows) element.tabIndex = -1;
      row.element.tabIndex = 0;
      row.element.focus();
    };
    const isOpen = !this.view.closed.has(frame);
    const flip = () => { this.current = frame; this.toggle(frame); };
    const actions = {
      ArrowDown: () => go(this.rows[at + 1]), ArrowUp: () => go(this.rows[at - 1]), Home: () => go(this.rows[0]), End: () => go(this.rows.at(-1)),
      ArrowRight: () => (isOpen ? go(this.rows.find(({frame: inner}) => inner.parent === frame)) : flip()),
      ArrowLeft: () => (isOpen ? flip() : go(this.rows.find((row) => row.frame === frame.parent))),
      Enter: () => this.choose(frame), ' ': flip,
    };
    if (!actions[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }
}
