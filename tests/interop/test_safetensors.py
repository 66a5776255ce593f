"""The safetensors format, both ways, against its own library."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule.interop.safetensors import load_file, save_file

numpy = pytest.importorskip("safetensors.numpy")
DTYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_both_ways(tmp_path: Path, dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    held = {"a": array, "0-d": np.asarray(array[0, 0]), "empty": array[:0]}
    numpy.save_file(held, tmp_path / "theirs.safetensors")
    found = load_file(tmp_path / "theirs.safetensors")
    save_file({k: cr.from_numpy(v) for k, v in held.items()}, tmp_path / "ours.safetensors")
    again = numpy.load_file(tmp_path / "ours.safetensors")
    assert set(found) == set(again) == set(held)
    for name, expected in held.items():
        np.testing.assert_array_equal(found[name].numpy(), expected)
        np.testing.assert_array_equal(again[name], expected)
        assert found[name].numpy().dtype == again[name].dtype == expected.dtype


def test_a_transposed_tensor_and_metadata(tmp_path: Path) -> None:
    from safetensors import safe_open

    t = cr.arange(6.0).reshape(2, 3).T
    save_file({"a": t}, tmp_path / "w.safetensors", {"format": "pt"})
    np.testing.assert_array_equal(load_file(tmp_path / "w.safetensors")["a"].numpy(), t.numpy())
    with safe_open(tmp_path / "w.safetensors", "np") as file:
        assert file.metadata() == {"format": "pt"}


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    from safetensors.torch import save_file as by_torch

    by_torch({"a": torch.tensor([1.5, -2.0], dtype=torch.bfloat16)}, tmp_path / "w.safetensors")
    found = load_file(tmp_path / "w.safetensors")["a"]
    assert found.dtype == cr.float32
    assert found.tolist() == [1.5, -2.0]


def test_what_is_loaded_can_be_changed_and_learned(tmp_path: Path) -> None:
    model = cr.nn.Linear(2, 1)
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    found = load_file(tmp_path / "w.safetensors")
    found["weight"].fill_(3.0)
    model.load_state_dict(found)
    assert model.weight.tolist() == [[3.0, 3.0]]


def test_damaged_files_and_wrong_values(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_file({"a": cr.ones(3)}, file)
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(ValueError, match=r"w\.safetensors is no valid"):
        load_file(file)
    with pytest.raises(TypeError, match="'epoch' is a int"):
        save_file({"epoch": 3}, tmp_path / "x.safetensors")  # type: ignore[dict-item]
    assert not (tmp_path / "x.safetensors").exists()


def test_without_the_library_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"chainrule\[safetensors\]"):
        load_file(tmp_path / "w.safetensors")
