// The page: one step at a time, and what is said of it.

class Page {
  constructor(data, block) {
    this.data = data;
    this.arrays = data.arrays.map((one) => new Numbers(one, block));
    data.steps.forEach((step, number) => this.prepare(step, number));
    this.names = new Map(data.layers.map((layer) => [layer.layer.join("."), layer.name]));
    this.readers = new Readers(data.steps, this.arrays);
    this.inspector = new Inspector(this);
    this.map = new NetworkMap(this);
    this.tables = new Map();
    this.listen();
    this.go(this.addressed() ?? this.first());
  }

  // Number a step; where it has several results, count their entries on.
  prepare(step, number) {
    step.number = number;
    let start = 0;
    for (const result of step.results) {
      Object.assign(result, { start, symbol: step.name });
      start += this.arrays[result.array].size;
    }
  }

  // The array and the place in it of an entry of a step's results.
  located(number, entry) {
    const { results } = this.data.steps[number];
    const result = results.findLast(({ start }) => start <= entry);
    return { numbers: this.arrays[result.array], place: entry - result.start };
  }

  // Moving

  listen() {
    const moves = {
      first: () => this.first(), previous: () => this.beside(-1), next: () => this.beside(1),
      last: () => this.last(), "layer-before": () => this.layerBeside(-1),
      "layer-after": () => this.layerBeside(1),
    };
    for (const [id, goal] of Object.entries(moves)) {
      document.getElementById(id).addEventListener("click", () => this.go(goal()));
    }
    document.addEventListener("keydown", (event) => this.onkey(event, moves));
    darkness.addEventListener("change", () => {
      this.tables.clear();
      this.go(this.step.number);
    });
    window.addEventListener("hashchange", () => {
      const number = this.addressed();
      if (number !== undefined && number !== this.step.number) this.go(number);
    });
  }

  // The step that the address names: `...#step=5`.
  addressed() {
    const found = /^#step=(\d+)$/.exec(window.location.hash);
    return found ? this.data.steps[found[1] - 1]?.number : undefined;
  }

  onkey(event, moves) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input, select")) return;
    const name = {
      ArrowLeft: "previous", ArrowRight: "next", Home: "first", End: "last",
    }[event.key];
    if (event.key === "Escape") {
      this.quiet();
      document.getElementById("step").focus();
    } else if (name) {
      event.preventDefault();
      const wide = { previous: "layer-before", next: "layer-after" };
      this.go(moves[event.shiftKey ? wide[name] || name : name]());
    }
  }

  first() {
    return this.data.steps.find((step) => !step.inner).number;
  }

  last() {
    return this.data.steps.findLast((step) => !step.inner).number;
  }

  // The step beside this one. What runs inside a line is passed by, unless one is inside.
  beside(direction) {
    let number = this.step.number + direction;
    const { steps } = this.data;
    while (steps[number]?.inner && !this.step.inner) number += direction;
    return steps[number] ? number : this.step.number;
  }

  layerBeside(direction) {
    const place = (step) => `${step.layer.join(".")} ${step.phase}`;
    const outer = this.data.steps.filter((step) => !step.inner);
    let at = outer.findIndex((step) => step.number >= this.step.number);
    const here = place(outer[at]);
    while (outer[at + direction] && place(outer[at]) === here) at += direction;
    while (direction < 0 && outer[at - 1] && place(outer[at - 1]) === place(outer[at])) at -= 1;
    return outer[at].number;
  }

  go(number) {
    const held = document.activeElement;
    this.step = this.data.steps[number];
    this.reader = this.step.tree ? new Reader(this.step, this.arrays) : null;
    this.show();
    this.map.mark(this.step);
    this.inspector.clear();
    const { status, title } = this.said();
    document.getElementById("step-title").textContent = title;
    document.getElementById("status").textContent = status;
    if (held && !held.isConnected) document.getElementById("step").focus({ preventScroll: true });
    try {
      window.history.replaceState(null, "", `#step=${number + 1}`);
    } catch {
      // Some browsers keep files from changing their address; then it stays as it is.
    }
    for (const [id, goal] of [["previous", this.beside(-1)], ["next", this.beside(1)]]) {
      document.getElementById(id).setAttribute("aria-disabled", goal === number);
    }
  }

  said() {
    const { step } = this;
    const where = this.whose(step);
    const phase = step.phase === "loss" ? "" : `, ${step.phase}`;
    const rounds = Object.entries(step.loops).map(([name, n]) => `, ${name} = ${n}`).join("");
    const what = step.code ? `equation (${step.tag})` : "a sum";
    const helper = step.inner ? `, inside: ${step.chapter}` : "";
    const title = `${where}${phase}: ${what}${rounds}${helper}`;
    const shape = this.shape(step.results[0]);
    const made = step.code || step.name;
    const status = `Step ${step.number + 1} of ${this.data.steps.length}. ${title}. ${made}${shape}`;
    return { status, title };
  }

  // Whose step it is: a layer's, the loss's, or that of the network's input, which has several readers.
  whose(step) {
    if (step.layer.length) return this.names.get(step.layer.join(".")) || step.chapter;
    return step.phase === "loss" ? "Loss" : "Input";
  }

  shape(result) {
    const sides = result ? this.arrays[result.array].shape : [];
    return sides.length ? `, shape ${sides.join(" × ")}` : "";
  }

  numbersOf(step) {
    return this.arrays[step.results[0].array];
  }

  sizeOf(step) {
    return step.results.length ? this.numbersOf(step).size : Infinity;
  }

  link(number) {
    const step = this.data.steps[number];
    const where = this.whose(step);
    const name = lettered(step.name, this.data.letters);
    return element("button", { type: "button", class: "link", onclick: () => this.go(number) },
      `step ${number + 1}: ${name} of ${where}${step.phase === "backward" ? ", backward" : ""}`);
  }

  // Showing

  show() {
    const { step } = this;
    this.grids = { results: [], reads: [], window: null };
    const parts = [
      this.formula(), this.code(), roundsOf(this, step), this.inside(),
      this.section("The result", step.results.map((one) => this.result(one))),
      this.picture(),
      this.section("What it reads", step.reads.map((one, slot) => this.read(one, slot))),
      this.next(), timeAxis(this, step),
    ];
    document.getElementById("step-body").replaceChildren(...parts.filter(Boolean));
  }

  formula() {
    const { step } = this;
    if (!step.code) return element("p", {}, step.why);
    const equation = element("div", { class: "equation" });
    equation.innerHTML = this.data.formulas[step.equation];
    equation.append(element("span", { class: "tag" }, `(${step.tag})`));
    const numbers = element("div", { class: "numbers", tabindex: "0", role: "region",
      "aria-label": "The formula with its numbers" });
    for (const piece of step.numbers) {
      const part = element("span", {});
      part.innerHTML = this.data.formulas[piece];
      numbers.append(part);
    }
    return element("div", { class: "formula" }, equation, step.numbers.length ? numbers : "");
  }

  code() {
    const { step } = this;
    if (!step.code) return null;
    return element("div", { class: "code" },
      element("pre", {}, element("code", {}, step.code, element("i", {}, `  # (${step.tag})`))),
      element("span", { class: "place" }, step.place));
  }

  // The way into what ran inside this line.
  inside() {
    const { step, data } = this;
    if (step.inner) {
      const outer = data.steps.slice(step.number).find((one) => !one.inner);
      return element("p", {}, "This ran inside ", this.link(outer.number), ".");
    }
    let first = step.number;
    while (data.steps[first - 1]?.inner) first -= 1;
    if (first === step.number) return null;
    return element("p", {}, `Inside this line ran ${data.steps[first].chapter}: `, this.link(first));
  }

  section(title, parts) {
    if (!parts.length) return null;
    return element("section", { class: "arrays" }, element("h3", {}, title),
      element("div", { class: "side-by-side" }, ...parts));
  }

  figure(look, kind, asked, ...caption) {
    const grid = new Grid(this.arrays[look.array], look, asked);
    const symbol = lettered(look.symbol, this.data.letters);
    const { shape } = grid.numbers;
    this.grids[kind] = kind === "window" ? grid : [...this.grids[kind], grid];
    const sides = shape.length ? `(${shape.join(" × ")})` : "";
    return element("figure", { class: kind }, element("figcaption", {},
      element("b", {}, symbol), ` ${sides} `, ...caption), grid.element);
  }

  result(look) {
    const figure = this.figure(look, "results", (place) => this.ofResult(grid, place));
    const grid = this.grids.results[this.grids.results.length - 1];
    return figure;
  }

  read(look, slot) {
    const made = [...new Set(this.readers.runs(look).map((run) => run.step))];
    const links = made.slice(0, 3).flatMap((number) => [this.link(number), " "]);
    const more = made.length > 3 ? `and ${made.length - 3} more steps ` : "";
    const other = this.arrays[look.array].size > 1 ? "from a line without a number" : "";
    const from = made.length ? ["from ", ...links, more] : [look.what || other];
    return this.figure(look, "reads", (place) => this.ofOperand(slot, place), ...from);
  }

  picture() {
    const { window } = this.step;
    if (!window) return null;
    const told = window.role === "image" ? "the image that the window slides over"
      : "a number for each window and channel";
    const figure = this.figure(window, "window", (place) => this.ofPicture(place), told);
    return this.section("The window", [figure]);
  }

  next() {
    const found = new Set(this.readers.consumers[this.step.number].map((one) => one.number));
    const links = [...found].map((number) => element("li", {}, this.link(number)));
    for (const key of this.step.gradients || []) {
      links.push(element("li", {}, `what backward returns: grads["${key}"]`));
    }
    if (!links.length) return null;
    return element("section", {}, element("h3", {}, "What reads it next"),
      element("ul", { class: "readers" }, ...links));
  }

  // Asking for a number

  quiet() {
    const { results, reads, window } = this.grids;
    for (const grid of [...results, ...reads, window]) grid?.darken();
  }

  ofResult(grid, place) {
    const { step, reader } = this;
    const term = reader ? reader.entry(grid.numbers.index(place)) : null;
    this.quiet();
    grid.light([place], "chosen");
    if (term) this.lightOperands(term);
    this.lightWindow(grid, place);
    const { start } = step.results[this.grids.results.indexOf(grid)];
    this.inspector.result(step, grid, place, term, start + place);
  }

  lightOperands(term) {
    const slots = this.step.reads.map(() => new Set());
    for (const { slot, place } of numbersIn(term)) slots[slot]?.add(place);
    slots.forEach((places, slot) => this.grids.reads[slot].light(places, "read"));
  }

  ofOperand(slot, place) {
    const { step } = this;
    const grid = this.grids.reads[slot];
    const entries = this.readers.entries({ number: step.number, slot }, place);
    this.quiet();
    grid.light([place], "chosen");
    if (entries) this.grids.results[0].light(entries, "reader");
    this.lightWindow(grid, place);
    this.inspector.operand(step, slot, grid, place, entries);
  }

  ofPicture(place) {
    const picture = this.grids.window;
    this.quiet();
    for (const grid of [...this.grids.results, ...this.grids.reads]) {
      grid.light(this.acrossWindow(picture, place, grid), "reader");
    }
    picture.light([place], "chosen");
    const count = picture.role === "image" ? this.placesOf(picture, place).length : null;
    this.inspector.picture(picture, place, count);
  }

  // Light what the window at an entry sees, and mark who won in it.
  lightWindow(grid, place) {
    const picture = this.grids.window;
    if (!picture || grid === picture) return;
    picture.light(this.acrossWindow(grid, place, picture), "window");
    const { winner } = this.step.window;
    if (winner === null || grid.role !== "positions" || picture.role !== "image") return;
    const won = this.placesOf(grid, place)[this.arrays[winner].values[place]];
    picture.light(this.entriesAt(picture, won), "winner");
  }

  // The entries of an array that an entry of another one is connected with by the window.
  acrossWindow(from, place, to) {
    if (!from.role || !to.role) return [];
    if (from.role === to.role) return from.numbers.size === to.numbers.size ? [place] : [];
    return this.placesOf(from, place).flatMap((one) => this.entriesAt(to, one));
  }

  // The places, of all windows, that an entry has to do with. What is told of a place is told of
  // an array (N, OH, OW, K, K, C); `role` is how an array is connected with it.
  placesOf(grid, place) {
    const { window, pool } = this.step.window;
    if (grid.role === "windows") return [place];
    if (grid.role === "image") return placesOver(unravelled(place, window.image), window);
    const [N, , , C] = window.image;
    const { positions, size: [K, L] } = window;
    const each = grid.numbers.size / (N * positions[0] * positions[1]);
    const [n, p, q, f] = unravelled(place, [N, ...positions, each]);
    const channels = pool ? [f] : Array.from({ length: C }, (_, c) => c);
    return Array.from({ length: K * L }, (_, k) => [Math.floor(k / L), k % L]).flatMap(([i, j]) =>
      channels.map((c) => raveled([n, p, q, i, j, c], windowShape(window))));
  }

  entriesAt(grid, place) {
    const { window, pool, winner } = this.step.window;
    if (grid.role === "windows") return [place];
    if (grid.role === "image") {
      const pixel = pixelOf(place, window);
      return pixel ? [raveled(pixel, window.image)] : [];
    }
    const [n, p, q, i, j, c] = unravelled(place, windowShape(window));
    const { positions: [OH, OW], size } = window;
    const each = grid.numbers.size / (window.image[0] * OH * OW);
    const first = ((n * OH + p) * OW + q) * each;
    if (!pool) return Array.from({ length: each }, (_, f) => first + f);
    const won = winner === null || this.arrays[winner].values[first + c] === i * size[1] + j;
    return won ? [first + c] : [];
  }
}

const page = new Page(
  JSON.parse(document.getElementById("data").textContent),
  await unpacked(document.getElementById("numbers").textContent),
);

// For the console: `explanation.entry(0, [0, 1])` is an entry of a step's result taken apart.
window.explanation = {
  page,
  entry: (number, index) => new Reader(page.data.steps[number], page.arrays).entry(index),
  numbersIn,
  workedOut,
};
