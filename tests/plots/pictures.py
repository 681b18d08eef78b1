"""What the tests of pictures look for in them."""

import itertools

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text


def texts(figure):
    """Return every visible text of a drawn picture with its box in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    found = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    shown = [(t.get_text(), t.get_window_extent(canvas.get_renderer())) for t in found]
    # Ticks beyond the limits of their axes are found, but nobody draws them.
    return [(word, box) for word, box in shown if box.x1 > 0 and box.y1 > 0]


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
