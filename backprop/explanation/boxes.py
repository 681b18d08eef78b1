"""Text in two dimensions: matrices side by side on one line of a formula."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Box:
    """Rows of text of one width; row `base` is the one that neighbours line up with."""

    rows: tuple[str, ...]
    base: int = 0

    @property
    def width(self):
        """How many characters a row has."""
        return len(self.rows[0])

    def __str__(self):
        """Return the rows, one below the other."""
        return "\n".join(row.rstrip() for row in self.rows)


def word(text):
    """Return a box of one row."""
    return Box((text,))


def beside(*boxes):
    """Return boxes one after the other, their base rows in one line."""
    above = max(box.base for box in boxes)
    below = max(len(box.rows) - box.base for box in boxes)
    rows = [
        "".join(
            box.rows[row + box.base] if 0 <= row + box.base < len(box.rows) else " " * box.width
            for box in boxes
        )
        for row in range(-above, below)
    ]
    return Box(tuple(rows), above)


def grid(cells):
    """Return rows of texts as columns that are flush right, two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rows = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]
    return Box(tuple(rows), (len(rows) - 1) // 2)


def bracketed(box):
    """Return a box in round brackets as tall as it is."""
    n = len(box.rows)
    if n == 1:
        return Box((f"({box.rows[0]})",))
    left = "⎛" + "⎜" * (n - 2) + "⎝"
    right = "⎞" + "⎟" * (n - 2) + "⎠"
    rows = zip(left, box.rows, right, strict=True)
    return Box(tuple(f"{a} {row} {b}" for a, row, b in rows), box.base)


def raised(box, mark):
    """Return a box with a superscript at its upper end."""
    rows = [row + (mark if k == 0 else " " * len(mark)) for k, row in enumerate(box.rows)]
    return Box(tuple(rows), box.base)
