"""The documentation: `python -m sphinx -W --keep-going -n docs docs/_build/html`.

Nothing is fetched, and nothing in the pages is fetched either: formulas are MathML, and
`check_links.py` holds the built pages to it.
"""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

here = Path(__file__).parent
sys.path[:0] = [str(here.parent), str(here / "_ext")]

project = "backprop"
author = "The backprop maintainers"
version = release = version_of("explicit-backprop")

extensions = [
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    "formulas",
    "chapters",
    "derivations",
    "reference",
    "notebooks",
    "front",
    "names",
]
exclude_patterns = ["_build", "_ext", "_generated"]
root_doc = "index"

html_theme = "pydata_sphinx_theme"
html_title = "backprop"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "formulas"
html_sidebars = {name: [] for name in ("index", "notation")}
html_show_search_summary = False  # what a page opened from a folder could not fetch
html_context = {"default_mode": "auto"}
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navigation_with_keys": False,
    "navbar_persistent": ["search-button"],
    "show_prev_next": True,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
    "pygments_light_style": "github-light",
    "pygments_dark_style": "github-dark",
}

myst_enable_extensions = ["amsmath", "attrs_block", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_update_mathjax = False
nb_execution_mode = "off"  # the notebooks come with their outputs
nb_render_markdown_format = "myst"  # so that formulas in outputs are formulas
nb_ipywidgets_js = {}
toc_object_entries_show_parents = "hide"
copybutton_selector = "div:not(.no-copybutton) > div.highlight > pre"
copybutton_exclude = ".linenos, .gp, .go"
