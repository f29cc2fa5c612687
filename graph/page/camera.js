// Which part of the picture the canvas shows: dragged, pinched, zoomed with the wheel, or moved to a box.

class Camera {
  constructor(canvas) {
    this.canvas = canvas;
    this.at = {x: 0, y: 0, scale: 1};
    this.pointers = new Map();
    this.dragged = false;
    this.onmove = () => {};
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      const [x, y] = this.place(event);
      if (event.ctrlKey || event.metaKey || !event.shiftKey) this.zoom(Math.exp(-event.deltaY / 400), x, y);
      else this.move(-event.deltaY, 0);
    }, {passive: false});
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      this.pointers.set(event.pointerId, this.place(event));
      this.dragged = false;
    });
    canvas.addEventListener('pointermove', (event) => this.drag(event));
    for (const name of ['pointerup', 'pointercancel', 'pointerleave']) {
      canvas.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    }
  }

  place(event) {
    const {left, top} = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.place(event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const distance = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      this.zoom(distance(now) / Math.max(1, distance(before)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else {
      this.move(now[0] - before[0], now[1] - before[1]);
    }
    if (Math.hypot(now[0] - before[0], now[1] - before[1]) > 2) this.dragged = true;
    this.pointers.set(event.pointerId, now);
  }

  move(x, y) {
    this.at.x += x;
    this.at.y += y;
    this.apply();
  }

  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const scale = Math.min(4, Math.max(0.02, this.at.scale * factor));
    const ratio = scale / this.at.scale;
    Object.assign(this.at, {x: x - (x - this.at.x) * ratio, y: y - (y - this.at.y) * ratio, scale});
    this.apply();
  }

  fit({width, height}) {
    const {clientWidth, clientHeight} = this.canvas;
    const scale = Math.min(clientWidth / width, clientHeight / height, 1);
    Object.assign(this.at, {scale, x: (clientWidth - width * scale) / 2, y: (clientHeight - height * scale) / 2});
    this.apply();
  }

  // Puts a place of the picture into the middle.
  centre(x, y) {
    const {scale} = this.at;
    Object.assign(this.at, {x: this.canvas.clientWidth / 2 - x * scale, y: this.canvas.clientHeight / 2 - y * scale});
    this.apply();
  }

  // Moves only if the box is not in sight, or if it must be in the middle.
  show({x, y, width, height}, middle = false) {
    const {clientWidth, clientHeight} = this.canvas;
    const {scale} = this.at;
    const left = this.at.x + (x - width / 2) * scale, top = this.at.y + (y - height / 2) * scale;
    const inSight = left > 0 && top > 0 && left + width * scale < clientWidth && top + height * scale < clientHeight;
    if (inSight && !middle) return;
    this.centre(x, y);
  }

  apply() {
    const {x, y, scale} = this.at;
    this.canvas.querySelector('.world')?.setAttribute('transform', `translate(${x} ${y}) scale(${scale})`);
    this.onmove();
  }
}
