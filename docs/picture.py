"""Makes docs/images/explain.png, the README's picture of `explain`: `python docs/picture.py`.

It needs the extra `browser` and a Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

COMMAND = "explain --data digits --index 5 --model cnn --out"
PICTURE = Path(__file__).parent / "images" / "explain.png"
STEP = 3
"""The step shown: equation (2) of the first convolution."""
POINTER = (241, 22)
"""Where the pointer is, in pixels of the step's first map."""


def main():
    """Make the page, open it, take the step, point at an entry, and take the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "page.html"
        subprocess.run([sys.executable, "-m", "backprop", *COMMAND.split(), str(path)], check=True)
        found = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1160}, color_scheme="light")
        page.goto(f"{path.as_uri()}#step={STEP}")
        page.wait_for_function("window.explanation")
        page.locator("canvas").first.hover(position={"x": POINTER[0], "y": POINTER[1]})
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
