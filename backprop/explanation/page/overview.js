// The map of the network and the time axis of a loop: where one is, and where one can go.

class NetworkMap {
  constructor(page) {
    this.page = page;
    this.buttons = [];
    const list = element("ol", {}, ...page.data.layers.map((layer) => this.row(layer)));
    const head = element("div", { class: "lanes", "aria-hidden": "true" },
      element("span", {}, "layer"), element("span", {}, "forward ↓"), element("span", {}, "backward ↑"));
    document.getElementById("map-rows").replaceChildren(head, list);
  }

  row(layer) {
    const key = layer.layer.join(".");
    const isLoss = !layer.layer.length;
    const phases = isLoss ? ["loss"] : ["forward", "backward"];
    const reads = layer.reads.length ? `${layer.reads.join(", ")} → ${layer.makes}` : layer.makes;
    const name = element("span", { class: "name" }, layer.name,
      element("small", {}, reads + (layer.shape.length ? ` (${layer.shape.join("×")})` : "")));
    const item = element("li", { style: `--depth: ${Math.max(0, layer.layer.length - 1)}` }, name);
    if (isLoss) item.className = "loss";
    for (const phase of phases) item.append(this.button(key, phase, layer));
    return item;
  }

  button(key, phase, layer) {
    const steps = this.page.data.steps.filter((step) =>
      step.layer.join(".") === key && step.phase === phase && !step.inner);
    if (!steps.length) return element("span", {});
    const what = phase === "loss" ? "both ways" : phase;
    const button = element("button", {
      type: "button", "aria-label": `${layer.name}, ${what}, ${steps.length} steps`,
      onclick: () => this.page.go(steps[0].number),
    }, `${steps.length} step${steps.length > 1 ? "s" : ""}`);
    this.buttons.push({ button, key, phase, steps });
    return button;
  }

  mark(step) {
    const key = step.layer.join(".");
    for (const one of this.buttons) {
      const here = one.key === key && one.phase === step.phase;
      if (here) one.button.setAttribute("aria-current", "step");
      else one.button.removeAttribute("aria-current");
      const count = one.steps.length;
      const at = one.steps.findIndex((other) => other.number >= step.number);
      one.button.textContent = here ? `${at + 1} of ${count}` : `${count} step${count > 1 ? "s" : ""}`;
    }
  }
}

const STRIP = 4096; // a result of up to so many numbers is a strip of colour on the time axis
const TALL = 64; // pixels of a strip

// The rounds of a loop over time: a row for each line, a column for each time step.
function timeAxis(page, step) {
  const key = step.layer.join(".");
  if (!page.tables.has(key)) {
    const steps = page.data.steps.filter((one) => one.layer.join(".") === key && !one.inner
      && "t" in one.loops && page.sizeOf(one) <= STRIP);
    page.tables.set(key, steps.length ? new TimeTable(page, steps) : null);
  }
  const table = page.tables.get(key);
  if (!table) return null;
  table.mark(step);
  return element("section", {}, element("h3", {}, "Over time"), table.element);
}

class TimeTable {
  constructor(page, steps) {
    this.page = page;
    this.buttons = new Map();
    this.rows = new Map();
    for (const one of steps) {
      const name = `${one.phase} ${one.place}`;
      if (!this.rows.has(name)) this.rows.set(name, new Map());
      this.rows.get(name).set(one.loops.t, one);
    }
    this.times = [...new Set(steps.map((one) => one.loops.t))].sort((a, b) => a - b);
    const table = element("table", { class: "time", onkeydown: (event) => this.onkey(event) },
      element("caption", {}, "A column for each time step, a row for each line; go there with a "
        + "click. The backward pass runs from right to left."),
      this.head(), ...this.bodies());
    this.element = element("div", { class: "scrolled" }, table);
  }

  head() {
    const heads = this.times.map((t) => element("th", { scope: "col" }, `t = ${t}`));
    return element("thead", {}, element("tr", {}, element("td", {}), ...heads));
  }

  bodies() {
    return ["forward", "backward"].map((phase) => element("tbody", {},
      ...[...this.rows.values()].filter((row) => [...row.values()][0].phase === phase)
        .map((row) => this.row(row))));
  }

  row(row) {
    const [first] = row.values();
    const name = lettered(first.name.replace(/\[\d+\]$/, ""), this.page.data.letters);
    const largest = Math.max(...[...row.values()].map((one) => this.page.numbersOf(one).largest));
    const head = element("th", { scope: "row" }, name, element("small", {}, ` (${first.tag})`));
    return element("tr", {}, head, ...this.times.map((t) => this.cell(row.get(t), largest, name, t)));
  }

  cell(step, largest, name, t) {
    if (!step) return element("td", {});
    const button = element("button", {
      type: "button", tabindex: "-1", "aria-label": `${name}, t = ${t}, step ${step.number + 1}`,
      onclick: () => this.page.go(step.number),
    }, strip(this.page.numbersOf(step), largest));
    this.buttons.set(step.number, button);
    return element("td", {}, button);
  }

  // Mark where one is; Tab leads there, or else to the first cell.
  mark(step) {
    const here = this.buttons.get(step.number);
    for (const button of this.buttons.values()) {
      button.tabIndex = -1;
      button.removeAttribute("aria-current");
    }
    (here || this.buttons.values().next().value).tabIndex = 0;
    here?.setAttribute("aria-current", "step");
    requestAnimationFrame(() => this.bringIntoView(here));
  }

  bringIntoView(here) {
    if (!here) return;
    const [box, at] = [this.element.getBoundingClientRect(), here.getBoundingClientRect()];
    this.element.scrollLeft += at.left - box.left - box.width / 2;
  }

  onkey(event) {
    const cell = event.target.closest("td");
    const row = cell?.parentElement;
    if (!cell) return;
    const column = [...row.children].indexOf(cell);
    const rows = [...row.closest("table").querySelectorAll("tbody tr")];
    const goal = {
      ArrowLeft: row.children[column - 1], ArrowRight: row.children[column + 1],
      ArrowUp: rows[rows.indexOf(row) - 1]?.children[column],
      ArrowDown: rows[rows.indexOf(row) + 1]?.children[column],
    };
    if (!(event.key in goal) || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    goal[event.key]?.querySelector("button")?.focus();
  }
}

// A vector as a column of coloured cells.
function strip(numbers, largest) {
  const canvas = element("canvas", { "aria-hidden": "true", width: 1, height: numbers.size });
  const image = new ImageData(1, numbers.size);
  numbers.values.forEach((value, k) => image.data.set([...colour(value, largest), 255], 4 * k));
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.style.height = `${Math.min(TALL, 9 * numbers.size)}px`;
  return canvas;
}

// The rounds of a loop as a slider.
function roundsOf(page, step) {
  if (!step.rounds || step.rounds < 2) return null;
  const key = step.layer.join(".");
  const rounds = page.data.steps.filter((one) =>
    one.layer.join(".") === key && one.phase === step.phase && one.place === step.place);
  const counts = Object.entries(step.loops).map(([name, n]) => `${name} = ${n}`).join(", ");
  const slider = element("input", {
    type: "range", min: "1", max: rounds.length, value: step.round, id: "round",
    onchange: (event) => page.go(rounds[event.target.value - 1].number),
  });
  const label = `Round ${step.round} of ${rounds.length} of this line${counts ? `: ${counts}` : ""}`;
  return element("p", { class: "rounds" }, element("label", { for: "round" }, label), slider);
}
