"""Gradient checks."""

from .estimates import central_differences, complex_step
from .gradcheck import gradcheck
from .report import Comparison, Report

__all__ = ["Comparison", "Report", "central_differences", "complex_step", "gradcheck"]
