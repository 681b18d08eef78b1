"""Fresh interpreters, for what has to be measured in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import backprop

ROOT = str(Path(backprop.__file__).parents[1])


def python(*words):
    """Run Python with these arguments, this same package in its path, and return what it printed.

    Raises subprocess.CalledProcessError if it fails.
    """
    path = os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
