"""The files that a page is made of: they lie in this folder."""

import importlib.resources


def read(name):
    """Return the text of a file of this folder."""
    return importlib.resources.files(__name__.rpartition(".")[0]).joinpath(name).read_text("utf-8")


def filled(name, **parts):
    """Return a page with its parts, and the style that all pages have, in their places."""
    page = read(name)
    for key, text in {"style": read("page.css"), **parts}.items():
        page = page.replace(f"{{{{ {key} }}}}", text)
    return page
