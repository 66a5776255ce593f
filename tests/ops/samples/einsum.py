"""Sums of products over named indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import chainrule as cr
from tests.ops.samples.description import Operation, Sample, strided, uniform


def of(equation: str, *operands: Any) -> Sample:
    return Sample(equation, (equation, *operands))


def array(*shape: int, seed: int = 0) -> Any:
    return uniform(*shape, seed=seed)


_V, _W, _M = array(3), array(2, seed=1), array(2, 3)
_S = array(3, 3)

EXPRESSIONS = (
    of("ij,jk->ik", _M, array(3, 2)),
    of("ij,jk", _M, array(3, 2)),
    of("ij,jk->ki", _M, array(3, 2)),
    of("ji,jk->ik", strided(4, 2), array(4, 3)),
    of("bij,bjk->bik", array(2, 2, 3), array(2, 3, 2)),
    of("bhqd,bhkd->bhqk", array(2, 1, 2, 3), array(2, 1, 2, 3, seed=1)),
    of("bqhd,bkhd->bhqk", array(1, 2, 2, 3), array(1, 2, 2, 3, seed=1)),
    of("ij,j->i", _M, _V),
    of("i,ij", _W, _M),
    of("i,i->", _V, array(3, seed=1)),
    of("i,i", _V, array(3, seed=1)),
    of("i,j->ij", _W, _V),
    of("i,j->ji", _W, _V),
    of("ij,ij->ij", _M, array(2, 3, seed=1)),
    of("ij,ij->i", _M, array(2, 3, seed=1)),
    of("ij,ji->", _M, array(3, 2)),
    of("ii->i", _S),
    of("ii", _S),
    of("ii->", _S),
    of("iij->ij", array(2, 2, 3)),
    of("iji->j", array(2, 3, 2)),
    of("iii->i", array(2, 2, 2)),
    of("ii,i->i", _S, _V),
    of("ii,ij->j", _S, _S + 1),
    of("ij->ji", _M),
    of("ij->", _M),
    of("ij->j", _M),
    of("ba", _M),
    of("ij,k->k", _M, _W),
    of("ij,kl->", _M, _S),
    of("...ij,...jk->...ik", array(2, 2, 3), array(3, 2)),
    of("...ij,...jk->...ik", array(2, 1, 2, 3), array(3, 3, 2)),
    of("i...->...", _M),
    of("...i,...i", _M, _V),
    of("...,...", _M, array(2, 1)),
    of("...->", _M),
    of("b...,b...->b", _M, _M + 1),
    of("...ii->...i", array(2, 3, 3)),
    of(",i->i", array(), _V),
    of(",", array(), array(seed=1)),
    of("ij,ij->ij", array(1, 3), array(2, 3)),
    of("ij,ij->i", array(2, 1), array(2, 3)),
    of("i,j,k->ijk", _W, _V, array(2)),
    of("ij,jk,kl->il", _M, array(3, 4), array(4, 2)),
    of("ij,jk,ki->", _M, array(3, 4), array(4, 2)),
    of("bn,anm,bm->ba", array(2, 2), array(3, 2, 3), array(2, 3)),
    of("ij,i,j,->ij", _M, _W, _V, array()),
    of("ij,ik,il->jkl", _M, array(2, 2), array(2, 2, seed=1)),
    of("ij , jk -> ik", _M, array(3, 2)),
    of("Aa,aB->BA", _M, array(3, 2)),
    of("Ab,bC", _M, array(3, 2)),
    of("ij,jk->ik", np.zeros((0, 3)), array(3, 2)),
    of("ij,jk->ik", np.zeros((2, 0)), np.zeros((0, 2))),
    Sample("operands in a list", ("ij,j", [_M, _V])),
    of("ij,jk->il", _M, array(3, 2)),
    of("ij,jk->ii", _M, array(3, 2)),
    of("ij,jk->ik", _M, _M),
    of("ij,jk", _M),
    of("ij", _M, _M),
    of("ijk", _M),
    of("i", _M),
    of("ii", _M),
    of("i1", _M),
    of("..ij", _M),
)

CONTRACTIONS = (
    Sample("two dimensions", (array(2, 3, 2), array(3, 2, 2))),
    Sample("one", (_M, _S, 1)),
    Sample("none", (_M, _V, 0)),
    Sample("lists", (array(2, 3, 2), array(2, 2, 3), ([0, 1], [1, 2]))),
    Sample("negative", (_M, _S, ([-1], [0]))),
    Sample("all", (_M, _M + 1, ([0, 1], [0, 1]))),
    Sample("lists of unequal length", (_M, _S, ([0, 1], [0]))),
    Sample("sizes that do not fit", (_M, _S, ([0], [0]))),
    Sample("too many", (_V, _V, 2)),
    Sample("negative number", (_V, _V, -1)),
)


def sublists(function: Any) -> Any:
    return lambda a, b: function(a, [0, 1], b, [1, 2], [0, 2])


def implicit_sublists(function: Any) -> Any:
    return lambda a, b: function(a, [..., 3], b, [3, 2])


OPERATIONS = (
    Operation("einsum", cr.einsum, torch.einsum, EXPRESSIONS, ulps=16, summing=True),
    *(
        Operation(
            f"einsum of {name}",
            form(cr.einsum),
            form(torch.einsum),
            (Sample("matrices", (_M, array(3, 2))),),
            ulps=16,
            summing=True,
        )
        for name, form in (("sublists", sublists), ("implicit sublists", implicit_sublists))
    ),
    Operation("tensordot", cr.tensordot, torch.tensordot, CONTRACTIONS, ulps=16, summing=True),
)
