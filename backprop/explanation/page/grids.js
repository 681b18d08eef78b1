// An array as a grid of coloured cells: a table with its numbers, or a heat map on a canvas.
//
// Both have one tab stop and a cursor that the arrow keys move. `asked(place)` is called for the
// cell that is pointed at or gone to; `light(places, kind)` lights cells up.

const WRITTEN = 64; // an array of up to so many numbers is a table
const ROOMY = 5; // with more columns than these, the cells are narrow
const WIDE = 10; // unless it has more columns
const WIDEST = 560; // pixels of a heat map, as long as its cells are not too small
const TALLEST = 380;
const LARGEST_CELL = 20;
const SMALLEST_CELL = 4;
const SIGNED_CELL = 9;
const MARKS = { winner: "★" };

// Colours: blue below zero, orange above, so that most who see colours otherwise tell them apart.
const LIGHT = { zero: [247, 247, 247], below: [33, 102, 172], above: [196, 98, 10], line: "#111" };
const DARK = { zero: [44, 46, 52], below: [110, 178, 255], above: [255, 168, 88], line: "#fff" };

const darkness = window.matchMedia("(prefers-color-scheme: dark)");

function palette() {
  return darkness.matches ? DARK : LIGHT;
}

// The colour of a value, as [r, g, b]; small values are brought out a little.
function colour(value, largest) {
  const { zero, below, above } = palette();
  if (!Number.isFinite(value)) return [128, 128, 128];
  const share = largest ? Math.min(1, Math.abs(value) / largest) ** 0.7 : 0;
  const end = value < 0 ? below : above;
  return zero.map((n, k) => Math.round(n + share * (end[k] - n)));
}

// Black or white, whichever is easier to read on a colour.
function ink(rgb) {
  const [r, g, b] = rgb.map((n) => (n / 255 <= 0.04 ? n / 3294.6 : ((n / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff";
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// How an array lies in panels of rows and columns: which axis is which.
function layout(shape, names) {
  const sides = shape.map((n, axis) => ({ n, axis, name: names[axis] || "" }));
  const long = sides.filter((side) => side.n > 1);
  const named = (name) => sides.find((side) => side.name === name);
  let rows, columns;
  if (named("row") && named("column") && long.length > 1) {
    [rows, columns] = [named("row"), named("column")];
  } else if (sides.length < 2) {
    columns = sides[0];
  } else if (long.length > 1) {
    [rows, columns] = long.slice(-2);
  } else {
    [rows, columns] = sides.slice(-2);
    if (long.length && long[0] !== columns) rows = long[0];
  }
  const panels = sides.filter((side) => side !== rows && side !== columns);
  const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return { rows, columns, panels, steps };
}

class Grid {
  constructor(numbers, look, asked) {
    this.numbers = numbers;
    this.asked = asked;
    this.symbol = look.symbol.replace("[part]", "");
    this.role = look.role;
    this.axes = look.axes || [];
    this.lit = new Map();
    this.shape = look.view || numbers.shape;
    this.names = look.viewed || this.axes;
    Object.assign(this, layout(this.shape, this.names));
    this.height = this.rows ? this.rows.n : 1;
    this.width = this.columns ? this.columns.n : 1;
    this.count = this.panels.reduce((n, side) => n * side.n, 1);
    this.cursor = 0;
    this.element = element("div", { class: "array" }, this.drawn(), this.legend());
  }

  // The place in the array of a cell, and the cell of a place.
  place(panel, row, column) {
    const inPanels = unravelled(panel, this.panels.map((side) => side.n));
    let place = inPanels.reduce((sum, i, k) => sum + i * this.steps[this.panels[k].axis], 0);
    if (this.rows) place += row * this.steps[this.rows.axis];
    if (this.columns) place += column * this.steps[this.columns.axis];
    return place;
  }

  cell(place) {
    const index = unravelled(place, this.shape);
    const panel = raveled(
      this.panels.map((side) => index[side.axis]), this.panels.map((side) => side.n));
    return [panel, this.rows ? index[this.rows.axis] : 0, this.columns ? index[this.columns.axis] : 0];
  }

  name(place) {
    return entryName(this.symbol, this.numbers.index(place));
  }

  // The same in words: row 2, column 3. Axes of length 1 go without saying.
  where(place) {
    const index = unravelled(place, this.shape);
    const told = this.names.map((name, axis) =>
      (this.shape[axis] > 1 && name ? `${name} ${index[axis]}` : ""));
    return told.filter(Boolean).join(", ");
  }

  spoken(place) {
    const lit = this.lit.get(place);
    return `${this.name(place)} = ${this.numbers.exact(place)}${lit ? `, ${lit}` : ""}`;
  }

  get label() {
    const sides = this.numbers.shape.join(" by ");
    return `${this.symbol}${sides ? `, ${sides}` : ""}`;
  }

  drawn() {
    const isTable = this.numbers.size <= WRITTEN && this.width <= WIDE && this.count <= 8;
    this.face = isTable ? new TableFace(this) : new CanvasFace(this);
    return this.face.element;
  }

  legend() {
    const named = (side) => (side ? `${side.name || "axis"} (${side.n})` : "");
    const parts = [];
    if (this.rows && this.rows.n > 1) parts.push(`down: ${named(this.rows)}`);
    if (this.columns && this.columns.n > 1) parts.push(`across: ${named(this.columns)}`);
    const many = this.panels.filter((side) => side.n > 1);
    if (many.length) parts.push(`one panel for each ${many.map(named).join(", ")}`);
    const scale = short(this.numbers.largest, 3);
    if (!this.numbers.largest) return element("p", { class: "legend" }, ["all zero", ...parts].join(", "));
    const bar = element("span", { class: "scale" },
      element("span", {}, `−${scale}`), element("span", { class: "ramp" }),
      element("span", {}, `+${scale}`));
    return element("p", { class: "legend" }, bar, parts.join(", "));
  }

  light(places, kind) {
    for (const place of places) this.lit.set(place, kind);
    this.face.relight();
  }

  darken() {
    if (!this.lit.size) return;
    this.lit.clear();
    this.face.relight();
  }

  // Where an arrow key leads, or null at the edge.
  moved(key, place) {
    const [panel, row, column] = this.cell(place);
    const goal = {
      ArrowLeft: [panel, row, column - 1], ArrowRight: [panel, row, column + 1],
      ArrowUp: [panel, row - 1, column], ArrowDown: [panel, row + 1, column],
      Home: [panel, row, 0], End: [panel, row, this.width - 1],
      PageUp: [panel - 1, row, column], PageDown: [panel + 1, row, column],
    }[key];
    if (!goal) return undefined;
    if (goal[2] < 0) [goal[0], goal[2]] = [panel - 1, this.width - 1];
    if (goal[2] >= this.width) [goal[0], goal[2]] = [panel + 1, 0];
    const inside = goal[0] >= 0 && goal[0] < this.count && goal[1] >= 0 && goal[1] < this.height;
    return inside ? this.place(...goal) : null;
  }

  onkey(event) {
    if (event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const place = this.moved(event.key, this.cursor);
    if (place === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (place !== null) this.face.focus(place);
  }
}

// Up to 64 numbers: a table of cells with the numbers in them.
class TableFace {
  constructor(grid) {
    this.grid = grid;
    this.cells = new Map();
    const panels = [];
    for (let panel = 0; panel < grid.count; panel += 1) panels.push(this.panel(panel));
    this.element = element("div", {
      class: grid.width > ROOMY ? "table tight" : "table", role: "grid", "aria-label": grid.label, "aria-readonly": "true",
      onkeydown: (event) => grid.onkey(event),
    }, ...panels);
    this.cells.get(grid.cursor).tabIndex = 0;
  }

  panel(panel) {
    const { grid } = this;
    const rows = [];
    for (let row = 0; row < grid.height; row += 1) {
      const cells = [];
      for (let column = 0; column < grid.width; column += 1) {
        cells.push(this.cell(grid.place(panel, row, column)));
      }
      rows.push(element("div", { role: "row" }, ...cells));
    }
    return element("div", { role: "rowgroup", class: "panel" }, ...rows);
  }

  cell(place) {
    const { grid } = this;
    const value = grid.numbers.values[place];
    const rgb = colour(value, grid.numbers.largest);
    const cell = element("div", {
      role: "gridcell", tabindex: "-1", class: "cell", "aria-label": grid.spoken(place),
      "data-place": place,
      style: `background: rgb(${rgb}); color: ${ink(rgb)}`,
      onmouseenter: () => grid.asked(place),
      onfocus: () => { this.stop(place); grid.asked(place); },
      onclick: () => this.focus(place),
    }, short(value, grid.width > ROOMY ? 3 : 4));
    this.cells.set(place, cell);
    return cell;
  }

  // Make a cell the one that Tab leads to.
  stop(place) {
    this.cells.get(this.grid.cursor).tabIndex = -1;
    this.grid.cursor = place;
    this.cells.get(place).tabIndex = 0;
  }

  focus(place) {
    this.cells.get(place).focus();
  }

  relight() {
    for (const [place, cell] of this.cells) {
      const kind = this.grid.lit.get(place);
      if (cell.dataset.lit === kind) continue;
      if (kind) cell.dataset.lit = kind;
      else delete cell.dataset.lit;
      cell.setAttribute("aria-label", this.grid.spoken(place));
    }
  }

  repaint() {
    for (const [place, cell] of this.cells) {
      const rgb = colour(this.grid.numbers.values[place], this.grid.numbers.largest);
      cell.style.background = `rgb(${rgb})`;
      cell.style.color = ink(rgb);
    }
  }
}

// A larger array: a canvas, and on it one cell that is wherever the cursor is.
class CanvasFace {
  constructor(grid) {
    this.grid = grid;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.spot = element("div", {
      role: "gridcell", tabindex: "0", class: "spot",
      onfocus: () => this.focus(grid.cursor, false),
    });
    this.element = element("div", {
      class: "map", role: "grid", "aria-label": grid.label, "aria-readonly": "true",
      "aria-rowcount": grid.count * grid.height, "aria-colcount": grid.width,
      onkeydown: (event) => grid.onkey(event),
      onmousemove: (event) => this.pointed(event),
      onclick: () => this.focus(this.under),
    }, this.canvas, element("div", { role: "row" }, this.spot));
    this.measure();
    this.repaint();
    this.mark(grid.cursor);
  }

  // The size of a cell, and how many panels stand side by side.
  measure() {
    const room = Math.min(WIDEST, window.innerWidth - 60);
    for (let side = LARGEST_CELL; side >= SMALLEST_CELL; side -= 1) {
      this.arrange(room, side);
      if (this.size[0] <= room && this.size[1] <= TALLEST) return;
    }
  }

  arrange(room, side) {
    const { grid } = this;
    this.side = side;
    this.gap = grid.count > 1 ? Math.max(3, Math.min(8, side)) : 0;
    this.pitch = [grid.height * side + this.gap, grid.width * side + this.gap];
    this.across = Math.max(1, Math.min(grid.count, Math.floor((room + this.gap) / this.pitch[1])));
    const lines = Math.ceil(grid.count / this.across);
    this.size = [this.across * this.pitch[1] - this.gap, lines * this.pitch[0] - this.gap];
  }

  corner(place) {
    const [panel, row, column] = this.grid.cell(place);
    const line = Math.floor(panel / this.across);
    return [
      (panel % this.across) * this.pitch[1] + column * this.side,
      line * this.pitch[0] + row * this.side,
    ];
  }

  // The cells are painted once; what is lit comes over a copy of them.
  repaint() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = this.size;
    const sides = { width: Math.ceil(width * ratio), height: Math.ceil(height * ratio) };
    this.painted = Object.assign(document.createElement("canvas"), sides);
    Object.assign(this.canvas, sides);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    for (const canvas of [this.painted, this.canvas]) canvas.getContext("2d").scale(ratio, ratio);
    this.fill(this.painted.getContext("2d"));
    this.relight();
  }

  relight() {
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, ...this.size);
    pen.drawImage(this.painted, 0, 0, ...this.size);
    for (const [place, kind] of this.grid.lit) this.outline(pen, place, kind);
  }

  fill(pen) {
    const { grid, side } = this;
    const cells = this.pixels();
    pen.imageSmoothingEnabled = false;
    for (let panel = 0; panel < grid.count; panel += 1) {
      const goal = [...this.corner(grid.place(panel, 0, 0)), grid.width * side, grid.height * side];
      pen.drawImage(cells, 0, panel * grid.height, grid.width, grid.height, ...goal);
    }
    if (side >= SIGNED_CELL) this.sign(pen);
  }

  // All panels, one below the other, with one pixel for each number.
  pixels() {
    const { grid } = this;
    const canvas = element("canvas", { width: grid.width, height: grid.count * grid.height });
    const image = new ImageData(canvas.width, canvas.height);
    for (let place = 0; place < grid.numbers.size; place += 1) {
      const [panel, row, column] = grid.cell(place);
      const pixel = 4 * ((panel * grid.height + row) * grid.width + column);
      image.data.set([...colour(grid.numbers.values[place], grid.numbers.largest), 255], pixel);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  // Negative numbers have a minus sign, where there is room for it.
  sign(pen) {
    const { numbers } = this.grid;
    numbers.values.forEach((value, place) => {
      if (!(value < 0)) return;
      const [x, y] = this.corner(place);
      pen.fillStyle = ink(colour(value, numbers.largest));
      pen.fillRect(x + this.side / 2 - 2, y + this.side / 2 - 0.5, 4, 1);
    });
  }

  // A lit cell has a frame, dark and light, that is seen on every colour.
  outline(pen, place, kind) {
    const [x, y] = this.corner(place);
    const { line } = palette();
    pen.lineWidth = this.side < SIGNED_CELL ? 2 : 3;
    pen.strokeStyle = line === "#fff" ? "#000" : "#fff";
    pen.strokeRect(x + 0.5, y + 0.5, this.side - 1, this.side - 1);
    pen.lineWidth = this.side < SIGNED_CELL ? 1 : 1.5;
    pen.strokeStyle = line;
    pen.setLineDash(kind === "reader" ? [3, 2] : []);
    pen.strokeRect(x + 0.5, y + 0.5, this.side - 1, this.side - 1);
    pen.setLineDash([]);
    if (MARKS[kind]) {
      pen.fillStyle = line;
      pen.font = `bold ${Math.max(9, this.side)}px sans-serif`;
      pen.fillText(MARKS[kind], x, y + this.side - 1);
    }
  }

  pointed(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const [line, left] = [Math.floor(y / this.pitch[0]), Math.floor(x / this.pitch[1])];
    const row = Math.floor((y - line * this.pitch[0]) / this.side);
    const column = Math.floor((x - left * this.pitch[1]) / this.side);
    const panel = line * this.across + left;
    const { grid } = this;
    const inside = x >= 0 && y >= 0 && left < this.across && panel < grid.count
      && row < grid.height && column < grid.width;
    if (!inside) return;
    const place = grid.place(panel, row, column);
    if (place === this.under) return;
    this.under = place;
    grid.asked(place);
  }

  // Put the cell of the cursor somewhere, and name it.
  mark(place) {
    const { grid } = this;
    const [panel, row, column] = grid.cell(place);
    const [x, y] = this.corner(place);
    Object.assign(this.spot.style, {
      left: `${x}px`, top: `${y}px`, width: `${this.side}px`, height: `${this.side}px`,
    });
    this.spot.setAttribute("aria-label", grid.spoken(place));
    this.spot.setAttribute("aria-rowindex", panel * grid.height + row + 1);
    this.spot.setAttribute("aria-colindex", column + 1);
  }

  focus(place, move = true) {
    if (place === undefined) return;
    this.grid.cursor = place;
    this.mark(place);
    if (move && document.activeElement !== this.spot) {
      this.spot.focus();
      return;
    }
    this.spot.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.grid.asked(place);
    this.mark(place);
  }
}
