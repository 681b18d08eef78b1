r"""LaTeX as plain text: `\delta\, W^\top` becomes `δ Wᵀ`, for a terminal.

It knows what the derivations are written with. A command that it does not know stays as its name.
"""

import re
import unicodedata

TABLE = """
alpha α beta β gamma γ delta δ epsilon ε eta η theta θ kappa κ lambda λ mu μ pi π rho ρ sigma σ
tau τ phi ϕ varphi φ Phi Φ Delta Δ Sigma Σ Pi Π Omega Ω ell ℓ partial ∂ nabla ∇ infty ∞ top T
sum Σ prod Π odot ⊙ cdot · times × circ ∘ pm ± dots … ldots … cdots … mid | langle ⟨ rangle ⟩
leftarrow ← to → le ≤ ge ≥ ne ≠ in ∈ approx ≈
"""
SILENT = "left right big bigl bigr Big Bigl Bigr bigg biggl biggr displaystyle limits !"
FUNCTIONS = "max min log exp sin cos tan tanh sinh cosh arg sign diag vec det lim"
WORDS = TABLE.split()
SYMBOLS = {
    **dict(zip(WORDS[::2], WORDS[1::2], strict=True)),
    **dict.fromkeys(SILENT.split(), ""),
    **dict.fromkeys([",", ";", ":", " "], " "),
    "quad": "  ",
    "qquad": "   ",
    "|": "‖",
}
NAMES = FUNCTIONS.split()
BARE = ("text", "operatorname", "mathrm", "mathrel", "mathbf", "mathbb", "mathop", "boldsymbol")
ACCENTS = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "dot": "\u0307"}
RAISED = "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺−⁻=⁼(⁽)⁾aᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰiⁱjʲkᵏlˡmᵐnⁿoᵒpᵖrʳsˢtᵗuᵘvᵛwʷxˣyʸzᶻTᵀ**'′"
LOWERED = "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊−₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓ"
HIGH, LOW = (dict(zip(row[::2], row[1::2], strict=True)) for row in (RAISED, LOWERED))
TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}^_&]|\s+|.", re.DOTALL)


def plain(tex):
    """Return LaTeX mathematics as one line of text, without its tag."""
    tex = re.sub(r"\\tag\{\w+\}", "", tex)
    text = "".join(_sequence(TOKEN.findall(tex)))
    text = re.sub(r"\( +", "(", re.sub(r" +\)", ")", text))
    return re.sub(r" {4,}", "   ", text).strip()


def _sequence(tokens, end=None):
    """Take tokens up to `end` and return what they read as, piece by piece."""
    pieces = []
    while tokens:
        token = tokens.pop(0)
        if token == end:
            break
        if token in "^_":
            script = _argument(tokens)
            base = pieces.pop() if pieces else ""
            letters = HIGH if token == "^" else LOW
            pieces.append(base.rstrip() + _script(script, letters, token))
        elif token.isspace():
            if pieces and not pieces[-1].endswith(" "):
                pieces.append(" ")
        else:
            pieces.append(_atom(token, tokens))
    return pieces


def _atom(token, tokens):
    if token == "{":
        return "".join(_sequence(tokens, "}"))
    if token == "\\begin":
        return _environment(tokens)
    if token == "-":
        return "−"
    if not token.startswith("\\"):
        return token
    return _command(token[1:], tokens)


def _command(name, tokens):
    if name in ("frac", "tfrac", "dfrac"):
        over, under = _argument(tokens), _argument(tokens)
        return f"{_grouped(over)}/{_grouped(under, tight=True)}"
    if name == "sqrt":
        return "√" + _grouped(_argument(tokens), tight=True)
    if name in ACCENTS:
        inner = _argument(tokens)
        return unicodedata.normalize("NFC", inner[:1] + ACCENTS[name]) + inner[1:]
    if name in BARE:
        return _argument(tokens)
    if name in NAMES:
        touching = tokens and tokens[0] not in "^_({'" and not tokens[0].isspace()
        return f"{name} " if touching else name
    while name == "partial" and tokens and tokens[0].isspace():
        tokens.pop(0)
    return SYMBOLS.get(name, name)


def _argument(tokens):
    """Take one argument: a group, a command or a character."""
    while tokens and tokens[0].isspace():
        tokens.pop(0)
    return _atom(tokens.pop(0), tokens).strip() if tokens else ""


def _environment(tokens):
    r"""Take `\begin{...}` to `\end{...}`: the rows of cases or of a matrix, in braces."""
    _argument(tokens)
    body, depth = [], 0
    while tokens:
        token = tokens.pop(0)
        depth += (token == "\\begin") - (token == "\\end")
        if depth < 0:
            _argument(tokens)
            break
        body.append(token)
    rows = "".join("\0" if token == "\\\\" else token for token in body).split("\0")
    return "{ " + "; ".join(_row(row) for row in rows if row.strip()) + " }"


def _row(tex):
    cells = [plain(cell) for cell in tex.split("&")]
    return " if ".join(cells) if len(cells) == 2 else " ".join(cells)


def _script(text, letters, mark):
    if all(letter in letters for letter in text):
        return "".join(letters[letter] for letter in text)
    return mark + (text if (text.isascii() and text.isalnum()) or len(text) == 1 else f"({text})")


def _grouped(text, tight=False):
    """Return `text`, in brackets if it would fall apart beside a fraction bar."""
    flat = text
    while flat != (flat := re.sub(r"[\[(][^()\[\]]*[\])]", "()", flat)):
        pass
    loose = r"[+−/\s]|^\d+[^\W\d]" if tight else r"[+−/]"
    return f"({text})" if re.search(loose, flat[:1].lstrip("−") + flat[1:]) else text
