"""`import backprop` is quick: it imports NumPy, and what is slow where it is used."""

import subprocess
import sys

SLOW = ("scipy", "matplotlib", "typer", "rich", "pooch", "hypothesis", "torch", "latex2mathml")


def test_import_brings_nothing_that_is_slow():
    code = f"import sys, backprop; print([name for name in {SLOW} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
