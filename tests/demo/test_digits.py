"""The digits network: what it learns from, what it is judged on, what is proven of it."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import chainrule as cr
from chainrule.data import load_digits
from chainrule.demo import digits
from chainrule.demo.digits import (
    instructive_digit,
    kink_distances,
    losses_of,
    predictions,
    proof_batch,
    prove_gradients,
    train,
)


@pytest.fixture(scope="module")
def training():
    return train(seed=0, epochs=3)


def parameters_of(training):
    return [parameter.detach().numpy() for parameter in training.model.parameters()]


def test_the_same_seed_trains_the_same_network(training):
    again = train(seed=0, epochs=3)
    assert again.epochs == training.epochs
    for one, other in zip(parameters_of(again), parameters_of(training), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_seed_holds_out_other_digits_and_trains_another_network(training):
    other = train(seed=1, epochs=1)
    assert not np.array_equal(other.digits.test_labels, training.digits.test_labels)
    assert other.epochs[0] != training.epochs[0]


def test_nothing_is_learned_from_the_held_out_digits(training, monkeypatch):
    def without_held_out(seed):
        given = load_digits(seed)
        return given._replace(test_images=np.zeros_like(given.test_images))

    monkeypatch.setattr(digits, "load_digits", without_held_out)
    blind = train(seed=0, epochs=3)
    for one, other in zip(parameters_of(blind), parameters_of(training), strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_epoch_is_announced_when_it_is_over():
    announced = []
    training = train(seed=0, epochs=2, after_epoch=announced.append)
    assert announced == training.epochs
    assert [epoch.number for epoch in announced] == [1, 2]
    assert announced[1].loss < announced[0].loss


def test_the_last_accuracy_is_that_of_the_trained_network(training):
    held_out = training.digits
    right = predictions(training.model, held_out.test_images) == held_out.test_labels
    assert training.accuracy == right.mean()
    assert training.steps == 3 * 45


def test_training_without_epochs_is_refused():
    with pytest.raises(ValueError, match="at least one epoch, got 0"):
        train(epochs=0)


def test_the_instructive_digit_is_the_least_sure_of_those_read_right(training):
    held_out = training.digits
    chosen = instructive_digit(training)
    right = predictions(training.model, held_out.test_images) == held_out.test_labels
    losses = losses_of(training.model, held_out.test_images, held_out.test_labels)
    assert right[chosen]
    assert losses[chosen] == losses[right].max()


def test_a_network_that_reads_nothing_right_still_has_an_instructive_digit(training):
    held_out = training.digits
    found = predictions(training.model, held_out.test_images)
    wrong_labels = held_out._replace(test_labels=(found + 1) % 10)
    lost = digits.Training(training.model, wrong_labels, training.epochs, 1, 0.0)
    losses = losses_of(training.model, wrong_labels.test_images, wrong_labels.test_labels)
    assert losses[instructive_digit(lost)] == losses.min()


def test_the_proof_avoids_kinks_and_takes_the_digits_with_the_largest_loss(training):
    held_out = training.digits
    chosen = proof_batch(training)
    distances = kink_distances(training.model, held_out.test_images)
    losses = losses_of(training.model, held_out.test_images, held_out.test_labels)
    far = distances >= digits.KINK_MARGIN
    assert len(set(chosen.tolist())) == digits.PROOF_BATCH
    assert far[chosen].all()
    left_out = np.setdiff1d(np.flatnonzero(far), chosen)
    assert losses[chosen].min() >= losses[left_out].max()


def test_kink_distances_are_the_smallest_pre_activations_in_front_of_a_relu():
    model = cr.nn.Sequential(cr.nn.Linear(2, 2), cr.nn.ReLU(), cr.nn.Linear(2, 1))
    with cr.no_grad():
        model[0].weight.copy_(cr.tensor([[1.0, 0.0], [0.0, -2.0]]))
        model[0].bias.zero_()
    images = np.array([[0.5, 3.0], [4.0, 0.25]], np.float32)
    np.testing.assert_allclose(kink_distances(model, images), [0.5, 0.5])


def test_every_entry_of_every_parameter_is_moved_in_the_proof(training, monkeypatch):
    monkeypatch.setattr(digits, "prove", functools.partial(digits.prove, methods=["complex step"]))
    certificate = prove_gradients(training)
    assert certificate.ok, certificate.text()
    assert "each of the 2778 entries" in certificate.methods["complex step"]
    assert [row.name for row in certificate.rows] == [
        name for name, _ in training.model.named_parameters()
    ]
