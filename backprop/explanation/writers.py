"""The page of an example in three forms: text, Markdown with LaTeX, and a LaTeX document."""

from .markup import LatexWriter, MarkdownWriter
from .setting import Note, Writer, equation_of
from .terminal import TextWriter

__all__ = ["LatexWriter", "MarkdownWriter", "Note", "TextWriter", "Writer", "equation_of"]
