"""What the package offers is what its families of operations say they offer."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import chainrule as cr
from chainrule import ops


def families():
    for info in pkgutil.iter_modules(ops.__path__):
        module = importlib.import_module(f"chainrule.ops.{info.name}")
        if hasattr(module, "__all__"):
            yield module


@pytest.mark.parametrize("family", list(families()), ids=lambda m: m.__name__.rpartition(".")[2])
def test_every_family_is_offered_by_the_package(family):
    for name in family.__all__:
        assert getattr(cr, name) is getattr(family, name), name
        assert name in dir(cr)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'sums'"):
        _ = cr.sums


def test_a_star_import_brings_the_public_names_and_no_modules_of_ours():
    found: dict[str, object] = {}
    exec("from chainrule import *", found)
    assert {"tensor", "nn", "matmul", "explain", "no_grad", "float32", "autograd"} <= set(found)
    assert not {"operation", "graph", "builtins", "annotations", "TYPE_CHECKING"} & set(found)


def test_families_beyond_the_core_are_loaded_when_first_asked_for():
    program = (
        "import sys, chainrule as cr\n"
        "names = [f'chainrule.ops.{f}' for f in cr._FAMILIES]\n"
        "assert not set(names) & set(sys.modules), 'loaded too early'\n"
        "dir(cr)\n"
        "assert set(names) <= set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
