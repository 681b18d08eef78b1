// What one number is made of, and where it goes.

const ROWS = 40; // how many terms of a sum are listed: of a longer one, the largest

// Finds, step by step, which entries of later results read an entry.
class Readers {
  constructor(steps, arrays) {
    this.steps = steps;
    this.arrays = arrays;
    this.consumers = steps.map(() => []);
    steps.forEach((step, number) => step.reads.forEach((read, slot) => {
      for (const made of new Set(this.runs(read).map((run) => run.step))) {
        this.consumers[made].push({ number, slot });
      }
    }));
  }

  runs(read) {
    if (!read.runs) {
      const { values } = this.arrays[read.from];
      read.runs = [];
      for (let k = 0; k < values.length; k += 4) {
        const [first, length, step, entry] = values.subarray(k, k + 4);
        read.runs.push({ first, length, step, entry });
      }
    }
    return read.runs;
  }

  // The step and the entry of its result that an operand's entry is.
  origin(read, place) {
    const run = this.runs(read).find(({ first, length }) => first <= place && place < first + length);
    return run && { number: run.step, place: run.entry + place - run.first };
  }

  // Where an entry of a step's result is read: [{number, slot, place, entries}].
  of(number, place) {
    const found = [];
    for (const consumer of this.consumers[number]) {
      const read = this.steps[consumer.number].reads[consumer.slot];
      for (const { first, length, step, entry } of this.runs(read)) {
        if (step !== number || place < entry || place >= entry + length) continue;
        const there = first + place - entry;
        found.push({ ...consumer, place: there, entries: this.entries(consumer, there) });
      }
    }
    return found;
  }

  // The entries of a step's result that read an entry of an operand; null if that is not known.
  entries({ number, slot }, place) {
    const { tree } = this.steps[number];
    return tree && [...new Set(reached(tree, slot, place))];
  }
}

// The largest parts of a long sum, in the order in which they stand in it.
function largest(parts, most) {
  if (parts.length <= most) return parts;
  const sizes = parts.map((part) => Math.abs(workedOut(part)));
  const order = parts.map((_, k) => k).sort((a, b) => sizes[b] - sizes[a]);
  return order.slice(0, most).sort((a, b) => a - b).map((k) => parts[k]);
}

class Inspector {
  constructor(page) {
    this.page = page;
    this.body = document.getElementById("entry");
    this.title = document.getElementById("entry-title");
    this.status = document.getElementById("entry-status");
    this.speller = new Speller(page.data.letters);
  }

  clear() {
    this.title.textContent = "One number";
    this.body.replaceChildren(element("p", {},
      "Point at a cell, or go to it with Tab and the arrow keys: here stands what it is made of, "
      + "and where it goes."));
  }

  show(grid, place, ...parts) {
    const shown = lettered(grid.name(place), this.page.data.letters);
    const exact = grid.numbers.exact(place);
    this.title.textContent = shown;
    this.body.replaceChildren(
      element("p", { class: "value" }, element("b", {}, shown), " = ", exact),
      element("p", { class: "remark" }, grid.where(place)), ...parts);
    this.status.textContent = `${shown} = ${exact}`;
  }

  // An entry of the step's result.
  result(step, grid, place, term, entry) {
    const terms = term ? this.terms(term, grid.numbers, place) : [this.whyNot(step)];
    this.show(grid, place, ...terms, ...this.goesTo(step, entry));
  }

  whyNot(step) {
    const why = step.results.length > 1
      ? "This line makes several arrays at once; it is not taken apart into single numbers."
      : "This line is not a formula of single numbers that the page can take apart.";
    return element("p", { class: "remark" }, why);
  }

  terms(term, numbers, place) {
    if (!term.parts) return [this.copied(term)];
    const isSum = term.operation === "+";
    const parts = isSum ? largest(term.parts, ROWS) : [term];
    const left = isSum ? term.parts.length - parts.length : 0;
    const rows = isSum ? parts.map((part, k) => this.row(part, k ? "+ " : "= "))
      : [this.row(term, "= ", numbers.values[place])];
    const table = element("table", { class: "terms" },
      element("caption", {}, 
        isSum ? `A sum of ${term.parts.length} terms${left ? `, of which the ${ROWS} largest` : ""}`
          : "How it is computed"),
      element("thead", {}, element("tr", {},
        ...["with symbols", "with numbers", "value"].map((head) =>
          element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...rows));
    const rest = term.parts.filter((part) => !parts.includes(part)).map(workedOut);
    const together = short(rest.reduce((total, value) => total + value, 0), 6);
    const remark = `… and ${left} smaller terms, together ${together}.`;
    const more = left ? [element("p", { class: "remark" }, remark)] : [];
    return [element("div", { class: "scrolled", tabindex: "0", role: "region",
      "aria-label": "terms" }, table), ...more, ...this.doubt(term, numbers, place)];
  }

  row(part, mark, value = workedOut(part)) {
    return element("tr", {},
      element("td", {}, mark + this.speller.symbols(part)),
      element("td", {}, this.speller.values(part)),
      element("td", {}, part.parts ? short(value, 6) : part.exact));
  }

  copied(number) {
    if (number.slot === undefined) {
      return element("p", {}, `It is ${number.symbol}: no number of the operands goes into it.`);
    }
    return element("p", {}, "It is ", element("b", {}, this.speller.symbols(number)), ", unchanged.");
  }

  // The terms are there to explain the number, so they have to give it, but for rounding.
  doubt(term, numbers, place) {
    const again = workedOut(term);
    const value = numbers.values[place];
    const sizes = (term.parts || []).map(workedOut).reduce((sum, n) => sum + Math.abs(n), 0);
    const unit = numbers.type === "f8" ? 2 ** -52 : 2 ** -23;
    const bound = unit * (term.parts.length + 16) * (sizes + Math.abs(value));
    if (Number.isNaN(again) || !Number.isFinite(value) || Math.abs(again - value) <= bound) return [];
    return [element("p", { class: "remark" }, `The terms as they stand here give ${short(again, 8)}.`)];
  }

  goesTo(step, entry) {
    const found = this.page.readers.of(step.number, entry);
    const items = found.map((one) => this.reader(one));
    for (const key of step.gradients || []) {
      items.push(element("li", {}, `It stands in grads["${key}"].`));
    }
    if (!items.length) items.push(element("li", {}, "No later step reads it."));
    return [element("h3", {}, "Where it goes"), element("ul", { class: "readers" }, ...items)];
  }

  reader({ number, slot, place, entries }) {
    const { page } = this;
    const step = page.data.steps[number];
    const read = step.reads[slot];
    const name = (symbol, numbers, at) =>
      lettered(entryName(symbol, numbers.index(at)), page.data.letters);
    const as = name(read.symbol, page.arrays[read.array], place);
    const result = page.arrays[step.results[0].array];
    let goal = "";
    if (entries) {
      const shown = entries.slice(0, 6).map((at) => name(step.name, result, at));
      const more = entries.length > 6 ? ` and ${entries.length - 6} more` : "";
      goal = entries.length ? `, which ${shown.join(", ")}${more} read${entries.length > 1 ? "" : "s"}` : "";
    }
    return element("li", {}, page.link(number), ` as ${as}${goal}`);
  }

  // An entry of an operand: where it comes from, and which entries of the result read it.
  operand(step, slot, grid, place, entries) {
    const read = step.reads[slot];
    const origin = this.page.readers.origin(read, place);
    const parts = [];
    if (origin) {
      const maker = this.page.data.steps[origin.number];
      const { numbers, place: there } = this.page.located(origin.number, origin.place);
      const made = entryName(maker.name, numbers.index(there));
      const name = lettered(made, this.page.data.letters);
      parts.push(element("p", {}, `It is ${name} of `, this.page.link(origin.number), "."));
    } else if (read.what) {
      parts.push(element("p", {}, `It is of ${read.what}.`));
    }
    if (entries) {
      const count = entries.length;
      parts.push(element("p", {}, count === 1 ? "One entry of the result reads it."
        : `${count || "No"} entries of the result read it.`));
    }
    this.show(grid, place, ...parts);
  }

  // An entry of what the window slides over.
  picture(grid, place, count) {
    const told = `It is under ${count} window${count === 1 ? "" : "s"}.`;
    const parts = count === null ? [] : [element("p", {}, told)];
    this.show(grid, place, ...parts);
  }
}
