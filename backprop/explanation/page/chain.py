"""The chain of factors to one number as a page: all of it at once, to read from top to bottom."""

import html

from ..markup import MarkdownWriter
from ..spelling import spelled
from .files import filled
from .mathml import mathml


class HtmlWriter(MarkdownWriter):
    """Writes HTML: what Markdown has as LaTeX is MathML here."""

    def page(self, items):
        """Return all items in one document."""
        first, *rest = items
        body = "\n".join(self._item(item) for item in rest)
        return filled("chain.html", title=html.escape(first.text), body=body)

    def _item(self, item):
        return getattr(self, type(item).__name__.lower())(item)

    def place(self, item):
        flow = f" <small>{html.escape(item.flow)}</small>" if item.flow else ""
        return f"<h2>{html.escape(item.name)}{flow}</h2>"

    def note(self, item):
        return f"<p>{html.escape(item.text)}</p>"

    def step(self, item):
        return f"<section>\n{super().step(item)}\n</section>"

    def way(self, item):
        rows = [
            (mathml("".join(spelled(one.symbol, self.style))), html.escape(one.place), one.value)
            for one in item.factors
        ]
        rows.append(("", "product", item.product))
        head = "".join(f'<th scope="col">{name}</th>' for name in (item.title, "where", "value"))
        body = "\n".join(
            f"<tr><td>{factor}</td><td>{place}</td><td>{mathml(self.style.number(value))}</td></tr>"
            for factor, place, value in rows
        )
        table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
        return f'<div class="scrolled" tabindex="0">{table}</div>'

    def _equation(self, equation):
        formula, tag = mathml(equation.tex, "block"), f'<span class="tag">({equation.tag})</span>'
        return f'<div class="equation">{formula}{tag}</div>'

    def _code(self, code):
        return f'<div class="code"><pre><code>{html.escape(code)}</code></pre></div>'

    def _aligned(self, name, lines):
        """Return equal things, each in a row that can be broken."""
        heads = [name, *[""] * (len(lines) - 1)]
        rows = [mathml(f"{head} = {line}") for head, line in zip(heads, lines, strict=True)]
        return '<div class="scrolled" tabindex="0">' + "<br>".join(rows) + "</div>"
