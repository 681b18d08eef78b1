"""Rumelhart, Hinton and Williams 1986: family trees."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop import HalfSquaredError, gradcheck
from backprop.classics import family_trees
from backprop.classics.family_trees import (
    FASTER,
    PEOPLE,
    RELATIONS,
    Tolerant,
    answers,
    divided,
    examples,
    network,
    questions,
    relatives,
    right,
    train,
)

NAMES = ", ".join(map(repr, PEOPLE))
WAYS = ", ".join(map(repr, RELATIONS))


def test_24_people_104_questions_112_triples_and_8_questions_with_two_answers():
    assert len(PEOPLE) == len(set(PEOPLE)) == 24
    assert len(RELATIONS) == len(set(RELATIONS)) == 12
    counts = [len(answers(*pair)) for pair in questions()]
    assert (len(counts), sum(counts), counts.count(2), max(counts)) == (104, 112, 8, 2)


@pytest.mark.parametrize(
    ("person", "relation", "expected"),
    [
        ("Colin", "aunt", ["Jennifer", "Margaret"]),
        ("Charlotte", "uncle", ["Arthur", "Charles"]),
        ("Arthur", "niece", ["Charlotte"]),
        ("Charles", "nephew", ["Colin"]),
        ("Sophia", "brother", ["Alfonso"]),
        ("Colin", "brother", []),
        ("Colin", "mother", ["Victoria"]),
        ("Marco", "father", ["Pierro"]),
        ("Maria", "daughter", ["Lucia"]),
        ("Penelope", "husband", ["Christopher"]),
        ("Tomaso", "wife", ["Angela"]),
        ("Christopher", "father", []),
    ],
)
def test_answers(person, relation, expected):
    assert answers(person, relation) == expected


def test_every_relation_has_its_converse():
    converses = {
        **dict.fromkeys(("father", "mother"), ("son", "daughter")),
        **dict.fromkeys(("son", "daughter"), ("father", "mother")),
        **dict.fromkeys(("uncle", "aunt"), ("nephew", "niece")),
        **dict.fromkeys(("nephew", "niece"), ("uncle", "aunt")),
        **dict.fromkeys(("brother", "sister"), ("brother", "sister")),
        "husband": ("wife",),
        "wife": ("husband",),
    }
    for person, relation in questions():
        for other in answers(person, relation):
            back = [answers(other, each) for each in converses[relation]]
            assert sum(person in names for names in back) == 1


def test_the_two_trees_have_the_same_shape():
    twin = dict(zip(PEOPLE[:12], PEOPLE[12:], strict=True))
    english = [pair for pair in questions() if pair[0] in twin]
    assert len(english) == 52
    for person, relation in english:
        expected = [twin[name] for name in answers(person, relation)]
        assert answers(twin[person], relation) == expected


def test_examples():
    persons, relations, targets = examples([("Colin", "aunt"), ("Maria", "son")])
    assert (persons.shape, relations.shape, targets.shape) == ((2, 24), (2, 12), (2, 24))
    assert PEOPLE[persons[0].argmax()] == "Colin"
    assert RELATIONS[relations[0].argmax()] == "aunt"
    assert_array_equal(persons.sum(axis=1), 1)
    assert_array_equal(relations.sum(axis=1), 1)
    assert [PEOPLE[i] for i in np.flatnonzero(targets[0])] == ["Jennifer", "Margaret"]


def test_630_parameters():
    assert network(0).param_count == 150 + 78 + 156 + 78 + 168 == 630
    assert abs(network(0).parameters).max() < 0.3 < abs(network(0, 1.0).parameters).max() < 1


def test_the_net_written_out():
    net, (persons, relations, _) = network(4, 1.0), examples(questions()[:7])
    W = net.params
    first, second, third, fourth, last = (0, 2, 5, 7, 9)

    def layer(x, number):
        return 1 / (1 + np.exp(-(x @ W[f"{number}.W"] + W[f"{number}.b"])))

    middle = np.concatenate([layer(persons, first), layer(relations, second)], axis=1)
    y = layer(layer(layer(middle, third), fourth), last)
    assert_allclose(net.predict(persons, relations), y, rtol=1e-13)


def test_the_tolerant_loss():
    loss, y = Tolerant(), np.array([[0.85, 0.75, 0.1, 0.3]])
    value, cache = loss.forward(y, np.array([[1, 1, 0, 0]]))
    assert_allclose(value, (0.25**2 + 0.3**2) / 2, rtol=1e-14)
    assert_allclose(loss.backward(cache), [[0, -0.25, 0, 0.3]], rtol=1e-14)


def test_without_a_margin_it_is_half_the_squared_error():
    rng = np.random.default_rng(0)
    y, t = rng.random((3, 5)), rng.random((3, 5))
    for reduction in ("sum", "mean"):
        found, plain = (
            Tolerant(margin=0, reduction=reduction),
            HalfSquaredError(reduction=reduction),
        )
        assert_allclose(found.forward(y, t)[0], plain.forward(y, t)[0], rtol=1e-14)
        delta = found.backward(found.forward(y, t)[1])
        assert_allclose(delta, plain.backward(plain.forward(y, t)[1]), rtol=1e-14)


@pytest.mark.parametrize("bound", [0.3, 1.0])
def test_gradients(bound):
    persons, relations, targets = examples(questions()[::15])
    net = network(1, bound)
    gradcheck(net, persons, relations, loss=Tolerant(), target=targets).assert_ok()


def test_the_schedule_written_out():
    asked = questions()[::9]
    persons, relations, targets = examples(asked)
    net, twin = network(2, 1.0), network(2, 1.0)
    errors = train(net, asked, 23, speed=3.0, decay=0.01)
    w, v = twin.parameters, np.zeros(630)
    for sweep in range(23):
        epsilon, alpha = (0.005, 0.5) if sweep < 20 else (0.01, 0.9)
        y, caches = twin.forward(persons, relations)
        error = np.where(abs(y - targets) > 0.2, y - targets, 0)
        assert_allclose(errors[sweep], (error**2).sum() / 2, rtol=1e-12)
        v = -3 * epsilon * twin.flatten(twin.grads(error, caches)) + alpha * v
        w[:] = 0.99 * (w + v)
    assert_allclose(net.parameters, w, rtol=1e-10, atol=1e-13)


def test_to_the_letter_nothing_is_learned():
    learned, _ = divided(1)
    net = network(1)
    errors = train(net, learned, 1500)
    assert right(net, learned) == 0
    assert errors[-1] > errors[0] / 10


def test_a_few_questions_are_learned_quickly():
    asked = [pair for pair in questions() if pair[1] in ("father", "wife")]
    net = network(0, 1.0)
    train(net, asked, 2000, **FASTER)
    assert right(net, asked) == len(asked) == 22
    assert relatives(net, "Colin", "father") == ["James"]


def test_questions_are_divided():
    learned, held = divided(3)
    assert len(learned) == 100
    assert sorted(learned + held) == sorted(questions())
    assert divided(3) == (learned, held) != divided(4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda net: relatives(net, "Bob", "aunt"),
            f"relatives expects person to be one of {NAMES}, got 'Bob'",
        ),
        (
            lambda net: relatives(net, "Colin", "cousin"),
            f"relatives expects relation to be one of {WAYS}, got 'cousin'",
        ),
        (
            lambda net: answers("Bob", "aunt"),
            f"answers expects person to be one of {NAMES}, got 'Bob'",
        ),
        (
            lambda net: train(net, [("Colin", "cousin")], 1),
            f"answers expects relation to be one of {WAYS}, got 'cousin'",
        ),
        (
            lambda net: train(net, questions(), -1),
            "train expects sweeps to be a whole number of at least 0, got -1",
        ),
        (
            lambda net: train(net, questions(), 1, speed=-1),
            "train expects speed to be a finite number of at least 0, got -1",
        ),
        (
            lambda net: train(net, questions(), 1, decay=1),
            "train expects decay to be a finite number of at least 0 below 1, got 1",
        ),
        (
            lambda net: Tolerant(margin=-0.1),
            "Tolerant expects margin to be a finite number of at least 0, got -0.1",
        ),
        (lambda net: train(net, [], 1), "Network expects inputs of shape (N, 24), got (0,)"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make(network(0))


def test_the_picture():
    assert len(family_trees.draw(network(0)).axes) == 7
