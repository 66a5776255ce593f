"""Devices, dtypes' limits and global settings: programs that ask about hardware run."""

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest
import torch

import chainrule as cr
from tests.engine.reference import same_in_both


def refused_alike(program: Any) -> None:
    """Assert that both libraries raise the same type of error."""
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        program(torch)
    with pytest.raises(Exception) as ours:  # noqa: PT011
        program(cr)
    assert ours.type is theirs.type
    assert len(str(ours.value)) > 20


NAMES = ("cpu", "cpu:0", "cuda", "cuda:1", "mps", "meta")


@pytest.mark.parametrize("name", NAMES)
def test_a_device_prints_and_compares_as_pytorchs(name: str) -> None:
    ours, theirs = cr.device(name), torch.device(name)
    assert (str(ours), repr(ours)) == (str(theirs), repr(theirs))
    assert (ours.type, ours.index) == (theirs.type, theirs.index)
    for other in NAMES:
        assert (ours == cr.device(other)) == (theirs == torch.device(other))
    assert (ours == name) == (theirs == name)
    assert len({ours, cr.device(name)}) == 1
    assert pickle.loads(pickle.dumps(ours)) == copy.deepcopy(ours) == ours


def test_a_device_may_be_given_its_index_apart() -> None:
    assert cr.device("cuda", 0) == cr.device("cuda:0") == cr.device(type="cuda", index=0)
    assert cr.device(cr.device("cuda:1")).index == 1


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("cpu:x",), ("cuda:-1",), ("cuda", -1), ("cuda:1", 1), (0,)],
    ids=str,
)
def test_names_that_are_no_devices_are_refused(arguments: Any) -> None:
    refused_alike(lambda library: library.device(*arguments))


def test_a_device_is_not_changed() -> None:
    with pytest.raises(AttributeError, match="not writable"):
        cr.device("cpu").type = "cuda"


def test_tensors_modules_and_generators_are_on_the_cpu() -> None:
    cpu = cr.device("cpu")
    x = cr.ones(2)
    assert x.device == cpu
    assert x.to(cpu) is x
    assert x.to("cpu", non_blocking=True) is x
    assert x.cpu() is x
    assert x.to(cpu, cr.float64).dtype is cr.float64
    assert cr.zeros(2, device=cpu).device == cr.Generator(device=cpu).device == cpu
    model = cr.nn.Linear(2, 1).to(cpu)
    assert next(model.parameters()).device == cpu
    assert x.new_zeros(2, device=x.device).device == cpu
    with cpu:
        assert cr.ones(1).device == cpu


@pytest.mark.parametrize(
    "program",
    [
        lambda: cr.ones(2).to(cr.device("cuda")),
        lambda: cr.ones(2).to("cuda:1"),
        lambda: cr.ones(2).cuda(),
        lambda: cr.zeros(2, device=cr.device("mps")),
        lambda: cr.nn.Linear(2, 1).to(cr.device("cuda")),
        lambda: cr.nn.Linear(2, 1, device=cr.device("cuda")),
        lambda: cr.set_default_device("cuda"),
        lambda: cr.cuda.set_device(0),
        lambda: cr.device("cuda").__enter__(),
    ],
)
def test_other_devices_are_refused_with_what_to_do(program: Any) -> None:
    with pytest.raises(RuntimeError, match=r"is not available.*leave device out or pass 'cpu'"):
        program()


def test_the_usual_questions_about_hardware_have_pytorchs_answers() -> None:
    def program(torch: Any) -> Any:
        found = [
            torch.cuda.is_available(),
            torch.cuda.device_count(),
            torch.cuda.is_initialized(),
            torch.cuda.is_bf16_supported(),
            torch.cuda.memory_allocated(),
            torch.cuda.max_memory_allocated(),
            torch.cuda.get_rng_state_all(),
            torch.backends.cudnn.is_available(),
            torch.backends.cudnn.version(),
            torch.backends.cudnn.enabled,
            torch.backends.cudnn.benchmark,
            torch.backends.mps.is_available(),
            torch.backends.mps.is_built(),
            torch.backends.cuda.is_built(),
            torch.backends.cuda.matmul.allow_tf32,
            torch.accelerator.is_available(),
            torch.accelerator.device_count(),
            torch.accelerator.current_accelerator(),
            torch.mps.is_available(),
            torch.xpu.is_available(),
            str(torch.get_default_device()),
            torch.ones(1).is_cuda,
            torch.ones(1).is_cpu,
            torch.ones(1).get_device(),
            torch.ones(1).is_sparse,
            torch.ones(1).is_quantized,
            torch.ones(1).is_pinned(),
            torch.ones(1).layout is torch.strided,
            torch.is_autocast_enabled(),
            torch.get_float32_matmul_precision(),
        ]
        torch.cuda.manual_seed(0)
        torch.cuda.manual_seed_all(0)
        torch.cuda.empty_cache()
        return found

    same_in_both(program)


def test_what_needs_a_gpu_is_refused() -> None:
    for program in (
        lambda library: library.cuda.current_device(),
        lambda library: library.cuda.get_device_name(0),
        lambda library: library.cuda.synchronize(),
        lambda library: library.accelerator.synchronize(),
        lambda library: library.ones(2).pin_memory(),
    ):
        refused_alike(program)
    with pytest.raises(AttributeError, match="there is no GPU"):
        _ = cr.cuda.jiterator


def test_switches_can_be_set_and_read() -> None:
    cr.backends.cudnn.benchmark = True
    cr.backends.cudnn.deterministic = True
    assert cr.backends.cudnn.benchmark
    cr.backends.cudnn.benchmark = cr.backends.cudnn.deterministic = False
    cr.use_deterministic_algorithms(True, warn_only=True)
    assert cr.are_deterministic_algorithms_enabled()
    cr.set_deterministic_debug_mode("error")
    cr.set_float32_matmul_precision("medium")
    assert cr.get_float32_matmul_precision() == "medium"
    cr.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="'exact' is not a precision"):
        cr.set_float32_matmul_precision("exact")
    with pytest.raises(RuntimeError, match="debug_mode"):
        cr.set_deterministic_debug_mode("sometimes")
    assert cr.get_num_interop_threads() == 1


def test_numbers_of_threads_are_those_of_the_environment_without_threadpoolctl() -> None:
    program = (
        "import sys; sys.modules['threadpoolctl'] = None\n"
        "import warnings, chainrule as cr\n"
        "assert cr.get_num_threads() == 3\n"
        "cr.set_num_threads(3)\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    cr.set_num_threads(1)\n"
        "assert 'has no effect' in str(caught[0].message)\n"
    )
    environment = {"OPENBLAS_NUM_THREADS": "3", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    with pytest.raises(RuntimeError, match="positive"):
        cr.set_num_threads(0)


def test_inference_mode_says_that_it_is_on() -> None:
    def program(torch: Any) -> Any:
        found = [torch.is_inference_mode_enabled()]
        with torch.inference_mode():
            found += [torch.is_inference_mode_enabled(), torch.is_grad_enabled()]
            with torch.inference_mode(False):
                found += [torch.is_inference_mode_enabled(), torch.is_grad_enabled()]
        decorated = torch.inference_mode()(torch.is_inference_mode_enabled)
        bare = torch.inference_mode(torch.is_inference_mode_enabled)
        return [*found, decorated(), bare(), torch.is_inference_mode_enabled()]

    same_in_both(program)


# --- Mixed precision ------------------------------------------------------------------------------


def test_a_program_with_mixed_precision_switched_off_trains() -> None:
    def program(torch: Any) -> Any:
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        scaler = torch.amp.GradScaler(enabled=False)
        with torch.autocast("cpu", enabled=False):
            loss = (w * w).sum()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        return w.detach(), scaler.get_scale(), scaler.is_enabled(), scaler.state_dict()

    same_in_both(program)


def test_without_a_gpu_its_mixed_precision_is_disabled_with_a_warning() -> None:
    for make in (
        lambda library: library.autocast("cuda"),
        lambda library: library.amp.GradScaler(),
        lambda library: library.autocast("cpu", dtype=library.float32),
    ):
        for library in (cr, torch):
            with pytest.warns(UserWarning, match=r"[Dd]isabling"):
                make(library)


def test_mixed_precision_on_the_cpu_is_refused() -> None:
    with pytest.raises(RuntimeError, match="pass enabled=False"):
        cr.autocast("cpu")
    with pytest.raises(RuntimeError, match="pass enabled=False"):
        cr.amp.GradScaler("cpu")
    with pytest.raises(RuntimeError, match="Expected one of"):
        cr.autocast("nonsense", enabled=False)
    from chainrule.cuda.amp import GradScaler, autocast

    with autocast(enabled=False):
        assert not GradScaler(enabled=False).is_enabled()


# --- Dtypes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_limits_of_floats(name: str) -> None:
    ours, theirs = cr.finfo(getattr(cr, name)), torch.finfo(getattr(torch, name))
    for limit in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype"):
        assert getattr(ours, limit) == getattr(theirs, limit), limit
    assert repr(ours) == repr(theirs)
    assert cr.finfo() == cr.finfo(cr.get_default_dtype())


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "int64"])
def test_limits_of_integers(name: str) -> None:
    ours, theirs = cr.iinfo(getattr(cr, name)), torch.iinfo(getattr(torch, name))
    for limit in ("bits", "max", "min", "dtype"):
        assert getattr(ours, limit) == getattr(theirs, limit), limit


def test_limits_of_the_wrong_kind_are_refused() -> None:
    for program in (
        lambda library: library.finfo(library.int32),
        lambda library: library.iinfo(library.float32),
        lambda library: library.iinfo(library.bool),
        lambda library: library.finfo("float32"),
    ):
        refused_alike(program)


def test_dtypes_are_instances_of_dtype() -> None:
    assert isinstance(cr.float32, cr.dtype)
    assert isinstance(cr.ones(1).dtype, cr.dtype)


# --- Older names ----------------------------------------------------------------------------------

TYPES = ("Float", "Double", "Half", "Long", "Int", "Short", "Char", "Byte", "Bool")


@pytest.mark.parametrize("title", TYPES)
def test_tensor_types_make_tensors_of_their_dtype(title: str) -> None:
    def program(torch: Any) -> Any:
        make = getattr(torch, f"{title}Tensor")
        x = make([[0, 1], [1, 0]])
        again = torch.ones(2).type(make), torch.ones(2).type(f"torch.{title}Tensor")
        return x, make(2, 3).shape, make().shape, isinstance(x, make), *again

    same_in_both(program)


def test_tensor_types_refuse_what_pytorchs_refuse() -> None:
    for program in (
        lambda library: library.LongTensor(library.ones(2)),
        lambda library: library.FloatTensor(2.5),
        lambda library: library.set_default_tensor_type(library.LongTensor),
        lambda library: library.set_default_tensor_type("torch.NoTensor"),
    ):
        refused_alike(program)


def test_the_default_dtype_may_be_set_by_a_tensor_type() -> None:
    def program(torch: Any) -> Any:
        torch.set_default_tensor_type(torch.DoubleTensor)
        try:
            return torch.tensor([1.0])
        finally:
            torch.set_default_tensor_type("torch.FloatTensor")

    same_in_both(program)
