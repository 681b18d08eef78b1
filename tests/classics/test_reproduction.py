"""The table of a reproduction: what agrees, what does not, and how it is told."""

import numpy as np
import pytest

from backprop.classics import Classic, Reproduction
from backprop.classics.reproduction import COMPUTED, TWO_WAYS


@pytest.fixture
def table():
    return Reproduction(Classic("A. Author", 1986, "A title"))


def verdict(table):
    return table.rows[-1].ok


@pytest.mark.parametrize(
    ("published", "ours", "ok"),
    [
        ("0.25", 0.25, True),
        ("0.25", 0.2599, True),  # cut
        ("0.25", 0.2401, True),  # rounded up
        ("0.25", 0.2611, False),
        ("0.25", 0.2389, False),
        ("2.5e-05", 2.59e-05, True),
        ("2.5e-05", 2.61e-05, False),
        ("3", 3, True),
        ("3", 3.0001, False),  # whole numbers are met exactly
        ("1e3", 1000.0, True),
        (0.1, 0.1 + 1e-18, True),
        (1.0, 1.05, False),  # a float is meant to all its digits
        (np.float64(0.5), 0.5, True),
        (3, 3.0, True),
        ("1.0000000000000002", 1 + 1e-13, True),  # rounding
        ("0.1 0.2", [0.1, 0.2], True),
        ("0.1 0.2", [0.1, 0.9], False),
        ([0.5, "0.25"], np.array([[0.5], [0.25]]), True),
        ("0.25", np.nan, False),
        ("0.25", np.inf, False),
    ],
)
def test_a_number_agrees_to_the_last_printed_digit(table, published, ours, ok):
    table.number("x", published, ours)
    assert verdict(table) is ok
    assert bool(table) is ok


def test_a_stated_tolerance_takes_the_place_of_the_last_digit(table):
    table.number("x", "0.25", 0.2500001, tolerance=1e-6)
    assert verdict(table) is True
    table.number("x", "0.25", 0.2500001, tolerance=1e-8)
    assert verdict(table) is False


def test_as_many_numbers_on_both_sides(table):
    with pytest.raises(ValueError, match=r"^the row 'x' expects 2 numbers, got 3$"):
        table.number("x", "1.0 2.0", [1.0, 2.0, 3.0])
    assert table.rows == []


@pytest.mark.parametrize(
    ("ours", "ok"), [(7, True), (11, True), (9, True), (6.999, False), (11.001, False)]
)
def test_a_band_holds_its_bounds(table, ours, ok):
    table.band("solved", 7, 11, ours)
    assert verdict(table) is ok


def test_a_number_that_is_not_one_lies_in_no_band(table):
    table.band("solved", 7, 11, np.nan)
    assert verdict(table) is False


def test_a_claim_is_equal_or_not(table):
    table.claim("patterns", "4 of 4", "4 of 4")
    assert verdict(table) is True
    table.claim("patterns", "4 of 4", "3 of 4")
    assert verdict(table) is False


def test_what_is_told_is_not_asserted(table):
    table.told("accuracy", "0.99", 0.5, why="the data are not there")
    assert verdict(table) is None
    assert table


def test_a_row_says_where_its_number_comes_from(table):
    table.number("a", "1.0", 1.0, computed=True)
    table.number("b", "1.0", 1.0, remark=TWO_WAYS)
    table.band("c", 0, 1, 0.5, remark=COMPUTED)
    table.band("d", 0, 1, 0.5, published="about 0.6", remark=COMPUTED)
    table.claim("e", 4, 4, remark=TWO_WAYS)
    assert [row.remark for row in table.rows] == [
        "computed, not printed by the author",
        "two ways of this package, which have to agree",
        "computed, not printed by the author",
        "asserted: 0 to 1; computed, not printed by the author",
        "two ways of this package, which have to agree",
    ]


def test_long_numbers_are_shown_rounded(table):
    table.number("x", "0.2983711087600027 1.5", [0.2983711087600027, 1.5])
    assert table.rows[0].published == table.rows[0].ours == "0.2983711088 1.5"


def test_the_table_as_text(table):
    table.number("E", "0.25 0.5 1.25 3", [0.25, 0.5, 1.25, 3])
    table.number("delta", "0.125", 0.5, computed=True)
    table.band("solved", 7, 11, 8)
    table.told("seconds", "60", 2.0, why="another machine")
    assert str(table).splitlines() == [
        "A. Author (1986). A title",
        "",
        "quantity  published         ours              difference",
        "E         0.25 0.5 ... (4)  0.25 0.5 ... (4)  0.0e+00",
        "delta     0.125             0.5               3.8e-01     WRONG [1]",
        "solved    7 to 11           8",
        "seconds   60                2                             [2]",
        "[1] computed, not printed by the author",
        "[2] another machine",
        "2 of 3 agree; 1 told, not asserted",
    ]


def test_the_table_as_markdown(table):
    table.claim("|x|", "1", "1")
    table.told("seconds", "60", 2.0, why="another machine")
    assert table._repr_markdown_() == table.markdown()
    assert table.markdown().splitlines() == [
        "## A. Author (1986). A title",
        "",
        "| quantity | published | ours | difference |  |",
        "| --- | --- | --- | --- | --- |",
        "| \\|x\\| | 1 | 1 |  |  |",
        "| seconds | 60 | 2 |  | [1] |",
        "",
        "[1] another machine  ",
        "",
        "1 of 1 agree; 1 told, not asserted.",
    ]


def test_assert_ok_raises_with_the_table(table):
    table.claim("x", 1, 1)
    table.assert_ok()
    table.claim("x", 1, 2)
    with pytest.raises(AssertionError) as caught:
        table.assert_ok()
    assert str(caught.value) == str(table)


def test_a_table_is_wrapped_to_a_number_of_columns():
    table = Reproduction(Classic("N. N.", 2000, "A title"))
    numbers = [0.593269992, 0.596884378]
    table.number("two numbers of a long name", "0.593269992 0.596884378", numbers)
    remark = "a remark that is longer than there are columns in the line"
    table.claim("x", "one", "one", remark=remark)
    assert (
        table.text(54)
        == """N. N. (2000). A title

quantity     published    ours         difference
two numbers  0.593269992  0.593269992  0.0e+00
of a long    0.596884378  0.596884378
name
x            one          one                      [1]
[1] a remark that is longer than there are columns in
    the line
2 of 2 agree"""
    )
    assert table.text() == str(table)
    assert "0.593269992  0.593269992" in table.text(5)


def test_a_wrong_number_has_its_remark_beside_it(table):
    table.number("x", "1.0", 2.0, computed=True)
    assert str(table).splitlines()[3].endswith("  WRONG [1]")
