"""The text that the character models read: the README of this repository."""

from pathlib import Path

text = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
symbols = sorted(set(text))
numbers = [symbols.index(c) for c in text]
