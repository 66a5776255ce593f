"""Elementwise operations: forms in place, mixed dtypes, questions about tensors, refusals."""

import importlib
import itertools
import math

import numpy as np
import pytest
import torch

import chainrule as cr
from tests.ops.comparison import REFUSALS
from tests.ops.test_promotion import DTYPES, assert_alike, pair


def words(text):
    return text.split()


FAMILIES = [
    "arithmetic",
    "comparison",
    "exponential",
    "integers",
    "predicates",
    "quotients",
    "rounding",
    "signs",
    "special",
    "ternary",
    "trigonometric",
]
NAMES = sorted(
    {
        name
        for family in FAMILIES
        for name in importlib.import_module(f"chainrule.ops.{family}").__all__
    }
)
IN_PLACE = [name + "_" for name in NAMES if hasattr(torch.Tensor, name + "_")]


@pytest.mark.parametrize("name", NAMES)
def test_every_function_is_offered_where_pytorch_offers_it(name):
    assert hasattr(torch, name) and callable(getattr(cr, name))
    assert hasattr(cr.Tensor, name) == hasattr(torch.Tensor, name)
    assert hasattr(cr.Tensor, name + "_") == hasattr(torch.Tensor, name + "_")


# --- In place -------------------------------------------------------------------------------------

MATRIX = np.array([[0.3, 0.6, 0.8], [0.25, 0.7, 0.45]])
OTHER = np.array([0.5, 0.4, 0.9])
WHOLE = np.array([[6, 9, 12], [5, 7, 3]])
# The further arguments of an in-place form; none if it is not listed.
ARGUMENTS = {
    **dict.fromkeys(
        words(
            "add sub subtract mul multiply div divide true_divide floor_divide pow fmod remainder "
            "eq ne not_equal lt less le less_equal gt greater ge greater_equal logical_and "
            "logical_or logical_xor copysign heaviside atan2 arctan2 hypot xlogy igamma igammac "
            "float_power ldexp"
        ),
        (OTHER,),
    ),
    **dict.fromkeys(words("addcmul addcdiv"), (OTHER, OTHER[::-1].copy())),
    **dict.fromkeys(words("clamp clip"), (0.4, 0.6)),
    "clamp_min": (0.4,),
    "clamp_max": (0.6,),
    "lerp": (np.broadcast_to(OTHER, (2, 3)).copy(), 0.3),
    "polygamma": (2,),
    "mvlgamma": (1,),
    "masked_fill": (MATRIX > 0.5, 2.0),
    **dict.fromkeys(
        words("gcd lcm bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift"),
        (np.array([4, 3, 2]),),
    ),
    "bitwise_not": (),
}


def ingredients(name):
    """Return the target and the further arguments of an in-place form, as arrays and numbers."""
    plain = name.removesuffix("_")
    whole = plain in ("gcd", "lcm") or plain.startswith("bitwise")
    target = WHOLE if whole else MATRIX + 1.0 if plain in ("acosh", "arccosh") else MATRIX
    return target, ARGUMENTS.get(plain, ())


def changed(library, convert, name):
    """Run the in-place form on an intermediate value; return it and the gradient of its source."""
    array, others = ingredients(name)
    source = convert(array.copy())
    if array.dtype.kind == "f":
        source.requires_grad_()
    target = source * 1
    result = getattr(target, name)(
        *(convert(o.copy()) if isinstance(o, np.ndarray) else o for o in others)
    )
    assert result is target
    gradient = None
    if target.requires_grad:
        gradient = library.autograd.grad(target.sum(), source, allow_unused=True)[0]
    return target.detach().numpy(), None if gradient is None else gradient.numpy(force=True)


@pytest.mark.parametrize("name", IN_PLACE)
def test_the_form_in_place_changes_its_tensor_as_in_pytorch(name):
    try:
        expected, slope = changed(torch, torch.from_numpy, name)
    except REFUSALS as error:
        # PyTorch has no derivative of a step or of a whole quotient.
        if "not implemented" not in str(error):
            raise
        return
    found, gradient = changed(cr, cr.from_numpy, name)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    if name.startswith("logical"):
        assert gradient is None  # PyTorch lets the gradient of the old value through
    elif slope is None:
        assert gradient is None or not gradient.any()
    elif gradient is None:
        assert not slope.any()
    else:
        # PyTorch's trigamma, the slope of digamma, is right to nine digits.
        np.testing.assert_allclose(gradient, slope, rtol=1e-8)


@pytest.mark.parametrize(
    "name", importlib.import_module("chainrule.ops.in_place_functions").__all__
)
def test_the_forms_in_place_are_functions_where_pytorch_has_them(name):
    assert hasattr(torch, name)
    assert getattr(cr, name) is getattr(cr.Tensor, name)


@pytest.mark.parametrize("name", ["sin_", "reciprocal_", "xlogy_", "copysign_", "atan2_"])
def test_a_float_does_not_fit_into_an_integer_in_place(name):
    arguments = () if name in ("sin_", "reciprocal_") else (cr.tensor([3]),)
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
        getattr(cr.tensor([2]), name)(*arguments)


def test_a_float_power_in_place_needs_float64():
    x = cr.tensor([4.0], dtype=cr.float64)
    assert x.float_power_(0.5).item() == 2
    with pytest.raises(RuntimeError, match="requires dtype float64"):
        cr.tensor([4.0]).float_power_(0.5)


def test_operators_in_place():
    for operate in ("__imod__", "__ifloordiv__", "__ilshift__", "__irshift__"):
        here, there = cr.tensor([17, 9]), torch.tensor([17, 9])
        assert getattr(here, operate)(2).tolist() == getattr(there, operate)(2).tolist()


# --- Mixed dtypes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    words(
        "remainder fmod floor_divide fmax fmin atan2 copysign xlogy gcd bitwise_left_shift "
        "float_power rsub"
    ),
)
def test_two_tensors_of_any_dtypes(name):
    ours, theirs = getattr(cr, name), getattr(torch, name)
    for first, second in itertools.product(DTYPES, DTYPES):
        for left, right in (([1, 3], [2, 1]), ([1, 3], 2), (3, [2, 1])):
            (a, a_there), (b, b_there) = pair(left, first), pair(right, second)
            assert_alike(ours, theirs, (a, b), (a_there, b_there), (name, first, second))


@pytest.mark.parametrize("name", words("sin erf lgamma floor square sgn log1p logit nan_to_num"))
def test_functions_of_one_tensor_of_any_dtype(name):
    for dtype in DTYPES:
        here, there = pair([1, 0, 1], dtype)
        assert_alike(getattr(cr, name), getattr(torch, name), (here,), (there,), (name, dtype))


def test_large_quotients_of_float32_leave_exact_remainders():
    rng = np.random.default_rng(0)
    a = (rng.standard_normal(2000) * 10.0 ** rng.integers(-3, 12, 2000)).astype(np.float32)
    b = (rng.standard_normal(2000) * 10.0 ** rng.integers(-3, 3, 2000)).astype(np.float32)
    for chosen in (np.abs(a / b) < 1e6, np.abs(a / b) > 0):
        for name in ("remainder", "fmod", "floor_divide"):
            here, there = (
                getattr(library, name)(convert(a[chosen]), convert(b[chosen])).numpy()
                for library, convert in ((cr, cr.from_numpy), (torch, torch.from_numpy))
            )
            np.testing.assert_array_equal(here, there, err_msg=name)


def test_a_divisor_that_is_a_number_has_the_dtype_of_the_dividend():
    x = np.array([1.0, 0.3, 2.0, -1.0], np.float32)
    for name in ("remainder", "fmod", "floor_divide"):
        here, there = (
            getattr(cr, name)(cr.tensor(x), 0.1),
            getattr(torch, name)(torch.tensor(x), 0.1),
        )
        np.testing.assert_array_equal(here.numpy(), there.numpy(), err_msg=name)


def test_a_mantissa_and_its_exponent_make_the_number_down_to_the_smallest():
    for dtype in (np.float16, np.float32, np.float64):
        limits = np.finfo(dtype)
        x = np.array([limits.smallest_subnormal, limits.tiny, limits.max, -limits.max, 0], dtype)
        mantissa, exponent = cr.frexp(cr.from_numpy(x))
        expected, power = torch.frexp(torch.from_numpy(x))
        np.testing.assert_array_equal(mantissa.numpy(), expected.numpy())
        np.testing.assert_array_equal(exponent.numpy(), power.numpy())


# --- Questions ------------------------------------------------------------------------------------


def both(*arrays):
    return [
        tuple(convert(np.asarray(a)) for a in arrays)
        for convert in (cr.from_numpy, torch.from_numpy)
    ]


@pytest.mark.parametrize(
    "options",
    [{}, {"rtol": 0.1}, {"atol": 0.5}, {"rtol": 0.0, "atol": 0.0}, {"equal_nan": True}],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_closeness_is_pytorchs(options, dtype):
    a = np.array([1.0, 2.0, 0.0, np.inf, -np.inf, np.nan, 100.0, 1.0])
    b = np.array([1.000001, 2.1, 1e-9, np.inf, np.inf, np.nan, 101.0, np.nan])
    if dtype in ("int64", "bool"):
        a, b = np.array([1, 2, 0, 100]), np.array([1, 3, 0, 101])
    here, there = both(a.astype(dtype), b.astype(dtype))
    expected = torch.isclose(*there, **options)
    assert cr.isclose(*here, **options).tolist() == expected.tolist()
    assert cr.allclose(*here, **options) == torch.allclose(*there, **options)
    assert here[0].isclose(here[1], **options).tolist() == expected.tolist()


def test_closeness_needs_one_dtype_and_distances():
    x = cr.tensor([1.0])
    with pytest.raises(RuntimeError, match="float32 did not match int64"):
        cr.isclose(x, cr.tensor([1]))
    with pytest.raises(RuntimeError, match="rtol must be greater than or equal to zero"):
        cr.allclose(x, x, rtol=-1.0)


@pytest.mark.parametrize(
    ("a", "b"), [([1.0, 2.0], [1.0, 2.0]), ([1.0], [1.0, 1.0]), ([1], [1.0]), ([np.nan], [np.nan])]
)
def test_equality_of_whole_tensors_is_pytorchs(a, b):
    here, there = both(a, b)
    assert cr.equal(*here) is torch.equal(*there)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(("a", "b"), [([[1, 2], [3, 4]], [4, 1, 7]), ([1.5, 2.0], [[2.0]])])
def test_membership_is_pytorchs(a, b, invert):
    here, there = both(a, b)
    assert cr.isin(*here, invert=invert).tolist() == torch.isin(*there, invert=invert).tolist()
    assert cr.isin(here[0], 2).tolist() == torch.isin(there[0], 2).tolist()
    assert cr.isin(1, here[1]).item() == torch.isin(1, there[1]).item()


def test_questions_about_one_tensor():
    for dtype in DTYPES:
        here, there = pair([[1, 0]], dtype)
        for name in ("is_floating_point", "is_complex", "is_signed", "numel"):
            expected = getattr(torch, name)(there) if hasattr(torch, name) else None
            assert getattr(cr, name)(here) == expected, (name, dtype)
    assert cr.is_nonzero(cr.tensor([[2.0]])) and not cr.is_nonzero(cr.tensor([0]))
    assert cr.is_same_size(cr.zeros(2, 3), cr.ones(2, 3))
    for several in (cr.tensor([1.0, 2.0]), cr.tensor([])):
        with pytest.raises(RuntimeError, match="ambiguous"):
            cr.is_nonzero(several)


def test_questions_about_dtypes_are_pytorchs():
    for first, second in itertools.product(DTYPES, DTYPES):
        expected = torch.can_cast(getattr(torch, first), getattr(torch, second))
        assert cr.can_cast(np.dtype(first), np.dtype(second)) == expected
        (a, a_there), (b, b_there) = pair([1], first), pair(1, second)
        expected = torch.result_type(a_there, b_there)
        assert str(cr.result_type(a, b)) == str(expected).removeprefix("torch.")
    assert cr.result_type(cr.tensor([1]), 2.5) == cr.float32
    assert cr.result_type(1, 2) == cr.int64


def test_the_constants_are_those_of_mathematics():
    assert (cr.e, cr.pi, cr.inf) == (math.e, math.pi, math.inf)
    assert math.isnan(cr.nan)
    assert cr.zeros(2)[:, cr.newaxis].shape == (2, 1)


# --- Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cr.addcdiv(*[cr.tensor([2])] * 3), RuntimeError, "Integer division with addcdiv"),
        (lambda: cr.lerp(cr.tensor([1.0]), cr.tensor([1]), 0.5), RuntimeError, "for `end`"),
        (
            lambda: cr.lerp(cr.tensor([1.0]), cr.tensor([2.0]), cr.tensor([1])),
            RuntimeError,
            "for `weight`",
        ),
        (lambda: cr.frexp(cr.tensor([1])), RuntimeError, "only supports floating-point"),
        (lambda: cr.positive(cr.tensor([True])), RuntimeError, "on a bool tensor"),
        (
            lambda: cr.heaviside(cr.tensor([1.0]), cr.tensor([1])),
            RuntimeError,
            "with different dtypes",
        ),
        (lambda: cr.polygamma(-1, cr.tensor([1.0])), RuntimeError, "negative n"),
        (lambda: cr.mvlgamma(cr.tensor([3.0]), 0), RuntimeError, "greater than or equal to 1"),
        (lambda: cr.tensor([1.0]) << 1, NotImplementedError, "it takes integers"),
        (
            lambda: cr.gcd(cr.tensor([1.0]), cr.tensor([2])),
            NotImplementedError,
            "it takes integers",
        ),
        (lambda: cr.tensor([1]) % 0, RuntimeError, "ZeroDivisionError"),
        (lambda: cr.fmod(cr.tensor([1]), 0), RuntimeError, "ZeroDivisionError"),
    ],
)
def test_what_has_no_meaning_is_refused_with_an_explanation(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("function", [cr.igamma, cr.igammac, cr.special.zeta])
def test_a_derivative_without_closed_form_is_asked_for_in_vain(function):
    a, b = cr.tensor([2.5], requires_grad=True), cr.tensor([1.5])
    with pytest.raises(RuntimeError, match="is not implemented"):
        function(a, b).sum().backward()


def test_the_namespace_of_special_functions_is_pytorchs():
    for name in cr.special.__all__:
        assert hasattr(torch.special, name) and callable(getattr(cr.special, name))
    # What PyTorch has no derivative of, so that its gradients would be lost in silence.
    missing = {n for n in dir(torch.special) if callable(getattr(torch.special, n))}
    missing -= {*cr.special.__all__, "Tensor", "_add_docstr"}
    assert all("polynomial" in n or n in ("spherical_bessel_j0", "airy_ai") for n in missing)
