"""Weights from files, against PyTorch, and files that are broken or hostile."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from chainrule.interop.weights import read

DTYPES = [torch.float32, torch.float64, torch.float16, torch.int64, torch.uint8, torch.bool]


class TestPth:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_arrays_are_those_that_pytorch_saved(self, tmp_path: Path, dtype: torch.dtype) -> None:
        tensor = torch.arange(12).reshape(3, 4).to(dtype)
        held = {"a": tensor, "transposed": tensor.T, "row": tensor[1], "empty": tensor[:0]}
        torch.save(held, tmp_path / "w.pth")
        found = read(tmp_path / "w.pth")
        assert list(found) == list(held)
        for name, expected in held.items():
            np.testing.assert_array_equal(found[name], expected.numpy())
            assert found[name].dtype == expected.numpy().dtype

    def test_bfloat16_is_widened(self, tmp_path: Path) -> None:
        torch.save({"a": torch.tensor([1.5, -2.0], dtype=torch.bfloat16)}, tmp_path / "w.pt")
        np.testing.assert_array_equal(read(tmp_path / "w.pt")["a"], np.float32([1.5, -2.0]))

    def test_parameters_and_checkpoints(self, tmp_path: Path) -> None:
        model = torch.nn.Linear(2, 1)
        torch.save({"state_dict": dict(model.named_parameters())}, tmp_path / "w.pth")
        np.testing.assert_array_equal(
            read(tmp_path / "w.pth")["weight"], model.weight.detach().numpy()
        )

    def test_a_file_that_would_run_code_is_refused(self, tmp_path: Path) -> None:
        class Hostile:
            def __reduce__(self) -> tuple[object, ...]:
                return (eval, ("__import__('os').getcwd()",))

        torch.save({"a": Hostile()}, tmp_path / "w.pth")
        with pytest.raises(ValueError, match="eval; save model"):
            read(tmp_path / "w.pth")

    def test_a_whole_model_is_refused_with_what_to_save(self, tmp_path: Path) -> None:
        torch.save(torch.nn.Linear(2, 1), tmp_path / "w.pth")
        with pytest.raises(ValueError, match=r"save model\.state_dict\(\) instead"):
            read(tmp_path / "w.pth")

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "w.pth").write_bytes(b"nothing")
        with pytest.raises(ValueError, match=r"no \.pth file"):
            read(tmp_path / "w.pth")


class TestSafetensors:
    def write(self, path: Path, header: object, numbers: bytes = b"") -> Path:
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
        return path

    def test_arrays(self, tmp_path: Path) -> None:
        a, b = np.float32([[1.0, 2.0]]), np.int64([3])
        header = {
            "__metadata__": {"format": "pt"},
            "a": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
            "b": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]},
        }
        file = self.write(tmp_path / "w.safetensors", header, a.tobytes() + b.tobytes())
        found = read(file)
        np.testing.assert_array_equal(found["a"], a)
        np.testing.assert_array_equal(found["b"], b)

    @pytest.mark.parametrize(
        "header",
        [
            {"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 8]}},
            {"a": {"dtype": "F9", "shape": [2], "data_offsets": [0, 8]}},
            {"a": {"shape": [2], "data_offsets": [0, 8]}},
            {"a": 3},
            [1, 2],
        ],
    )
    def test_a_broken_header_is_a_clear_error(self, tmp_path: Path, header: object) -> None:
        file = self.write(tmp_path / "w.safetensors", header, bytes(8))
        with pytest.raises(ValueError, match=r"no valid \.safetensors file"):
            read(file)


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="weights are read from"):
        read(tmp_path / "w.npz")
