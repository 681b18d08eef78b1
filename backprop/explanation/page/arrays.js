// The arrays of the recording: one block of bytes, and for each array where it lies in it.

const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array };

async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// An array: its numbers in a row (the last index runs fastest), and its shape.
class Numbers {
  constructor({ type, shape, at }, block) {
    this.type = type;
    this.shape = shape;
    this.size = shape.reduce((product, n) => product * n, 1);
    this.values = new TYPES[type](block, at, this.size);
  }

  get largest() {
    if (this.most === undefined) {
      this.most = 0;
      for (const value of this.values) {
        if (Number.isFinite(value)) this.most = Math.max(this.most, Math.abs(value));
      }
    }
    return this.most;
  }

  // The shortest text that only this number has among those of its type: all its digits.
  exact(place) {
    const value = this.values[place];
    if (this.type !== "f4" || !Number.isFinite(value)) return signed(String(value));
    for (let digits = 1; digits < 9; digits += 1) {
      const text = value.toPrecision(digits);
      if (Math.fround(Number(text)) === value) return signed(String(Number(text)));
    }
    return signed(String(Number(value.toPrecision(9))));
  }

  index(place) {
    return unravelled(place, this.shape);
  }
}

// A number with few digits, for where many stand side by side.
function short(value, digits = 4) {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return signed(String(value));
  return signed(String(Number(value.toPrecision(digits))));
}

function signed(text) {
  return text.replace(/-/g, "−").replace("e+", "e");
}

function raveled(index, shape) {
  return index.reduce((place, i, axis) => place * shape[axis] + i, 0);
}

function unravelled(place, shape) {
  const index = new Array(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    index[axis] = place % shape[axis];
    place = Math.floor(place / shape[axis]);
  }
  return index;
}

// The name of an entry: x[0,1]; the index stands before what follows a name, and in its brackets.
function entryName(symbol, index) {
  const [name, ...more] = symbol.split(" of ");
  const open = name.split("(").length > name.split(")").length ? ")" : "";
  return [name + listed(index) + open, ...more].join(" of ");
}

function listed(index) {
  return index.length ? `[${index.join(",")}]` : "";
}
