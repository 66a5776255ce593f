"""Files of tensors: both ways with PyTorch, and files that are damaged or hostile."""

import contextlib
import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.interop.checkpoints import CheckpointError, saved
from chainrule.interop.checkpoints.atomic import replace_file

DTYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def by_torch(held: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(held, buffer)
    return buffer.getvalue()


def loaded(data: bytes) -> Any:
    return cr.load(io.BytesIO(data))


def loaded_by_torch(data: bytes) -> Any:
    return torch.load(io.BytesIO(data), weights_only=True)


def pickled(opcodes: bytes, **entries: bytes) -> bytes:
    """A file with a pickle of one's own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", opcodes)
        for name, data in entries.items():
            archive.writestr(f"a/data/{name}", data)
    return buffer.getvalue()


class TestFromPyTorch:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_every_dtype_and_layout(self, dtype: str) -> None:
        t = torch.arange(12).reshape(3, 4).to(getattr(torch, dtype))
        held = {"a": t, "transposed": t.T, "row": t[1], "every other": t[:, ::2], "0-d": t[2, 3]}
        held |= {"empty": t[:0], "expanded": t[:1].expand(5, 4)}
        found = loaded(by_torch(held))
        assert list(found) == list(held)
        for name, expected in held.items():
            assert isinstance(found[name], cr.Tensor)
            assert str(found[name].dtype) == dtype
            np.testing.assert_array_equal(found[name].numpy(), expected.numpy())

    def test_containers_numbers_and_text(self) -> None:
        held = {
            "values": [1, -1, 2**40, -(2**70), 2.5, "ü\n", b"\x00\xff", None, True, False],
            "nested": ({"a": (1, (2,))}, {1, 2}, [], {}, ()),
            "ordered": OrderedDict([("z", 1), ("a", 2)]),
            "counts": Counter({3: 1, 5: 2}),
            (1, "key"): 3.0,
        }
        assert loaded(by_torch(held)) == held

    def test_parameters_gradients_and_what_belongs_to_them(self) -> None:
        model = torch.nn.Linear(2, 1)
        found = loaded(by_torch(dict(model.named_parameters())))
        assert isinstance(found["weight"], cr.nn.Parameter)
        assert found["weight"].requires_grad
        plain = loaded(by_torch([torch.ones(2, requires_grad=True), torch.ones(2)]))
        assert [t.requires_grad for t in plain] == [True, False]

    def test_shared_memory_is_shared_again(self) -> None:
        base = torch.arange(6.0)
        found = loaded(by_torch({"all": base, "part": base[2:4], "same": base}))
        found["part"].fill_(9.0)
        assert found["all"].tolist() == [0, 1, 9, 9, 4, 5]
        assert found["same"] is found["all"]

    def test_bfloat16_is_widened(self) -> None:
        found = loaded(by_torch(torch.tensor([1.5, -2.0], dtype=torch.bfloat16)))
        assert found.dtype == cr.float32
        assert found.tolist() == [1.5, -2.0]

    def test_shapes_dtypes_and_devices(self) -> None:
        held = [torch.Size([2, 3]), torch.float32, torch.device("cpu")]
        assert loaded(by_torch(held)) == [cr.Size([2, 3]), cr.float32, "cpu"]

    def test_a_training_run_goes_on_where_pytorch_stopped(self) -> None:
        torch.manual_seed(0)
        theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
        their_optimizer = torch.optim.Adam(theirs.parameters(), lr=0.01)
        x, t = torch.randn(5, 3), torch.randn(5, 1)

        def step(model: Any, optimizer: Any, x: Any, t: Any) -> float:
            optimizer.zero_grad()
            loss = ((model(x) - t) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss.item()

        for _ in range(3):
            step(theirs, their_optimizer, x, t)
        held = {"model": theirs.state_dict(), "optimizer": their_optimizer.state_dict()}
        found = loaded(by_torch(held))
        ours = cr.nn.Sequential(cr.nn.Linear(3, 4), cr.nn.Tanh(), cr.nn.Linear(4, 1))
        our_optimizer = cr.optim.Adam(ours.parameters(), lr=0.5)
        ours.load_state_dict(found["model"])
        our_optimizer.load_state_dict(found["optimizer"])
        here = [cr.from_numpy(v.numpy()) for v in (x, t)]
        for _ in range(3):
            expected = step(theirs, their_optimizer, x, t)
            assert step(ours, our_optimizer, *here) == pytest.approx(expected, rel=1e-5)


class TestForPyTorch:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_every_dtype_and_layout(self, dtype: str) -> None:
        t = cr.from_numpy(np.arange(12).reshape(3, 4).astype(dtype))
        flipped = cr.from_numpy(np.arange(3).astype(dtype)[::-1])
        held = {"a": t, "transposed": t.T, "row": t[1], "step": t[:, ::2], "0-d": t[2, 3]}
        held |= {"empty": t[:0], "expanded": t[:1].expand(5, 4), "flipped": flipped}
        found = loaded_by_torch(saved(held))
        again = loaded(saved(held))
        for name, expected in held.items():
            assert str(found[name].dtype) == f"torch.{dtype}"
            np.testing.assert_array_equal(found[name].numpy(), expected.numpy())
            np.testing.assert_array_equal(again[name].numpy(), expected.numpy())

    def test_shared_memory_is_written_once(self) -> None:
        base = cr.arange(1000.0)
        held = {"all": base, "part": base[2:4], "again": base}
        data = saved(held)
        assert len(data) < 6000
        found = loaded_by_torch(data)
        found["part"].fill_(9.0)
        assert found["all"][2] == 9
        assert found["again"] is found["all"]

    def test_state_dicts_of_models_and_optimizers(self) -> None:
        model = cr.nn.Sequential(cr.nn.Linear(3, 4), cr.nn.ReLU(), cr.nn.Linear(4, 1))
        optimizer = cr.optim.Adam(model.parameters())
        model(cr.ones(2, 3)).sum().backward()
        optimizer.step()
        found = loaded_by_torch(saved({"m": model.state_dict(), "o": optimizer.state_dict()}))
        theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
        theirs.load_state_dict(found["m"])
        torch.optim.Adam(theirs.parameters()).load_state_dict(found["o"])
        np.testing.assert_array_equal(theirs[0].weight.detach(), model[0].weight.detach().numpy())

    def test_parameters_and_leaves(self) -> None:
        held = {"p": cr.nn.Parameter(cr.ones(2)), "x": cr.ones(2, requires_grad=True)}
        found = loaded_by_torch(saved(held))
        assert isinstance(found["p"], torch.nn.Parameter)
        assert found["x"].requires_grad
        assert isinstance(loaded(saved(held))["p"], cr.nn.Parameter)

    def test_what_cannot_be_saved_is_named_with_its_place_and_nothing_is_written(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "m.pth"
        with pytest.raises(TypeError, match=r"obj\['a'\]\[1\] is a .*Linear.*state_dict"):
            cr.save({"a": [1, cr.nn.Linear(1, 1)]}, file)
        assert not list(tmp_path.iterdir())

    def test_endless_nesting_is_refused(self) -> None:
        deep: list[Any] = []
        for _ in range(1000):
            deep = [deep]
        with pytest.raises(TypeError, match="containers deep"):
            saved(deep)

    def test_equal_objects_make_equal_files(self) -> None:
        assert saved({"a": cr.ones(3)}) == saved({"a": cr.ones(3)})


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=20,
)


@given(values)
def test_any_data_survives_the_way_to_a_file_and_back(value: Any) -> None:
    data = saved(value)
    assert loaded(data) == value
    assert loaded_by_torch(data) == value
    assert loaded(by_torch(value)) == value


def test_containers_that_hold_themselves_survive() -> None:
    value: list[Any] = [1]
    value.append(value)
    found = loaded(saved(value))
    assert found[1] is found


# --- Files that are damaged or hostile ------------------------------------------------------------


class Runs:
    """Unpickling it would run a command."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


GLOBALS = b"\x80\x02cos\nsystem\n(X\x04\x00\x00\x00exittR."


@pytest.mark.parametrize(
    "hostile",
    [
        by_torch({"a": Runs(os.system, "exit 1")}),
        by_torch({"a": Runs(eval, "1/0")}),
        by_torch(torch.nn.Linear(1, 1)),
        pickled(GLOBALS),
        pickled(b"\x80\x04\x8c\x02os\x8c\x06system\x93."),
        pickled(b"\x80\x02cbuiltins\ngetattr\n."),
        pickled(b"\x80\x02ctorch\nload\n."),
        pickled(b"\x80\x02(ios\nsystem\n."),
        pickled(b"\x80\x02\x82\x01."),  # the extension registry
        # The state of a set, of an ordered dict, of a dtype.
        pickled(b"\x80\x02]}X\x01\x00\x00\x00aK\x01sb."),
        pickled(b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\x00\x00\x00clearK\x01sb."),
        pickled(b"\x80\x02ctorch\nfloat32\n(K\x01K\x02tb."),
        pickled(b"\x80\x02ctorch\nTensor\n)\x81."),
        # Calls of what is no function: a list, a storage.
        pickled(b"\x80\x02])R."),
        pickled(b"\x80\x02ctorch\nFloatStorage\n)R."),
        # Elements for something that is no container, a mark for a value.
        pickled(b"\x80\x02K\x01K\x02a."),
        pickled(b"\x80\x02(."),
        pickled(b"\x80\x02a."),
        pickled(b"\x80\x02}]K\x01s."),  # a list for a key
        pickled(b"\x80\x02h\x05."),
        pickled(b"\x80\x02r\xff\xff\xff\x7f."),
        pickled(b"\x80\x02X\xff\xff\xff\x7fa."),
        pickled(b""),
        pickled(b"\x80\x02"),
        pickled(b"\xff\xff"),
    ],
    ids=range(25),
)
def test_a_file_that_holds_more_than_data_is_refused(hostile: bytes) -> None:
    with pytest.raises(CheckpointError, match="is not loaded"):
        loaded(hostile)


def tensor_pickle(
    *,
    key: bytes = b"0",
    count: int = 4,
    offset: int = 0,
    size: tuple[int, ...] = (4,),
    stride: tuple[int, ...] = (1,),
    storage: bytes = b"FloatStorage",
) -> bytes:
    def numbers(*ns: int) -> bytes:
        return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", n) for n in ns) + b"t"

    def text(t: bytes) -> bytes:
        return b"X" + struct.pack("<I", len(t)) + t

    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(("
        + text(b"storage")
        + b"ctorch\n"
        + storage
        + b"\n"
        + text(key)
        + text(b"cpu")
        + numbers(count)[1:-1]
        + b"tQ"
        + numbers(offset)[1:-1]
        + numbers(*size)
        + numbers(*stride)
        + b"\x89ccollections\nOrderedDict\n)RtR."
    )


FOUR = np.arange(4, dtype=np.float32).tobytes()


def test_the_tensor_pickle_of_these_tests_is_right() -> None:
    assert loaded(pickled(tensor_pickle(), **{"0": FOUR})).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": (5,)},
        {"offset": 1},
        {"offset": -1},
        {"stride": (2,)},
        {"stride": (-1,)},
        {"stride": (2**61,)},
        {"size": (2**62, 2**62), "stride": (1, 1)},
        {"size": (-4,)},
        {"size": (2, 2)},
        {"count": 5},
        {"count": -4},
        {"count": 2**62},
        {"storage": b"DoubleStorage"},
        {"storage": b"ComplexFloatStorage"},
        {"key": b"1"},
        {"key": b"../0"},
        {"key": b"/etc/passwd"},
        {"size": (1,) * 100, "stride": (1,) * 100},
    ],
)
def test_a_tensor_that_does_not_fit_its_storage_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError):
        loaded(pickled(tensor_pickle(**wrong), **{"0": FOUR}))


def test_nothing_outside_the_archive_is_read_or_written(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0").write_bytes(FOUR)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", tensor_pickle(key=b"../../0"))
        archive.writestr("../outside", b"x")
    with pytest.raises(CheckpointError, match="does not contain"):
        loaded(buffer.getvalue())
    assert [p.name for p in tmp_path.iterdir()] == ["0"]
    assert not (tmp_path.parent / "outside").exists()


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", tensor_pickle())
        archive.writestr("a/data/0", bytes(50_000_000))
    assert len(buffer.getvalue()) < 100_000
    with pytest.raises(CheckpointError, match="compressed"):
        loaded(buffer.getvalue())


def test_entries_that_overlap_are_refused() -> None:
    data = bytearray(pickled(tensor_pickle(), **{"0": FOUR}))
    at = data.rfind(b"PK\x01\x02")  # the directory's last entry claims far more than there is
    data[at + 20 : at + 28] = struct.pack("<II", 10**9, 10**9)
    with pytest.raises(CheckpointError):
        loaded(bytes(data))


def test_a_file_in_another_format_is_refused_with_what_to_do() -> None:
    for data, message in [
        (b"nothing", "not in the zip format"),
        (b"", "not in the zip format"),
        (pickle.dumps({"a": 1}), r"before 1\.6"),
        (pickled(b"N.")[:-30], "cut short"),
    ]:
        with pytest.raises(CheckpointError, match=message):
            loaded(data)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme", "x")
    with pytest.raises(CheckpointError, match=r"without the data\.pkl"):
        loaded(buffer.getvalue())


SAMPLE = saved({"a": cr.arange(5.0), "b": [1, "x", cr.ones(2, 2).T], "c": OrderedDict(d=(1.5,))})


@given(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255))
def test_a_changed_byte_is_noticed_or_harmless(at: int, byte: int) -> None:
    data = bytearray(SAMPLE)
    data[at] = byte
    with contextlib.suppress(CheckpointError):
        loaded(bytes(data))


@given(st.integers(0, len(SAMPLE) - 1))
def test_a_file_cut_short_is_refused(length: int) -> None:
    with pytest.raises(CheckpointError):
        loaded(SAMPLE[:length])


@given(st.binary(max_size=200))
def test_random_descriptions_raise_nothing_but_the_error_they_should(opcodes: bytes) -> None:
    with contextlib.suppress(CheckpointError):
        loaded(pickled(b"\x80\x02" + opcodes + b".", **{"0": FOUR}))


# --- Writing --------------------------------------------------------------------------------------


class TestAtomicWriting:
    def test_a_crash_while_saving_keeps_the_previous_file(
        self, tmp_path: Path, monkeypatch: Any
    ) -> None:
        file = tmp_path / "m.pth"
        cr.save({"epoch": 1}, file)

        def crash(*_: Any) -> None:
            raise OSError("no space left")

        for step in ("fsync", "replace"):
            with monkeypatch.context() as patch:
                patch.setattr(os, step, crash)
                with pytest.raises(OSError, match="no space"):
                    cr.save({"epoch": 2}, file)
            assert cr.load(file) == {"epoch": 1}
            assert [p.name for p in tmp_path.iterdir()] == ["m.pth"]

    def test_a_killed_process_leaves_the_previous_file(self, tmp_path: Path) -> None:
        file = tmp_path / "m.pth"
        cr.save({"epoch": 1}, file)
        program = (
            "import os, sys, chainrule as cr\n"
            "os.replace = lambda *a: os._exit(1)\n"
            "cr.save({'epoch': 2}, sys.argv[1])\n"
        )
        code = subprocess.run([sys.executable, "-c", program, str(file)], check=False).returncode
        assert code == 1
        assert cr.load(file) == {"epoch": 1}

    def test_permissions_stay_and_links_are_followed(self, tmp_path: Path) -> None:
        file, link = tmp_path / "m.pth", tmp_path / "latest.pth"
        cr.save(1, file)
        file.chmod(0o600)
        link.symlink_to(file)
        cr.save(2, link)
        assert link.is_symlink()
        assert cr.load(file) == 2
        assert file.stat().st_mode & 0o777 == 0o600

    def test_a_new_file_gets_the_usual_permissions(self, tmp_path: Path) -> None:
        (tmp_path / "usual").write_bytes(b"")
        replace_file(tmp_path / "new", b"x")
        assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_arguments_are_checked(tmp_path: Path) -> None:
    cr.save(cr.ones(1), tmp_path / "a.pt")
    with pytest.raises(RuntimeError, match="CPU only"):
        cr.load(tmp_path / "a.pt", map_location="cuda:0")
    assert cr.load(tmp_path / "a.pt", map_location="cpu", weights_only=False).item() == 1
    with pytest.raises(TypeError, match="binary"):
        cr.load(io.StringIO("x"))
    with pytest.raises(TypeError, match="pickle_module"):
        cr.load(tmp_path / "a.pt", pickle_module=pickle)
    with pytest.raises(TypeError, match="expected a path"):
        cr.save(cr.ones(1), 3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        cr.load(tmp_path / "none.pt")
    with (tmp_path / "a.pt").open("rb") as file:
        assert cr.load(file).item() == 1
