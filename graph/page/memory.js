// Bytes alive over the recording, forward and then backward, as a strip below the picture. The pointer tells when, a click goes
// to what is computed then.

class MemoryStrip {
  // `points`: [value, 1 if its gradient, bytes], in the order of execution.
  constructor(figure, graph, points, choose) {
    Object.assign(this, {figure, graph, points, choose});
    this.svg = figure.querySelector('svg');
    this.caption = figure.querySelector('figcaption');
    this.most = largest(points.map(([, , bytes]) => bytes));
    figure.hidden = points.length < 2 || !(this.most > 0);
    if (figure.hidden) return;
    const path = points.map(([, , bytes], i) => `L${i} ${100 - 96 * bytes / this.most}H${i + 1}`).join('');
    const middle = points.findIndex(([, gradient]) => gradient === 1);
    this.now = svgElement('rect', {class: 'now', y: 0, width: 1, height: 100});
    this.svg.setAttribute('viewBox', `0 0 ${points.length} 100`);
    this.svg.append(svgElement('path', {class: 'area', d: `M0 100${path}V100Z`}),
                    ...(middle > 0 ? [svgElement('path', {class: 'middle', d: `M${middle} 0V100`})] : []), this.now);
    const at = (event) => Math.min(points.length - 1, Math.max(0, Math.floor(event.offsetX / this.svg.clientWidth * points.length)));
    this.svg.onpointermove = (event) => this.tell(at(event));
    this.svg.onpointerleave = () => this.tellPeak();
    this.svg.onclick = (event) => choose(points[at(event)][0]);
    this.tellPeak();
  }

  tellPeak() { this.tell(this.points.findIndex(([, , bytes]) => bytes === this.most), 'Memory, estimated: peak '); }

  tell(place, before = '') {
    const [value, gradient, bytes] = this.points[place];
    this.now.setAttribute('x', place);
    this.caption.textContent = `${before}${bytesText(bytes)} alive at ${gradient ? `g${value} ∂ ` : `n${value} `}${this.graph.item(value).title}`;
  }
}
