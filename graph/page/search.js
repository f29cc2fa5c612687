// The search field with its list of hits. Nothing moves until one is chosen.

const kMostHits = 50;

class Search {
  constructor(graph, choose) {
    Object.assign(this, {graph, choose, field: byId('search'), list: byId('hits'), hits: [], at: -1});
    this.field.oninput = () => this.show();
    this.field.onfocus = () => this.show();
    this.field.onblur = () => this.close();
    this.field.onkeydown = (event) => this.press(event);
    // The field keeps the focus, so that the list does not close before the click comes.
    this.list.onpointerdown = (event) => event.preventDefault();
    this.list.onclick = (event) => { if (event.target.closest('[role=option]')) this.take(Number(event.target.closest('[role=option]').dataset.hit)); };
  }

  show() {
    this.hits = this.graph.search(this.field.value);
    this.at = this.hits.length ? 0 : -1;
    const rows = this.hits.slice(0, kMostHits).map((hit, number) => {
      const {id, title, frame} = this.graph.item(hit);
      const row = htmlElement('li', {id: `hit${number}`}, `${id} ${title}`, htmlElement('span', {className: 'hint'}, ` ${frame.path}`));
      row.dataset.hit = number;
      row.setAttribute('role', 'option');
      return row;
    });
    const left = this.hits.length - rows.length;
    if (left > 0) rows.push(htmlElement('li', {className: 'hint'}, `and ${groupedText(left)} more`));
    if (!this.hits.length && this.field.value.trim()) rows.push(htmlElement('li', {className: 'hint'}, 'nothing found'));
    this.list.replaceChildren(...rows);
    this.list.hidden = !rows.length;
    this.mark();
  }

  mark() {
    for (const row of this.list.children) row.setAttribute('aria-selected', Number(row.dataset.hit) === this.at);
    this.list.children[this.at]?.scrollIntoView({block: 'nearest'});
    this.field.setAttribute('aria-expanded', !this.list.hidden);
    this.field.setAttribute('aria-activedescendant', this.at < 0 ? '' : `hit${this.at}`);
  }

  take(number) {
    const hit = this.hits[number];
    this.close();
    if (hit !== undefined) this.choose(hit);
  }

  close() {
    this.list.hidden = true;
    this.field.setAttribute('aria-expanded', false);
  }

  press(event) {
    const shown = Math.min(this.hits.length, kMostHits);
    if (event.key === 'Enter') this.take(this.at);
    else if (event.key === 'Escape') byId('canvas').focus();
    else if (event.key === 'ArrowDown' && shown) this.at = (this.at + 1) % shown;
    else if (event.key === 'ArrowUp' && shown) this.at = (this.at + shown - 1) % shown;
    else return;
    event.preventDefault();
    if (event.key.startsWith('Arrow')) this.mark();
  }
}
