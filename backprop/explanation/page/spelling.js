// Formulas of single numbers as text, with symbols or with values.

const SUM = 0, PRODUCT = 1, POWER = 2, ATOM = 3;
const FUNCTIONS = { sigmoid: "σ", maximum: "max", minimum: "min" };

// A name of the source in the derivation's letters: `delta` is δ, `dgamma` is dγ.
function lettered(name, letters) {
  return name.replace("[part]", "").replace(/^(φ'\()?(d?)([A-Za-z]+)/, (all, slope = "", d, rest) => {
    if (letters[d + rest]) return slope + letters[d + rest];
    if (rest === "xhat") return `${slope}${d}x̂`;
    return slope + d + (letters[rest] || rest);
  });
}

class Speller {
  constructor(letters) {
    this.letters = letters;
  }

  symbols(term) {
    return this.spelled(term, (number) => [ATOM, lettered(number.symbol, this.letters)])[1];
  }

  values(term) {
    return this.spelled(term, (number) => {
      const value = Number(number.value);
      return [value < 0 ? SUM : ATOM, short(value, 6)];
    })[1];
  }

  // How tightly a formula binds, and its text.
  spelled(term, leaf) {
    if (!term.parts) return leaf(term);
    const { operation } = term;
    const parts = term.parts.map((part) => this.spelled(part, leaf));
    if (operation === "+" || operation === "*") {
      const level = operation === "+" ? SUM : PRODUCT;
      const shown = parts.map((part, k) => grouped(part, level, k > 0 && !term.parts[k].parts));
      return [level, shown.join(level === SUM ? " + " : " · ")];
    }
    if (operation === "-" || operation === "/") {
      const level = operation === "-" ? SUM : PRODUCT;
      const mark = operation === "-" ? "−" : "/";
      return [level, `${grouped(parts[0], level)} ${mark} ${grouped(parts[1], level, true)}`];
    }
    if (operation === "neg") return [SUM, `−${grouped(parts[0], POWER)}`];
    if (operation[0] === "^") return [POWER, grouped(parts[0], ATOM) + raised(operation.slice(1))];
    if (operation[0] === " ") return [ATOM, `[${parts[0][1]}${operation}${parts[1][1]}]`];
    if (operation === "where") {
      const [where, yes, no] = parts.map((part) => part[1]);
      return [SUM, `${yes} where ${where}, else ${no}`];
    }
    const name = FUNCTIONS[operation] || operation;
    return [ATOM, `${name}(${parts.map((part) => part[1]).join(", ")})`];
  }
}

function grouped([level, text], least, strictly = false) {
  return level < least || (strictly && level === least) ? `(${text})` : text;
}

function raised(power) {
  return [...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit] || digit).join("");
}
