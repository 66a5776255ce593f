"""What `import chainrule` loads, and what it does not."""

import subprocess
import sys

import pytest


def loaded_after(statements: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after some statements."""
    program = f"{statements}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def after_use() -> set[str]:
    return loaded_after(
        "import chainrule as cr\n"
        "import numpy as np\n"
        "x = cr.tensor([1.0, 2.0], requires_grad=True)\n"
        "y = np.exp(x) @ np.ones(2)\n"
        "y.backward()\n"
        "repr(x.grad)\n"
    )


@pytest.mark.parametrize(
    "module", ["scipy", "typer", "rich", "torch", "numba", "hypothesis", "pytest", "click"]
)
def test_neither_import_nor_use_of_the_engine_loads(module: str, after_use: set[str]) -> None:
    assert "chainrule" in after_use
    assert [name for name in after_use if name.split(".")[0] == module] == []


def test_subpackages_are_loaded_when_they_are_asked_for(after_use: set[str]) -> None:
    assert "chainrule.nn" not in after_use
    assert "chainrule.nn" in loaded_after("import chainrule as cr\ncr.nn.Linear(2, 1)")


def test_a_name_that_is_not_there_says_where_to_look() -> None:
    import chainrule

    with pytest.raises(AttributeError, match=r"module 'chainrule' has no attribute 'sine'.*dir"):
        _ = chainrule.sine


def test_every_public_name_exists() -> None:
    import chainrule

    for name in chainrule.__all__:
        assert hasattr(chainrule, name)
    assert set(chainrule.__all__) <= set(dir(chainrule))


def test_infinities_come_about_without_remarks_and_the_users_own_are_still_made():
    program = (
        "import numpy as np, chainrule as cr\n"
        "x = cr.tensor([0.0, -1.0, 1e30], requires_grad=True)\n"
        "(cr.log(x) / (x - x) * x.exp() * x * x).sum().backward()\n"
        "print(x.grad.isnan().any().item())\n"
        "np.log(np.zeros(1))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert result.stdout == "True\n"
    remarks = [line for line in result.stderr.splitlines() if "encountered" in line]
    assert len(remarks) == 1
    assert "<string>:5" in remarks[0]
