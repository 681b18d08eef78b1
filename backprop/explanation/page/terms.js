// One entry of a line's result, as a formula of single numbers.
//
// A number is {symbol, value, slot, index, place}: which entry of which operand. A term is
// {operation, parts}. Both are what `entry` gives in Python; the tree of the line comes from there.

class Reader {
  constructor(step, arrays) {
    this.step = step;
    this.operands = step.reads.map((read) => arrays[read.array]);
  }

  entry(index) {
    return this.at(this.step.tree, index);
  }

  at(node, wide) {
    const index = narrowed(wide, node.shape);
    const method = OPERATIONS[node.op];
    if (method) return method(this, node, index);
    const parts = node.parts.map((part) => this.at(part, index));
    return joined(node.op, parts);
  }

  number(slot, index) {
    const operand = this.operands[slot];
    const place = raveled(index, operand.shape);
    return {
      symbol: entryName(this.step.reads[slot].symbol, index), value: operand.values[place],
      slot, index, place, exact: operand.exact(place),
    };
  }
}

const OPERATIONS = {
  read: (reader, node, index) => reader.number(node.slot, index),

  constant: (reader, node) => ({ symbol: node.symbol, value: node.value, exact: node.symbol }),

  "@": (reader, { parts: [left, right] }, index) => {
    const rows = index.slice(0, -1);
    const column = index[index.length - 1];
    const products = [];
    for (let k = 0; k < left.shape[left.shape.length - 1]; k += 1) {
      const factors = [reader.at(left, [...rows, k]), reader.at(right, [k, column])];
      products.push({ operation: "*", parts: factors });
    }
    return sum(products);
  },

  // An axis that was moved: entry (i, j) of a transpose is entry (j, i).
  turned: (reader, { axes, parts: [inner] }, index) =>
    reader.at(inner, axes.map((_, axis) => index[axes.indexOf(axis)])),

  reshape: (reader, { shape, parts: [inner] }, index) =>
    reader.at(inner, unravelled(raveled(index, shape), inner.shape)),

  sum: (reader, node, index) => sum(along(reader, node, index)),
  mean: (reader, node, index) => ({ operation: "mean", parts: along(reader, node, index) }),
  max: (reader, node, index) => ({ operation: "max", parts: along(reader, node, index) }),

  // A sum of which each part stands for itself, whatever it is made of.
  total: (reader, { parts }, index) => sum(parts.map((part) => reader.at(part, index))),

  // `+=`: what was there before, unless it was nothing, and what is added.
  added: (reader, { before, to }, index) => {
    const old = reader.at(before, index);
    const more = reader.at(to, index);
    const parts = more.operation === "+" ? more.parts : [more];
    return old.value ? { operation: "+", parts: [old, ...parts] } : more;
  },

  // Arrays side by side along the last axis.
  beside: (reader, { parts }, index) => {
    const rest = index.slice(0, -1);
    let column = index[index.length - 1];
    const part = parts.find(({ shape }) => {
      const width = shape[shape.length - 1];
      if (column < width) return true;
      column -= width;
      return false;
    });
    return reader.at(part, [...rest, column]);
  },

  windows: (reader, { shape, window, parts: [inner] }, index) => {
    const pixel = pixelOf(raveled(index, shape), window);
    return pixel ? reader.at(inner, pixel) : { symbol: "0", value: 0, exact: "0" };
  },

  fold: (reader, { window, parts: [inner] }, index) => {
    const places = placesOver(index, window);
    if (!places.length) return { symbol: "0", value: 0, exact: "0" };
    return sum(places.map((place) => reader.at(inner, unravelled(place, inner.shape))));
  },
};

// The sliding window, there and back. A place is one in an array (N, OH, OW, K, K, C).

function windowShape({ positions, size, image }) {
  return [image[0], ...positions, ...size, image[3]];
}

function pixelOf(place, window) {
  const [n, p, q, i, j, c] = unravelled(place, windowShape(window));
  const { stride, dilation, margins, image } = window;
  const u = p * stride[0] + i * dilation[0] - margins[0];
  const v = q * stride[1] + j * dilation[1] - margins[1];
  return u >= 0 && v >= 0 && u < image[1] && v < image[2] ? [n, u, v, c] : null;
}

function placesOver([n, u, v, c], window) {
  const { size, stride, dilation, margins, positions } = window;
  const shape = windowShape(window);
  const found = [];
  for (let i = 0; i < size[0]; i += 1) {
    for (let j = 0; j < size[1]; j += 1) {
      const p = (u + margins[0] - i * dilation[0]) / stride[0];
      const q = (v + margins[1] - j * dilation[1]) / stride[1];
      const fits = Number.isInteger(p) && Number.isInteger(q)
        && p >= 0 && q >= 0 && p < positions[0] && q < positions[1];
      if (fits) found.push(raveled([n, p, q, i, j, c], shape));
    }
  }
  return found;
}

function narrowed(index, shape) {
  return index.slice(index.length - shape.length).map((i, axis) => (shape[axis] === 1 ? 0 : i));
}

function sum(parts) {
  return parts.length === 1 ? parts[0] : { operation: "+", parts };
}

// A sum or product whose left side is one too goes on in it: a + b + c has three parts.
function joined(operation, parts) {
  const [left, right] = parts;
  if ((operation === "+" || operation === "*") && left.operation === operation) {
    return { operation, parts: [...left.parts, right] };
  }
  return { operation, parts };
}

// The entries along the axes of a sum.
function along(reader, { axes, keep, parts: [inner] }, index) {
  const left = keep ? index.filter((_, axis) => !axes.includes(axis)) : index;
  const sides = axes.map((axis) => inner.shape[axis]);
  const count = sides.reduce((product, n) => product * n, 1);
  const found = [];
  for (let k = 0; k < count; k += 1) {
    const inside = unravelled(k, sides);
    const rest = [...left];
    const full = inner.shape.map((_, axis) =>
      (axes.includes(axis) ? inside[axes.indexOf(axis)] : rest.shift()));
    found.push(reader.at(inner, full));
  }
  return found;
}

function* numbersIn(term) {
  if (term.parts) {
    for (const part of term.parts) yield* numbersIn(part);
  } else {
    yield term;
  }
}

// The transpose of taking apart: the entries of a tree's value that an operand's entry goes into,
// as places. Every operation hands on where its parts go.
function reached(node, slot, place) {
  if (node.op === "read") return node.slot === slot ? [place] : [];
  const parts = node.op === "added" ? [node.before, node.to] : node.parts || [];
  return parts.flatMap((part, k) =>
    reached(part, slot, place).flatMap((one) => handedOn(node, part, k, one)));
}

function handedOn(node, part, side, place) {
  const index = unravelled(place, part.shape);
  const rule = ONWARD[node.op];
  if (rule) return rule(node, part, index, side, place);
  return spreadOver(index.map((i, axis) => (part.shape[axis] === 1 ? null : i)), node.shape);
}

const ONWARD = {
  "@": ({ shape }, part, index, side) => {
    const goal = side ? [...shape.slice(1).map(() => null), index[1]] : [...index.slice(0, -1), null];
    return spreadOver(goal, shape);
  },
  turned: ({ axes, shape }, part, index) => [raveled(axes.map((axis) => index[axis]), shape)],
  reshape: (node, part, index, side, place) => [place],
  beside: ({ parts, shape }, part, index, side) => {
    const before = parts.slice(0, side).reduce((n, one) => n + one.shape[one.shape.length - 1], 0);
    return [raveled([...index.slice(0, -1), index[index.length - 1] + before], shape)];
  },
  sum: inward,
  mean: inward,
  max: inward,
  windows: ({ window }, part, index) => placesOver(index, window),
  fold: ({ window, shape }, part, index, side, place) => {
    const pixel = pixelOf(place, window);
    return pixel ? [raveled(pixel, shape)] : [];
  },
};

function inward({ axes, keep, shape }, part, index) {
  const rest = keep ? index.map((i, axis) => (axes.includes(axis) ? 0 : i))
    : index.filter((_, axis) => !axes.includes(axis));
  return [raveled(rest, shape)];
}

// All places whose index is the given one, in which null stands for any number.
function spreadOver(index, shape) {
  const full = [...new Array(shape.length - index.length).fill(null), ...index];
  return full.reduce((places, i, axis) => {
    const along = i === null ? Array.from({ length: shape[axis] }, (_, k) => k) : [i];
    return places.flatMap((place) => along.map((k) => place * shape[axis] + k));
  }, [0]);
}

// What a formula gives; only to see that it is the right one.
function workedOut(term) {
  if (!term.parts) return Number(term.value);
  const parts = term.parts.map(workedOut);
  const [a, b] = parts;
  const { operation } = term;
  if (operation[0] === "^") return a ** Number(operation.slice(1));
  const rule = RULES[operation];
  return rule ? rule(a, b, parts) : NaN;
}

const RULES = {
  "+": (a, b, parts) => parts.reduce((total, part) => total + part, 0),
  mean: (a, b, parts) => parts.reduce((total, part) => total + part, 0) / parts.length,
  max: (a, b, parts) => Math.max(...parts),
  "*": (a, b, parts) => parts.reduce((product, part) => product * part, 1),
  "-": (a, b) => a - b,
  "/": (a, b) => a / b,
  neg: (a) => -a,
  " > ": (a, b) => Number(a > b),
  " ≥ ": (a, b) => Number(a >= b),
  " < ": (a, b) => Number(a < b),
  " ≤ ": (a, b) => Number(a <= b),
  " = ": (a, b) => Number(a === b),
  where: (a, b, parts) => (a ? b : parts[2]),
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  maximum: Math.max,
  minimum: Math.min,
  ...Object.fromEntries(
    ["tanh", "exp", "expm1", "log", "log1p", "sqrt"].map((name) => [name, (a) => Math[name](a)]),
  ),
};
