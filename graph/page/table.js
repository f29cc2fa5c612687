// Every value as a row of a table, written when it is asked for, so many at a time.

const kRowsAtATime = 500;

class Table {
  constructor(graph) {
    Object.assign(this, {graph, body: byId('nodes').tBodies[0], written: 0});
    byId('more-rows').onclick = () => this.write();
  }

  show() {
    if (this.written) return;
    byId('nodes').hidden = false;
    const head = ['Node', 'Scope', 'What', 'Value', 'From', 'Recorded at', 'Cost', 'Value holds', 'Gradient holds', 'Remarks'];
    byId('nodes').tHead.replaceChildren(htmlElement('tr', {}, ...head.map((text) => htmlElement('th', {}, text))));
    byId('nodes').caption.textContent = `Every value of the graph: ${groupedText(this.graph.count)}.`;
    this.write();
  }

  write() {
    const end = Math.min(this.graph.count, this.written + kRowsAtATime);
    const rows = [];
    for (; this.written < end; ++this.written) rows.push(this.rowOf(this.graph.item(this.written)));
    this.body.append(...rows);
    const left = this.graph.count - end;
    byId('more-rows').hidden = !left;
    byId('more-rows').textContent = `Show ${groupedText(Math.min(left, kRowsAtATime))} more of ${groupedText(left)}`;
  }

  rowOf({index, id, gradientId, frame, title, value, source, remarks}) {
    const words = (gradient, names) => numberRows(this.graph.numbers(index, gradient, names)).map(([name, text]) => `${name} ${text}`).join(', ');
    const inputs = [...this.graph.operations.inputs(index)].map((input) => `n${input}`).join(' ');
    const cells = [gradientId ? `${id}, ${gradientId}` : id, frame.path, title, value, inputs, source, words(false, kCosts), words(false, kStatistics),
                   words(true, kStatistics), remarks.join('\n')];
    return htmlElement('tr', {}, ...cells.map((text) => htmlElement('td', {}, text)));
  }
}
