"""gradcheck and gradgradcheck accept right gradients, and name what is wrong with wrong ones."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.autograd import gradcheck, gradgradcheck
from chainrule.verify.finite_differences import GradcheckError
from chainrule.verify.jacobian import numerical_jacobian


def doubles(*shape, seed=0):
    values = np.random.default_rng(seed).uniform(0.5, 2, shape)
    return cr.tensor(values, requires_grad=True)


def custom(forward, backward, name="Custom"):
    """Return an operation with the given forward function and backward rule."""

    def run(ctx, *inputs):
        ctx.save_for_backward(*inputs)
        return forward(*inputs)

    def pull(ctx, g):
        return backward(g, *ctx.saved_tensors)

    methods = {"forward": staticmethod(run), "backward": staticmethod(pull)}
    return type(name, (cr.autograd.Function,), methods).apply


def message(check, *args, **kwargs):
    with pytest.raises(GradcheckError) as error:
        check(*args, **kwargs)
    return str(error.value)


@pytest.mark.parametrize("fast_mode", [False, True])
@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_right_gradients_of_several_inputs_and_outputs_pass(check, fast_mode):
    def func(x, W, n, fixed):
        return (x @ W).tanh() ** n, x.exp().sum(), fixed * 2, "not a tensor"

    inputs = (doubles(2, 3), doubles(3, 2, seed=1), 3, cr.tensor([1, 2]))
    assert check(func, inputs, fast_mode=fast_mode) is True


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_a_single_tensor_needs_no_tuple_and_may_be_0d_or_empty(check):
    for shape in [(), (0,), (2, 0, 3), (1, 1)]:
        assert check(lambda x: x * x * x, doubles(*shape))


def test_inputs_are_as_before_afterwards():
    x = doubles(3)
    before = x.detach().numpy().copy()
    gradcheck(cr.exp, x)
    message(gradcheck, custom(lambda x: x * x, lambda g, x: g * x), x)

    def fails_beside(x):
        if x[0].item() != before[0]:
            raise ZeroDivisionError
        return x * x

    with pytest.raises(ZeroDivisionError):
        gradcheck(fails_beside, x)
    np.testing.assert_array_equal(x.detach().numpy(), before)
    assert x.grad is None


def test_a_function_that_closes_over_its_input_is_checked_too():
    w = doubles(2)
    assert gradcheck(lambda _: w * w, w)


def test_a_mismatch_names_function_input_entry_and_both_values():
    def backward(g, a, b):
        db = g * a
        db[1] = db[1] * 3
        return g * b, db

    times = custom(lambda a, b: a * b, backward, name="Times")
    a, b = cr.tensor([2.0, 5.0], dtype=cr.float64), doubles(2)
    text = message(gradcheck, times, (a, b))
    assert text.startswith("Jacobian mismatch for output 0 with respect to input 1 of Times.apply")
    assert "output 0 at [1] by input 1 at [1]" in text
    assert "analytical: 15\n" in text
    assert "numerical:  5\n" in text
    assert "1 of 4 entries" in text


def test_an_entry_in_a_matrix_is_named_by_all_its_indices():
    wrong = custom(lambda x: x[1, 2] * x[0, 1], lambda g, x: g * (x * 0 + 1))
    x = cr.tensor(np.ones((2, 3)), requires_grad=True)
    assert "output 0 by input 0 at [0, 0]" in message(gradcheck, wrong, x)


def test_the_worst_entry_is_the_one_named():
    wrong = custom(lambda x: x * 1, lambda g, x: g * cr.tensor([1.0, 1.5, -8.0], dtype=cr.float64))
    assert "at [2] by input 0 at [2]" in message(gradcheck, wrong, doubles(3))


def test_a_nan_gradient_is_a_mismatch():
    wrong = custom(lambda x: x * 1, lambda g, x: g * float("nan"))
    assert "analytical: nan" in message(gradcheck, wrong, doubles(3))


def test_a_lambda_is_named_by_its_place():
    text = message(gradcheck, lambda x: x.relu(), cr.zeros(1, dtype=cr.float64, requires_grad=True))
    assert "the lambda at" in text and "test_finite_differences.py" in text


def test_raise_exception_false_returns_false():
    wrong = custom(lambda x: x * x, lambda g, x: g * x)
    assert gradcheck(wrong, doubles(2), raise_exception=False) is False
    assert gradcheck(wrong, doubles(2), raise_exception=False, fast_mode=True) is False


def test_fast_mode_names_the_entry_as_well():
    wrong = custom(lambda x: x * x, lambda g, x: g * x)
    assert "analytical: " in message(gradcheck, wrong, doubles(2), fast_mode=True)


def test_a_kink_is_explained_by_its_two_slopes():
    x = cr.tensor([1.0, 0.0], dtype=cr.float64, requires_grad=True)
    text = message(gradcheck, cr.relu, x)
    assert "kink here (slope 0 to the left, 1 to the right)" in text


def test_no_kink_is_claimed_where_the_function_is_smooth():
    wrong = custom(lambda x: x * x, lambda g, x: g * x)
    assert "kink" not in message(gradcheck, wrong, doubles(2))


def test_a_function_that_is_not_deterministic_is_named_as_such():
    text = message(gradcheck, lambda x: x * cr.rand(2, dtype=cr.float64), doubles(2))
    assert "two calls of the function with the same inputs differ" in text


def test_float32_warns_and_the_failure_says_what_to_do():
    x = cr.tensor([0.3, 0.7], requires_grad=True)
    with pytest.warns(UserWarning, match=r"Input #0 requires gradient and is not a double"):
        text = message(gradcheck, cr.exp, x)
    assert ".double()" in text


def test_float32_constants_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradcheck(lambda x, c: x * c.double(), (doubles(2), cr.tensor([0.5, 2.0])))


def test_inputs_without_gradient_are_refused():
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(cr.exp, cr.tensor([1.0], dtype=cr.float64))


def test_expanded_inputs_are_refused():
    x = cr.tensor([1.0], dtype=cr.float64).expand(3).requires_grad_()
    with pytest.raises(RuntimeError, match=r"stride 0.*clone\(\)"):
        gradcheck(cr.exp, x)


def test_noncontiguous_inputs_are_checked():
    base = cr.from_numpy(np.arange(1.0, 13).reshape(3, 4).T[::2]).requires_grad_()
    assert not base.is_contiguous()
    assert gradcheck(lambda x: x.log() * x, base)


def test_a_wrong_shape_of_a_gradient_is_an_error():
    with pytest.raises(RuntimeError, match=r"shape|size"):
        gradcheck(custom(lambda x: x.sum(), lambda g, x: g * cr.ones(7).double()), doubles(3))


def test_a_backward_that_depends_on_state_is_not_reentrant():
    calls = []

    def backward(g, x):
        calls.append(1)
        return g * (1 + 1e-9 * len(calls))

    text = message(gradcheck, custom(lambda x: x * 1, backward), doubles(2))
    assert "not reentrant" in text and "nondet_tol=0" in text
    assert gradcheck(custom(lambda x: x * 1, backward), doubles(2), nondet_tol=1e-6)


def test_a_backward_that_ignores_the_upstream_gradient_is_found():
    wrong = custom(lambda x: x.sum(), lambda g, x: cr.ones(3).double())
    for fast_mode in (False, True):
        text = message(gradcheck, wrong, doubles(3), fast_mode=fast_mode)
        assert "not multiplied by grad_output" in text


def test_a_backward_that_is_not_linear_in_the_upstream_gradient_is_found():
    # For upstream gradients of 0 and 1 this is right.
    wrong = custom(lambda x: x * 2, lambda g, x: g * g * 2)
    text = message(gradcheck, wrong, doubles(3))
    assert "not linear in the gradient arriving at output 0" in text


def test_a_backward_that_changes_the_upstream_gradient_is_found():
    def backward(g, x):
        result = g * 2
        g.zero_()
        return result

    text = message(gradcheck, custom(lambda x: x * 2, backward), doubles(3))
    assert "changes the gradient arriving at output 0 in place" in text


def test_a_backward_that_changes_its_inputs_is_found():
    x = doubles(3)

    def backward(g, saved):
        x.detach().numpy()[0] += 1
        return g * 2

    text = message(gradcheck, custom(lambda x: x * 2, backward), x)
    assert "the backward pass changes input 0" in text


def test_a_function_that_changes_its_inputs_is_found():
    def func(x):
        y = x * 2
        x.detach().numpy()[...] = 1
        return y

    assert "the function itself changes input 0" in message(gradcheck, func, doubles(3))


def test_an_output_that_lost_its_graph_is_found():
    text = message(gradcheck, lambda x: (x * 2, x.detach() * 3), doubles(3))
    assert "output 1" in text and "does not require grad, yet it depends on input 0" in text


def test_integer_outputs_have_no_gradient_to_check():
    assert gradcheck(lambda x: x.max(dim=0), doubles(3))


def twice_and_thrice(factor_of_both):
    """Return an operation with two outputs, wrong by a factor where both have a gradient."""

    class TwiceAndThrice(cr.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            if g is None or h is None:
                return h * 3 if g is None else g * 2
            return (g * 2 + h * 3) * factor_of_both

    return TwiceAndThrice.apply


def test_an_output_left_out_of_the_backward_pass_counts_as_zero():
    assert gradcheck(twice_and_thrice(1.0), doubles(2))
    assert "undefined output grads" in message(gradcheck, twice_and_thrice(1.5), doubles(2))
    assert gradcheck(twice_and_thrice(1.5), doubles(2), check_undefined_grad=False)


def test_dtype_of_gradients_can_be_checked():
    assert gradcheck(cr.exp, doubles(2), check_grad_dtypes=True)


def test_options_that_need_forward_mode_are_refused():
    for option in ("check_forward_ad", "check_batched_grad", "check_batched_forward_grad"):
        with pytest.raises(NotImplementedError, match=option):
            gradcheck(cr.exp, doubles(2), **{option: True})
    with pytest.raises(NotImplementedError, match="check_fwd_over_rev"):
        gradgradcheck(cr.exp, doubles(2), check_fwd_over_rev=True)
    with pytest.raises(AssertionError, match="check_backward_ad"):
        gradcheck(cr.exp, doubles(2), check_backward_ad=False)


def test_gradgradcheck_finds_a_backward_pass_that_is_not_differentiable_rightly():
    # The first derivative is right; it is computed from detached values, so the second is lost.
    half_right = custom(lambda x: x * x, lambda g, x: g * (2 * x.detach()))
    assert gradcheck(half_right, doubles(2))
    text = message(gradgradcheck, half_right, doubles(2))
    assert "with respect to input 0 of the backward pass of Custom.apply" in text


def test_gradgradcheck_takes_the_upstream_gradients_it_is_given():
    x = doubles(3)
    upstream = cr.tensor([1.0, 0.0, 2.0], dtype=cr.float64, requires_grad=True)
    assert gradgradcheck(lambda x: x**3, x, upstream)
    assert gradgradcheck(lambda x: x**3, (x,), (upstream.detach(),))
    assert gradgradcheck(lambda x: x**3, x, gen_non_contig_grad_outputs=True)


def test_gradgradcheck_accepts_linear_functions():
    assert gradgradcheck(lambda x: x * 2, doubles(3))


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_the_numerical_jacobian_of_a_polynomial_is_exact_to_rounding(a, b):
    x = cr.tensor([a, b], dtype=cr.float64)
    (jacobian,) = numerical_jacobian(lambda x: x * x * x, [x], 0)
    np.testing.assert_allclose(jacobian, np.diag([3 * a * a, 3 * b * b]), atol=1e-7)


def test_pytorch_judges_the_same_functions_alike():
    def wrong_torch():
        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, g):
                return g * ctx.saved_tensors[0]

        return Wrong.apply

    wrong = custom(lambda x: x * x, lambda g, x: g * x)
    there = torch.tensor([0.5, -2.0], dtype=torch.float64, requires_grad=True)
    here = cr.tensor([0.5, -2.0], dtype=cr.float64, requires_grad=True)
    for ours, theirs in [
        (wrong, wrong_torch()),
        (cr.exp, torch.exp),
        (lambda x: x * 0, lambda x: x * 0),
    ]:
        verdict = torch.autograd.gradcheck(theirs, there, raise_exception=False)
        assert gradcheck(ours, here, raise_exception=False) == verdict
