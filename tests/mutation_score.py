"""How many wrong derivatives does the gradient check catch? `python tests/mutation_score.py`.

Every line under **Backward** of every public layer and loss is changed in every way that
`backprop.checks.mutants` knows, one at a time, and the gradient check runs over the configurations
of cases.py, the quickest first. A mutant is caught if one of them shows wrong numbers, or if the
check finds something before it compares numbers: backward raises, or a shape is wrong.
"""

import sys

import backprop as bp
from backprop.checks.mutants import mutants
from backprop.compiled import readable
from cases import CASES, LOSS_CASES

NUMBERS, FINDING, SURVIVED = "by numbers", "by a finding", "survived"


def public_kinds():
    """Return every public class of layers and losses that has mutants, by name."""
    public = {value for value in vars(bp).values() if isinstance(value, type)}
    kinds = {kind for kind in public if issubclass(kind, bp.Layer | bp.Loss)}
    return sorted((kind for kind in kinds if mutants(kind)), key=lambda kind: kind.__name__)


def trials(kind):
    """Return `(case, layer or loss)` of every configuration of `kind`, the quickest first."""
    layers = [(case, case.build()) for case in CASES if type(case.layer) is kind]
    losses = [(case, case.build()) for case in LOSS_CASES if type(case.loss) is kind]
    return sorted(layers, key=lambda trial: _cost(*trial)) + losses


def _cost(case, layer):
    """Return about what a check costs: how many numbers it disturbs, times how many it computes."""
    xs = case.inputs()
    return (sum(x.size for x in xs) + layer.param_count) * layer.predict(*xs).size


def verdict(mutant, trials):
    """Return how a mutant is caught: by a finding only if no configuration shows wrong numbers."""
    found = SURVIVED
    for case, thing in trials:
        with readable():  # it is the NumPy lines that are changed
            report = case.gradcheck(mutant.applied(thing))
        if any(row.verdict == "wrong" for row in report.comparisons):
            return NUMBERS
        if report.verdict == "wrong":
            found = FINDING
    return found


def score(kind):
    """Return {mutant: verdict} of a class."""
    tried = trials(kind)
    return {mutant: verdict(mutant, tried) for mutant in mutants(kind)}


def main():
    """Print the score, class by class, and the survivors; return how many survived."""
    print(f"{'':22}{'mutants':>8}{'caught':>8}{NUMBERS:>12}{FINDING:>14}")
    found = {}
    for kind in public_kinds():
        found |= (of_kind := score(kind))
        print(_row(kind.__name__, list(of_kind.values())), flush=True)
    print(_row("total", list(found.values())))
    survivors = [mutant for mutant, how in found.items() if how == SURVIVED]
    print(f"\n{len(found) - len(survivors)}/{len(found)} caught")
    for mutant in survivors:
        print(f"survived: {mutant}")
    return len(survivors)


def _row(name, verdicts):
    numbers, findings = verdicts.count(NUMBERS), verdicts.count(FINDING)
    return f"{name:22}{len(verdicts):8}{numbers + findings:8}{numbers:12}{findings:14}"


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
