"""Formulas for browsers: the LaTeX that formulas print themselves in, as MathML.

Formulas know how to write themselves as LaTeX. This module reads the small part of LaTeX that their
notations use, so that a new operation needs no third notation. What it does not know it shows by
name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}^_&']|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ",
    "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
    "infty": "∞", "partial": "∂", "nabla": "∇", "ell": "ℓ",
}  # fmt: skip
_OPERATORS = {
    "odot": "⊙", "cdot": "·", "times": "×", "le": "≤", "ge": "≥", "ne": "≠", "leq": "≤",
    "geq": "≥", "neq": "≠", "pm": "±", "to": "→", "sum": "∑", "prod": "∏", "mid": "∣",
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "ast": "∗", "star": "⋆",
    "circ": "∘", "in": "∈", "land": "∧", "lor": "∨", "lnot": "¬", "oplus": "⊕", "dots": "…",
    "cdots": "⋯", "top": "⊤", "prime": "′", "|": "‖", "lVert": "‖", "rVert": "‖", "langle": "⟨",
    "rangle": "⟩", "vert": "|",
}  # fmt: skip
_FUNCTIONS = frozenset(
    {
        "arccos", "arcsin", "arctan", "cos", "cosh", "det", "exp", "inf", "log", "ln", "max",
        "min", "sin", "sinh", "sup", "tan", "tanh",
    }
)  # fmt: skip
_SPACES = {
    ",": "0.17em",
    ";": "0.28em",
    ":": "0.22em",
    "!": "0",
    "quad": "1em",
    "qquad": "2em",
    " ": "0.25em",
}
_ACCENTS = {"bar": "¯", "hat": "^", "tilde": "~", "overline": "¯", "vec": "→"}
_UPRIGHT = frozenset({"mathrm", "operatorname", "mathbf", "textrm", "mathit", "texttt"})
_IGNORED = frozenset({"textstyle", "displaystyle", "limits", "nolimits", "left", "right"})


def labelled(latex: str, text: str) -> str:
    r"""Return a formula as a MathML element that is read aloud as its Unicode text.

    >>> labelled("x^{2}", "x²")
    '<math aria-label="x²"><msup><mi>x</mi><mn>2</mn></msup></math>'
    """
    return f'<math aria-label="{escape(text)}">{_body(latex)}</math>'


@lru_cache(maxsize=16384)
def _body(latex: str) -> str:
    return _Reader(latex).row()


class _Reader:
    """A recursive descent through the tokens of one formula."""

    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def row(self, end: tuple[str, ...] = ()) -> str:
        """Read elements up to one of ``end`` and return them side by side."""
        parts: list[str] = []
        while self.peek() and self.peek() not in end:
            if self.peek().isspace():
                self.take()
                continue
            parts.append(self.scripted())
        if self.peek() in end:
            self.take()
        return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"

    def scripted(self) -> str:
        """Read an element and what is raised or lowered after it."""
        base = self.element()
        lower = upper = ""
        while self.peek() in ("^", "_", "'"):
            mark = self.take()
            if mark == "'":
                upper += "<mo>′</mo>"
            elif mark == "^":
                upper += self.element()
            else:
                lower = self.element()
        if upper.count("<mo>′</mo>") > 1 or (upper.startswith("<mo>′</mo>") and len(upper) > 10):
            upper = f"<mrow>{upper}</mrow>"
        if lower and upper:
            return f"<msubsup>{base}{lower}{upper}</msubsup>"
        if lower:
            return f"<msub>{base}{lower}</msub>"
        return f"<msup>{base}{upper}</msup>" if upper else base

    def element(self) -> str:
        """Read one symbol, group or command."""
        while self.peek().isspace():
            self.take()
        token = self.take()
        if token == "{":
            return self.row(("}",))
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[:1].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{escape(token)}</mi>"
        if token == "-":
            return "<mo>−</mo>"
        fence = ' stretchy="false"' if token in "()[]|" else ""
        return f"<mo{fence}>{escape(token)}</mo>"

    def command(self, name: str) -> str:
        if name == "frac":
            return f"<mfrac>{self.element()}{self.element()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self.element()}</msqrt>"
        if name == "left":
            return self.fenced()
        if name == "text":
            return f"<mtext>{escape(self.raw())}</mtext>"
        if name in _UPRIGHT:
            word = escape(self.raw())
            variant = ' mathvariant="normal"' if len(word) == 1 else ""
            return f"<mi{variant}>{word}</mi>{self.applied()}"
        if name in _ACCENTS:
            accent = f'<mo stretchy="false">{_ACCENTS[name]}</mo>'
            return f'<mover accent="true">{self.element()}{accent}</mover>'
        if name in _FUNCTIONS:
            return f"<mi>{name}</mi>{self.applied()}"
        if name in _SYMBOLS:
            return f"<mi>{_SYMBOLS[name]}</mi>"
        if name in _OPERATORS:
            return f"<mo>{_OPERATORS[name]}</mo>"
        if name in _SPACES:
            return f'<mspace width="{_SPACES[name]}"></mspace>'
        if name in _IGNORED:
            return self.scripted() if self.peek() else ""
        return f"<mi>{escape(name)}</mi>"

    def applied(self) -> str:
        """Return the invisible sign of a function's application before its parentheses."""
        return "<mo>⁡</mo>" if self.peek() == r"\left" else ""

    def fenced(self) -> str:
        opening = self.delimiter("prefix")
        parts = []
        while self.peek() and self.peek() != r"\right":
            if self.peek().isspace():
                self.take()
                continue
            parts.append(self.scripted())
        self.take()
        closing = self.delimiter("postfix")
        inner = "".join(parts)
        # A fence that may stretch takes more room at its sides, so only tall contents get one.
        stretchy = "true" if "<mfrac" in inner or "<msqrt" in inner else "false"
        left, right = opening.format(stretchy), closing.format(stretchy)
        return f"<mrow>{left}{inner}{right}</mrow>"

    def delimiter(self, form: str) -> str:
        while self.peek().isspace():
            self.take()
        token = self.take()
        if token == ".":
            return ""
        if token.startswith("\\"):
            token = _OPERATORS.get(token[1:], token[1:])
        token = escape(token).replace("{", "{{").replace("}", "}}")
        return f'<mo form="{form}" fence="true" stretchy="{{}}">{token}</mo>'

    def raw(self) -> str:
        """Read a group's text as it stands, with escapes undone."""
        while self.peek().isspace():
            self.take()
        if self.peek() != "{":
            return self.take()
        self.take()
        depth, out = 1, []
        while self.peek():
            token = self.take()
            depth += (token == "{") - (token == "}")
            if depth == 0:
                break
            if token in ("{", "}"):
                continue
            if token.startswith("\\"):
                token = "\u2009" if token[1:] in _SPACES else token[1:]
            out.append(token)
        return "".join(out)
