"""Explanations: the derivation of every gradient of a graph, as a lecturer would write it.

`explain` reads the recorded graph; what it returns can be read as text, Markdown, LaTeX, SVG, HTML
or JSON. All of them are written from one `Derivation`.
"""

from chainrule.explanation.derivation import Derivation
from chainrule.explanation.facade import Explanation, explain

__all__ = ["Derivation", "Explanation", "explain"]
