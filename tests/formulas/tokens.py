"""Cutting printed formulas into tokens: Unicode text and LaTeX give the same ones.

A token is a pair of a kind and a value. Kinds: ``number``, ``name``, ``dims`` (the index of a
function), ``power`` (an exponent in superscript digits), ``space`` (what separates the factors of a
matrix product) and ``sign`` (everything else).
"""

from __future__ import annotations

import re
import unicodedata

Token = tuple[str, str]


def decomposed(name: str) -> str:
    """Return a name with its bar as a character of its own, however it was written."""
    return unicodedata.normalize("NFD", name)


_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉₋‚", "0123456789-,")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_LETTER = r"(?![₀-₉⁰¹²³⁴-⁹ᵀ])[^\W\d]"
_TEXT = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    r"|(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)"
    r"|(?P<dims>[₀₁₂₃₄₅₆₇₈₉₋]+(?:‚[₀₁₂₃₄₅₆₇₈₉₋]+)*)"
    r"|(?P<sign>\.\.\.|[ᵀΣ√∞⊙·/+−\-()\[\]|⌊⌋⌈⌉,:=≠<≤>≥∨∧⊕¬^↦;→])"
    rf"|(?P<name>(?:{_LETTER})(?:(?:{_LETTER})|[0-9\u0304])*)"
    r"|(?P<space>\s+)"
)
# A space beside these separates nothing.
_OPERATORS = set("⊙·/+−=≠<≤>≥∨∧⊕↦,:;→")


def of_text(formula: str) -> list[Token]:
    """Return the tokens of a formula written as text."""
    tokens: list[Token] = []
    at = 0
    while at < len(formula):
        match = _TEXT.match(formula, at)
        if match is None:
            raise SyntaxError(f"no token at {formula[at:]!r} in {formula!r}")
        kind, value = match.lastgroup or "", match.group()
        at = match.end()
        if value == "Σ":
            kind = "name"
        if kind == "name":
            value = decomposed(value)
        elif kind == "dims":
            value = value.translate(_LOWERED)
        elif kind == "power":
            value = value.translate(_RAISED)
        tokens.append((kind, value))
    return _joined_subscripts(_without_idle_spaces(tokens))


def _without_idle_spaces(tokens: list[Token]) -> list[Token]:
    kept = []
    for k, token in enumerate(tokens):
        if token[0] == "space":
            before = tokens[k - 1] if k else ("sign", ",")
            after = tokens[k + 1] if k + 1 < len(tokens) else ("sign", ",")
            if any(t[0] == "sign" and t[1] in _OPERATORS for t in (before, after)):
                continue
            if after[1] in (")", "]") or before[1] in ("(", "["):
                continue
        kept.append(token)
    return kept


_SYMBOLS = {
    r"\odot": "⊙",
    r"\cdot": "·",
    r"\infty": "∞",
    r"\ne": "≠",
    r"\le": "≤",
    r"\ge": "≥",
    r"\lor": "∨",
    r"\oplus": "⊕",
    r"\land": "∧",
    r"\lnot": "¬",
    r"\mapsto": "↦",
    r"\to": "→",
    r"\dots": "...",
    r"\lfloor": "⌊",
    r"\rfloor": "⌋",
    r"\lceil": "⌈",
    r"\rceil": "⌉",
}
_FUNCTIONS = {
    r"\exp": "exp",
    r"\log": "log",
    r"\sin": "sin",
    r"\cos": "cos",
    r"\tan": "tan",
    r"\arcsin": "arcsin",
    r"\arccos": "arccos",
    r"\arctan": "arctan",
    r"\sinh": "sinh",
    r"\cosh": "cosh",
    r"\tanh": "tanh",
    r"\gcd": "gcd",
    r"\pi": "π",
    r"\psi": "ψ",
    r"\zeta": "ζ",
    r"\Phi": "Φ",
    r"\max": "max",
    r"\min": "min",
    r"\sigma": "σ",
    r"\sum": "Σ",
}
_LATEX = re.compile(r"\\[A-Za-z]+|\\[,;|_]|\\.|\d+(?:\.\d+)?|[A-Za-z]|[^\s\\]|\s+")


class _Latex:
    """A reader of LaTeX source that knows commands, groups, subscripts and superscripts."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.pieces = [p for p in _LATEX.findall(source) if not p.isspace()]
        self.at = 0

    def peek(self) -> str:
        return self.pieces[self.at] if self.at < len(self.pieces) else ""

    def take(self) -> str:
        piece = self.peek()
        self.at += 1
        return piece

    def group(self) -> list[Token]:
        """Read what stands between braces."""
        if self.take() != "{":
            raise SyntaxError(f"a group was expected in {self.source!r}")
        tokens = self.until("}")
        self.take()
        return tokens

    def raw_group(self) -> str:
        """Read a name between braces."""
        if self.take() != "{":
            raise SyntaxError(f"a name was expected in {self.source!r}")
        name = ""
        while self.peek() != "}":
            piece = self.take()
            name += {r"\_": "_", r"\,": "_", r"\Gamma": "Γ", r"\Phi": "Φ"}.get(piece, piece)
        self.take()
        return name

    def until(self, end: str) -> list[Token]:
        tokens: list[Token] = []
        while self.peek() != end:
            if not self.peek():
                raise SyntaxError(f"{end!r} is missing in {self.source!r}")
            tokens += self.piece()
        return tokens

    def piece(self) -> list[Token]:
        p = self.take()
        if p in (r"\left", r"\right"):
            sign = self.take()
            return [("sign", _SYMBOLS.get(sign, sign))]
        if p == r"\textstyle":
            return []
        if p == r"\frac":
            top, bottom = self.group(), self.group()
            return [
                ("sign", "("), ("sign", "("), *top, ("sign", ")"), ("sign", "/"), ("sign", "("),
                *bottom, ("sign", ")"), ("sign", ")"),
            ]  # fmt: skip
        if p == r"\sqrt":
            return [("sign", "√"), ("sign", "("), *self.group(), ("sign", ")")]
        if p == r"\bar":
            return [("name", self.raw_group() + "\u0304")]
        if p in (r"\mathrm", r"\operatorname"):
            return [("name", self.raw_group())]
        if p == r"\,":
            return [("space", " ")]
        if p in _SYMBOLS:
            return [("sign", _SYMBOLS[p])]
        if p in _FUNCTIONS:
            return [("name", _FUNCTIONS[p])]
        if p == "{":
            # {x}^{2}: the braces only hold the base together.
            tokens = self.until("}")
            self.take()
            if tokens == [("sign", ":")] or [kind for kind, _ in tokens] == ["name"]:
                return tokens
            return [("sign", "("), *tokens, ("sign", ")")]
        if p == "_":
            inner = self.group()
            return [("dims", "".join(value.replace("−", "-") for _, value in inner))]
        if p == "^":
            return self.superscript()
        if p[0].isdigit():
            return [("number", p)]
        if p.isalpha():
            return [("name", p)]
        return [("sign", "−" if p == "-" else p)]

    def superscript(self) -> list[Token]:
        if self.pieces[self.at : self.at + 3] == ["{", r"\top", "}"]:
            self.at += 3
            return [("sign", "ᵀ")]
        return [("sign", "^"), ("sign", "("), *self.group(), ("sign", ")")]


def of_latex(formula: str) -> list[Token]:
    """Return the tokens of a formula written as LaTeX."""
    source = _Latex(formula)
    tokens: list[Token] = []
    while source.peek():
        tokens += source.piece()
    return _joined_subscripts(tokens)


def _joined_subscripts(tokens: list[Token]) -> list[Token]:
    """Make x_{0} a name where no parenthesis follows: there the index is part of the name."""
    joined: list[Token] = []
    for k, (kind, value) in enumerate(tokens):
        after = tokens[k + 1] if k + 1 < len(tokens) else ("", "")
        if kind == "dims" and joined and joined[-1][0] == "name" and after != ("sign", "("):
            lowered = value.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
            joined[-1] = ("name", joined[-1][1] + lowered)
        else:
            joined.append((kind, value))
    return joined
