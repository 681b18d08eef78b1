"""The page as plain text, for a terminal."""

from .boxes import beside, word
from .formula import substituted
from .heatmap import heat_map
from .prose import WIDTH
from .setting import INDENT, Writer, dense, equation_of, shape_of, summed, ways_of
from .spelling import spelled


class TextWriter(Writer):
    """Writes for a terminal."""

    def __init__(self, digits, small):
        super().__init__(digits, small)
        self.style = self.text

    def title(self, item):
        rule = "=" if item.level == 1 else "-"
        return f"{'' if item.level == 1 else chr(10)}{item.text}\n{rule * len(item.text)}"

    def place(self, item):
        return f"\n{item.name}:  {item.flow}" if item.flow else f"\n{item.name}"

    def note(self, item):
        return f"\n{INDENT}{item.text}"

    def sum(self, item):
        rows = self._formula(lambda style: summed(item, style))
        return "\n".join(["", f"{INDENT}{item.name}", *rows, *self._result(item.total)])

    def record(self, record):
        rows = self._head(record)
        rows += self._formula(lambda style: substituted(record, style))
        return "\n".join([*rows, *self._result(record.value)])

    def _head(self, record, loops=False):
        """Return the rows of an equation and its line; with `loops`, of which round it is."""
        equation = equation_of(record)
        code, place = f"{INDENT}| {record.line.source}", record.line.place
        if len(code) + len(place) + 2 > WIDTH:
            code = f"{code}\n"
        gap = " " * (WIDTH - len(code.rpartition("\n")[2]) - len(place))
        counts = "".join(f"   {name} = {count}" for name, count in record.loops.items())
        formula = equation.text.rstrip(".,") + (counts if loops else "")
        return ["", f"{_number(record):>5}  {formula}", code + gap + place]

    def step(self, item):
        record = item.nodes[0].record
        rows = [""] if record is None else self._head(record, loops=True)
        return "\n".join(
            [*rows, *(row for one in item.nodes for row in self._entry(one, item.terms))]
        )

    def entries(self, item):
        return "\n".join(["", *(row for one in item.entries for row in self._entry(one))])

    def _entry(self, one, terms=4):
        """Return the rows of an entry: its formula, the same with numbers, and its value."""
        name = str(self.style.symbol(one.symbol))
        blank = " " * len(name)
        rows = []
        for values in ways_of(one.term):
            head = f"{blank if values else name} = "
            rows += self._formula(lambda style, v=values: spelled(one.term, style, v, terms), head)
        return [*rows, f"{INDENT}{blank if rows else name} = {self.style.number(one.value)}"]

    def way(self, item):
        shown = [str(beside(*spelled(one.symbol, self.style))) for one in item.factors]
        places, values = [one.place for one in item.factors], [one.value for one in item.factors]
        table = zip([*shown, ""], [*places, "product"], [*values, item.product], strict=True)
        width = max(map(len, shown))
        room = max(WIDTH - len(INDENT) - width - 16, *map(len, places))
        rows = [
            f"{INDENT}{name:{width}}  {place:{room}}{self.style.number(value):>14}"
            for name, place, value in table
        ]
        return "\n".join(["", f"{INDENT}{item.title}:", *rows])

    def _formula(self, draw, head="= "):
        """Return the rows of what `draw` draws in pieces: small arrays in full where they fit."""
        full, short = draw(self.text), draw(self.short)
        lines = [
            beside(*((short if wide else full)[k] for k, wide in line))
            for line in self.broken(draw, head)
        ]
        starts = [head, *[" " * len(head)] * len(lines)]
        return [
            row for line, start in zip(lines, starts, strict=False) for row in _rows(line, start)
        ]

    def _result(self, value):
        """Return the rows of a result, with its shape at the end."""
        if isinstance(value, tuple):
            return [row for one in value for row in self._result(one)]
        value = dense(value)
        shape = shape_of(value)
        fits = self.fits(value)
        box = self.style.value(value) if fits else word(self.style.summary(value))
        rows = _rows(box)
        rows[box.base] = f"{rows[box.base]:{WIDTH - len(shape)}}{shape}".rstrip()
        return rows if fits else [*rows, *(f"{INDENT}{row}" for row in heat_map(value))]


def _number(record):
    """Return the equation's number; with the function's name, if it is one that a layer calls."""
    helper = f"{record.chapter} " if record.chapter.islower() else ""
    return f"{helper}({record.tag})"


def _rows(box, head="= "):
    """Return the rows of a box behind an equals sign."""
    return [f"{INDENT}{row}".rstrip() for row in beside(word(head), box).rows]
