"""What the tests of pictures look for in them."""

import itertools

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text


def texts(figure):
    """Return every text that a picture really draws, with its box in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    draw, lines = renderer.draw_text, []

    def noted(gc, x, y, line, *more, **keywords):
        lines.append((line, keywords.get("mtext")))
        draw(gc, x, y, line, *more, **keywords)

    renderer.draw_text = noted
    figure.draw(renderer)
    singly = {text for _, text in lines if text is not None}
    wrapped = {line for line, text in lines if text is None}
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text in singly or text.get_text().split("\n")[0] in wrapped
    ]


def assert_legible(figure):
    """Assert that no text of a picture overlaps another or leaves it."""
    width, height = figure.get_size_inches() * figure.dpi
    found = texts(figure)
    for (one, a), (two, b) in itertools.combinations(found, 2):
        assert not a.shrunk(0.9, 0.7).overlaps(b.shrunk(0.9, 0.7)), (one, two)
    for word, box in found:
        assert -1 <= box.x0 <= box.x1 <= width + 1, word
        assert -1 <= box.y0 <= box.y1 <= height + 1, word


def named(figure):
    """Return the artists of a picture by the names that they have in its SVG file."""
    found = {}
    for artist in figure.findobj():
        if artist.get_gid():
            found.setdefault(artist.get_gid(), []).append(artist)
    return found


def words(figure):
    return [word for word, _ in texts(figure)]
