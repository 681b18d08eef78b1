"""Check the built pages: `python docs/check_links.py docs/_build/html`.

Every relative link leads to a page and a place in it that exist, every file that a page needs lies
beside it, and nothing is fetched from anywhere else.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

URL = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
NEEDED = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src"}


class Page(HTMLParser):
    """What a page links to, what it needs, and the places in it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.needs, self.places, self.styling = [], [], set(), False
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        """Take note of links and places."""
        found = dict(attrs)
        self.places.update(found[name] for name in ("id", "name") if found.get(name))
        self.styling = tag == "style"
        self.needs += [("style", url) for url in urls(found.get("style") or "")]
        if tag == "a" and found.get("href") is not None:
            self.links.append(found["href"])
        elif tag in NEEDED and found.get(NEEDED[tag]):
            self.needs.append((tag, found[NEEDED[tag]]))

    def handle_data(self, data):
        """Take note of what a style sheet in the page needs."""
        if self.styling:
            self.needs += [("style", url) for url in urls(data)]


def urls(css):
    """Return what a style sheet refers to."""
    return [first or second for first, second in URL.findall(css)]


def outside(url):
    """Return whether a URL leads out of the folder."""
    return bool(urlsplit(url).scheme or urlsplit(url).netloc)


def wrong(top):
    """Yield what is wrong in the pages of a folder."""
    written = [path for path in sorted(top.rglob("*.html")) if "_static" not in path.parts]
    pages = {path.resolve(): Page(path) for path in written}
    for path, page in pages.items():
        for url in page.links:
            if outside(url):
                continue
            parts = urlsplit(url)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.exists():
                yield path, f"leads to {url}, which does not exist"
            elif place and target in pages and place not in pages[target].places:
                yield path, f"leads to {url}, and there is no such place"
        for tag, url in page.needs:
            yield from _needed(path, tag, url)
    for path in top.rglob("*.css"):
        for url in urls(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)):
            yield from _needed(path, "style", url)
    if not pages:
        yield top, "has no pages"


def _needed(path, tag, url):
    if url.startswith(("data:", "#")):
        return
    if outside(url):
        yield path, f"fetches {url} ({tag})"
    elif not (path.parent / unquote(urlsplit(url).path)).exists():
        yield path, f"needs {url} ({tag}), which does not exist"


def main(folder):
    """Print what is wrong, or how much is right, and return the exit code."""
    top = Path(folder).resolve()
    found = list(wrong(top))
    for path, text in found:
        print(f"{path.relative_to(top)} {text}")
    print(f"{len(found)} links or files wrong" if found else "every link leads somewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
