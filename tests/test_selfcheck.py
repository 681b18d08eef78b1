"""`backprop check` leaves nothing out and finds nothing wrong."""

import backprop as bp
from backprop.selfcheck import selfcheck


def test_everything_public_is_checked_and_right():
    names = []
    for name, report in selfcheck():
        report.assert_ok()
        names.append(name.split("(")[0])
    public = [value for value in vars(bp).values() if isinstance(value, type)]
    kinds = {kind.__name__ for kind in public if issubclass(kind, bp.Layer | bp.Loss)}
    assert kinds - {"Layer", "Loss"} == set(names)
