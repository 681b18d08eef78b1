r"""Formulas as MathML, which a browser sets by itself: no script, no fonts, no network.

`\tag{n}` becomes the number at the right. A formula that cannot be translated, or in which a
command is left over, is a warning, and so an error of the build.
"""

import functools
import html
import itertools
import re
import xml.etree.ElementTree as ET

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

log = logging.getLogger(__name__)
TAG = re.compile(r"\\tag\{(\w+)\}")
MATHML = "{http://www.w3.org/1998/Math/MathML}"
OPERATOR = f"{MATHML}mo"
ET.register_namespace("", MATHML.strip("{}"))
KNOWN = {
    r"\\arg\b": r"\\operatorname{arg}",
    r"\\[Bb]ig[lr]\\([lr]Vert)\b": r"\\\1",
    r"\\mathrel\{\+\}=": "⩲",
    r"\\(begin|end)\{(aligned|align|split)\}": r"\\\1{align*}",
    r"\\(begin|end)\{(gathered|gather)\}": r"\\\1{gather*}",
}
"""What the translator does not know, said otherwise; ⩲ stands for += until it is translated."""
THIN, MEDIUM = "0.167em", "0.222em"
BINARY = set("⊙×·∘⋅∗")
"""Signs that TeX sets as binary operators and browsers too narrowly."""
SIGNS, CLOSE = set("+-−"), set(")]}|!′'")
FUNCTIONS = {"tanh", "sinh", "cosh", "exp", "log", "ln", "max", "min", "sign", "arg"}


@functools.cache
def mathml(tex, display):
    """Return a formula as MathML; raises ValueError where that cannot be done."""
    for said, known in KNOWN.items():
        tex = re.sub(said, known, tex)
    tex = tex.strip()
    if display and r"\\" in tex and r"\begin" not in tex:
        tex = rf"\begin{{align*}}{tex}\end{{align*}}"
    try:
        root = ET.fromstring(convert(tex, display="block" if display else "inline"))
    except Exception as error:
        raise ValueError(f"no MathML for {tex!r}: {error!r}") from error
    for each in root.iter():
        each.text = (each.text or "").replace(r"\_", "_").replace("⩲", "+=") or None
    left = [each.text for each in root.iter() if "\\" in (each.text or "")]
    if left:
        raise ValueError(f"{left[0]} is not known, in {tex!r}")
    for parent in list(root.iter()):
        _space(parent)
        _align(parent)
    return ET.tostring(root, encoding="unicode")


def _align(table):
    """Say in style how the cells of a table stand: browsers heed no attribute for it."""
    beside = table.tag == f"{MATHML}mtable" and table.get("displaystyle") == "true"
    for cell in table.findall(f"{MATHML}mtr/{MATHML}mtd"):
        if side := cell.attrib.pop("columnalign", None):
            other = "left" if side == "left" else "right"
            gap = f"; padding-{other}: 0" if beside else ""
            cell.set("style", f"text-align: {side}{gap}")


def _space(parent):
    """Set operators and the names of functions as far apart as TeX does."""
    row = list(parent)
    for before, child in itertools.pairwise([None, *row]):
        if child.tag != OPERATOR:
            continue
        if child.text in BINARY and len(row) > 1:
            child.attrib.update(lspace=MEDIUM, rspace=MEDIUM)
        elif child.text == "/":
            child.attrib.update(lspace="0", rspace="0")
        elif child.text in FUNCTIONS:
            child.attrib.update(lspace="0", rspace=THIN)
        elif child.text in SIGNS and before is not None and _opens(before):
            child.set("form", "prefix")  # -1 after a bracket or an equals sign: no difference
    if parent.tag.removeprefix(MATHML) not in {"math", "mrow", "mtd", "mstyle"}:
        return
    for one, following in itertools.pairwise(row):
        cores = _core(one), _core(following)
        if all(each.tag != OPERATOR for each in cores) and _named(*cores):
            place = list(parent).index(following)
            parent.insert(place, ET.Element(f"{MATHML}mspace", width=THIN))


def _opens(element):
    """Return whether a sign after this one belongs to what follows."""
    return element.tag == OPERATOR and element.text not in CLOSE


def _core(element):
    """Return what carries the indices and powers, if there are any."""
    scripts = {"msup", "msub", "msubsup", "munder", "mover", "munderover"}
    while element.tag.removeprefix(MATHML) in scripts:
        element = element[0]
    return element


def _named(*elements):
    """Return whether one of them is the name of a function."""
    return any(each.text in FUNCTIONS for each in elements)


def _translated(translator, node, display):
    tex = node.astext()
    try:
        return mathml(TAG.sub("", tex), display)
    except ValueError as error:
        log.warning("%s", error, location=node)
        return f"<code>{html.escape(tex)}</code>"


def visit_inline(translator, node):
    """Write a formula in a line."""
    translator.body.append(_translated(translator, node, False))
    raise nodes.SkipNode


def visit_block(translator, node):
    """Write a displayed formula, its number at the right."""
    number = TAG.search(node.astext())
    shown = f'<span class="number">({number[1]})</span>' if number else ""
    formula = _translated(translator, node, True)
    anchor = node["ids"][0] if node["ids"] else ""
    attribute = f' id="{anchor}"' if anchor else ""
    translator.body.append(
        f'<div class="equation"{attribute}><div class="formula">{formula}</div>{shown}</div>\n'
    )
    raise nodes.SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("formulas", (visit_inline, None), (visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
