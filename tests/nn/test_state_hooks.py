"""Hooks around state dicts, overridden parts of them, and modules put in places, as in PyTorch."""

import copy
import pickle
from typing import Any

import pytest
import torch

import chainrule as cr


def net(library: Any) -> Any:
    return library.nn.Sequential(
        library.nn.Linear(2, 3), library.nn.Sequential(library.nn.Linear(3, 1))
    )


def test_hooks_run_when_and_with_what_they_do_in_pytorch() -> None:
    diaries = []
    for library in (cr, torch):
        model, happened = net(library), []
        for name, module in model.named_modules():

            def note(kind: str, name: str = name, to: list[Any] = happened) -> Any:
                def hook(*args: Any) -> None:
                    shown = [a for a in args if isinstance(a, str | bool)]
                    to.append((kind, name, len(args), shown))

                return hook

            module.register_state_dict_pre_hook(note("before save"))
            module.register_state_dict_post_hook(note("after save"))
            module.register_load_state_dict_pre_hook(note("before load"))
            module._register_load_state_dict_pre_hook(note("before load, without module"))
            module.register_load_state_dict_post_hook(note("after load"))
        model.load_state_dict(model.state_dict(prefix="").copy())
        diaries.append(happened)
    ours, theirs = diaries
    assert len(ours) == 4 * 5
    # Each kind in PyTorch's order; but here nothing is loaded before all modules have looked.
    for kind in {entry[0] for entry in theirs}:
        assert [e for e in ours if e[0] == kind] == [e for e in theirs if e[0] == kind]


@pytest.mark.parametrize("library", [cr, torch])
def test_hooks_change_state_dicts(library: Any) -> None:
    model = net(library)

    def rename(state: Any, prefix: str, *_: Any) -> None:
        for key in [key for key in state if key.startswith(f"{prefix}old_")]:
            state[key.replace("old_", "")] = state.pop(key)

    model[1][0]._register_load_state_dict_pre_hook(rename)
    state = model.state_dict()
    state["1.0.old_weight"] = library.ones(1, 3)
    del state["1.0.weight"]
    assert str(model.load_state_dict(state)) == "<All keys matched successfully>"
    assert model[1][0].weight.tolist() == [[1.0] * 3]
    assert "1.0.old_weight" in state

    model._register_state_dict_hook(lambda m, state, *_: {"all": len(state)})
    assert model.state_dict() == {"all": 4}
    other = net(library)
    handle = other.register_state_dict_post_hook(lambda m, state, *_: state)
    with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
        other.state_dict()
    handle.remove()
    assert len(other.state_dict()) == 4


@pytest.mark.parametrize("library", [cr, torch])
def test_a_hook_after_loading_strikes_out_what_is_no_error(library: Any) -> None:
    model = net(library)
    state = {"0.weight": library.ones(3, 2), "extra": library.ones(1)}
    with pytest.raises(RuntimeError, match="Missing key"):
        model.load_state_dict(state)

    def forgive(module: Any, keys: Any) -> None:
        assert module is model
        keys.missing_keys.clear()
        keys.unexpected_keys.clear()

    handle = model.register_load_state_dict_post_hook(forgive)
    model.load_state_dict(state)
    assert model[0].weight.tolist() == [[1.0] * 2] * 3
    handle.remove()
    model.register_load_state_dict_post_hook(lambda *_: 3)
    with pytest.raises(AssertionError, match=r"register_load_state_dict_post_hook.* are not ?exp"):
        model.load_state_dict(state, strict=False)


@pytest.mark.parametrize("library", [cr, torch])
def test_a_module_reads_the_layout_of_its_older_versions(library: Any) -> None:
    class Scale(library.nn.Module):  # type: ignore[misc]
        _version = 2

        def __init__(self) -> None:
            super().__init__()
            self.log = library.nn.Parameter(library.zeros(2))

        def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *rest: Any) -> None:
            if metadata.get("version", 1) < 2:
                state[f"{prefix}log"] = state.pop(f"{prefix}scale").log()
            super()._load_from_state_dict(state, prefix, metadata, *rest)

        def _save_to_state_dict(self, state: Any, prefix: str, keep_vars: bool) -> None:
            super()._save_to_state_dict(state, prefix, keep_vars)
            state[f"{prefix}note"] = library.ones(1)

    model = library.nn.Sequential(Scale())
    state = model.state_dict()
    assert list(state) == ["0.log", "0.note"]
    assert state._metadata["0"]["version"] == 2
    del state["0.note"]
    model.load_state_dict(state)
    model.load_state_dict({"0.scale": library.ones(2) * 3})
    assert model[0].log.tolist() == pytest.approx([1.0986123] * 2)
    missing: list[str] = []
    model[0]._load_from_state_dict(
        {"log": library.ones(2)}, "", {"version": 2}, True, missing, [], []
    )
    assert model[0].log.tolist() == [1.0, 1.0]
    assert missing == []


def test_hooks_are_copied_and_pickled_with_their_module() -> None:
    model = cr.nn.Linear(2, 1)
    model.register_load_state_dict_pre_hook(mark)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.load_state_dict(model.state_dict())
        assert twin.marked
        assert not hasattr(model, "marked")


def mark(module: Any, *_: Any) -> None:
    module.marked = True


@pytest.mark.parametrize("library", [cr, torch])
def test_a_submodule_is_put_in_place(library: Any) -> None:
    model = net(library)
    new = library.nn.Tanh()
    model.set_submodule("1.0", new)
    assert model[1][0] is new
    model.set_submodule("1.more", new)
    assert model[1].more is new
    model.set_submodule("0", new, strict=True)
    assert model[0] is new
    for target, module, strict, error, message in (
        ("", new, False, ValueError, "without a target name"),
        ("0", 3, False, ValueError, "is not an nn.Module"),
        ("9.0", new, False, AttributeError, "has no attribute `9`"),
        ("1.9", new, True, AttributeError, "Sequential has no attribute `9`"),
        ("1.training", new, False, AttributeError, "`training` is not an nn.Module"),
    ):
        with pytest.raises(error, match=message):
            model.set_submodule(target, module, strict=strict)


def test_what_numpy_cannot_do_is_refused() -> None:
    model = net(cr)
    for act, error, message in (
        (lambda: model.bfloat16(), TypeError, "NumPy has no bfloat16"),
        (lambda: model.share_memory(), NotImplementedError, "memory of one process"),
        (lambda: model.register_backward_hook(print), NotImplementedError, "full_backward_hook"),
        (lambda: model.to_empty(device="cuda"), RuntimeError, "cuda"),
    ):
        with pytest.raises(error, match=message):
            act()
    before = model[0].weight._array
    assert model.to_empty(device="cpu") is model
    assert model[0].weight._array is not before
    assert tuple(model[0].weight.shape) == (3, 2)
