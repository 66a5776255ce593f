"""Weights from files of every format, as arrays by name."""

from pathlib import Path

import numpy as np
import pytest
import torch

from chainrule.interop.weights import read


def test_a_state_dict(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 1)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    found = read(tmp_path / "w.pth")
    assert list(found) == ["weight", "bias"]
    np.testing.assert_array_equal(found["weight"], model.weight.detach().numpy())


def test_the_state_dict_of_a_checkpoint_and_nothing_else_of_it(tmp_path: Path) -> None:
    held = {"state_dict": {"a": torch.ones(2), "epoch": 3}, "lr": 0.1}
    torch.save(held, tmp_path / "w.pt")
    assert list(read(tmp_path / "w.pt")) == ["a"]


def test_safetensors(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    numpy.save_file({"a": np.float32([[1.0, 2.0]])}, tmp_path / "w.safetensors")
    np.testing.assert_array_equal(read(tmp_path / "w.safetensors")["a"], [[1.0, 2.0]])


def test_what_holds_no_weights_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="holds a list, not a state dict"):
        read(tmp_path / "list.pth")
    torch.save(torch.nn.Linear(2, 1), tmp_path / "model.pth")
    with pytest.raises(ValueError, match=r"for a model model\.state_dict\(\)"):
        read(tmp_path / "model.pth")
    (tmp_path / "nothing.pth").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is not loaded"):
        read(tmp_path / "nothing.pth")
    with pytest.raises(ValueError, match="weights are read from"):
        read(tmp_path / "w.npz")
