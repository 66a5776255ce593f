"""The corpus: the right mistake is named first, and right gradients raise no alarm."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.verify.catalogue import KINDS
from chainrule.verify.diagnosis import search
from tests.mistakes import (  # noqa: F401  (each enters its cases into the corpus)
    attention,
    conventions,
    convolution,
    deep,
    embedding,
    gates,
    long_chains,
    normalisation,
    one_layer,
    other_losses,
    other_networks,
    recurrent,
    sequences,
    two_layers,
)
from tests.mistakes.corpus import RIGHT, WRONG, Case


def diagnosed(case: Case, seed: int) -> cr.verify.Report:
    params, data = case.problem.inputs(seed)
    return cr.check_functions(case.problem.loss, case.fresh(), params, *data)


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_the_mistake_is_named_first(case):
    report = diagnosed(case, seed=0)
    assert report.ok == (case.kind == "precision")
    first = report.mistakes[0]
    assert first.kind == case.kind, report.text()
    if case.where:
        assert first.claim in case.where, report.text()
    assert first.message


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_a_right_backward_pass_raises_no_alarm(case, seed):
    report = diagnosed(case, seed)
    assert report.ok, report.text()
    assert report.mistakes == []


def in_float32(value):
    if isinstance(value, dict):
        return {k: in_float32(v) for k, v in value.items()}
    if isinstance(value, list):
        return [in_float32(v) for v in value]
    return np.asarray(value, np.float32) if np.asarray(value).dtype.kind == "f" else value


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_a_right_backward_pass_in_single_precision_raises_no_alarm(case):
    params, data = case.problem.inputs(2)
    data = tuple(in_float32(v) for v in data)
    report = cr.check_functions(case.problem.loss, case.fresh(), in_float32(params), *data)
    assert report.ok, report.text()
    assert report.mistakes == []


@pytest.mark.parametrize("case", WRONG[::3], ids=lambda case: case.name)
def test_the_screen_for_large_graphs_lets_the_right_mistake_through(case, monkeypatch):
    monkeypatch.setattr(search, "is_large", lambda recording: True)
    report = diagnosed(case, seed=0)
    assert report.mistakes[0].kind == case.kind, report.text()


def test_a_weight_that_is_a_vector_may_be_wrong_together_with_a_matrix():
    problem = other_networks.elu
    params, data = problem.inputs()

    def gradient(p, x, y):
        right = other_networks.clipping_without_effect(p, x, y)
        return {**right, "W1": 1.1 * right["W1"] + 0.3, "w2": right["w2"] + 0.7}

    report = cr.check_functions(problem.loss, gradient, params, *data)
    assert [row.name for row in report.rows if not row.ok] == ["w2", "W1"]


def test_the_corpus_is_as_large_as_promised_and_covers_the_catalogue():
    assert len(WRONG) >= 60
    assert len(RIGHT) >= 60
    assert {case.kind for case in WRONG} == set(KINDS)
