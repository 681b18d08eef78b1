"""Gradient checks: is this derivative right, and if not, what is it instead?"""

from .certificate import Certificate
from .certify import certify
from .comparison import Comparison
from .estimates import Slope, central_difference, complex_step, richardson
from .gradcheck import gradcheck
from .ours import OfLayer, OfLoss
from .purity import Finding
from .report import Diagnosis, Report
from .styles import Function, Method, OnSelf, Pair, WithCache
from .subjects import Subject

__all__ = [
    "Certificate",
    "Comparison",
    "Diagnosis",
    "Finding",
    "Function",
    "Method",
    "OfLayer",
    "OfLoss",
    "OnSelf",
    "Pair",
    "Report",
    "Slope",
    "Subject",
    "WithCache",
    "central_difference",
    "certify",
    "complex_step",
    "gradcheck",
    "richardson",
]
