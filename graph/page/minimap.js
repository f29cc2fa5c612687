// The whole picture in a corner, and what of it the canvas shows. It is there where that is not all.

class Minimap {
  constructor(svg, camera) {
    Object.assign(this, {svg, camera, view: svgElement('rect', {class: 'view'})});
    const move = (event) => {
      if (event.buttons !== 1) return;
      const {left, top} = svg.getBoundingClientRect();
      camera.centre((event.clientX - left) / this.scale, (event.clientY - top) / this.scale);
    };
    svg.onpointerdown = (event) => { svg.setPointerCapture(event.pointerId); move(event); };
    svg.onpointermove = move;
  }

  draw({boxes, size}) {
    this.size = size;
    this.scale = Math.min(160 / size.width, 160 / size.height, 0.5);
    const attributes = {viewBox: `0 0 ${size.width} ${size.height}`, width: size.width * this.scale, height: size.height * this.scale};
    for (const [name, value] of Object.entries(attributes)) this.svg.setAttribute(name, value);
    this.svg.replaceChildren(...[...boxes.values()].map(({x, y, width, height, paint}) => svgElement(
        'rect', {x: x - width / 2, y: y - height / 2, width, height, fill: drawShape.paints[paint].stroke})), this.view);
  }

  show() {
    const {x, y, scale} = this.camera.at, {clientWidth, clientHeight} = this.camera.canvas;
    const left = Math.max(0, -x / scale), top = Math.max(0, -y / scale);
    const right = Math.min(this.size.width, (clientWidth - x) / scale), bottom = Math.min(this.size.height, (clientHeight - y) / scale);
    const all = left <= 0 && top <= 0 && right >= this.size.width && bottom >= this.size.height;
    this.svg.toggleAttribute('hidden', all);
    const place = {x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top)};
    for (const [name, value] of Object.entries(place)) this.view.setAttribute(name, value);
  }
}
