"""The tables of benchmarks that are told are those of the figures that were measured."""

import importlib.util
import json
from pathlib import Path

import pytest

from backprop.bench import gradient_cost, growth, results, startup

TOP = Path(__file__).parents[1]
BENCHMARKS = TOP / "benchmarks"
KINDS = {
    "race": results.Results,
    "growth": growth.Growth,
    "startup": startup.Startup,
    "gradient": gradient_cost.GradientCost,
}


def script():
    """Return `benchmarks/run.py` as a module."""
    spec = importlib.util.spec_from_file_location("run", BENCHMARKS / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_the_page_of_benchmarks_shows_what_was_measured(name, kind):
    found = json.loads((BENCHMARKS / f"{name}.json").read_text())
    table = kind(found["rows"], found["settings"], found["notes"]).markdown()
    assert table in (BENCHMARKS / "README.md").read_text()
    assert (BENCHMARKS / f"{name}.png").exists()


def test_the_readme_shows_a_summary_of_it():
    run = script()
    summary = run.summary(BENCHMARKS / "race.json")
    assert f"{run.BEGIN}\n\n{summary}\n\n{run.END}" in (TOP / "README.md").read_text()
