"""Write the explanations of all examples: text, Markdown, LaTeX, SVG, HTML and JSON.

python examples/explain/build.py [FOLDER]        (examples/explain/output if none is given)
"""

import sys
from pathlib import Path

from chainrule.explanation.scripts import run

HERE = Path(__file__).parent
EXAMPLES = (
    "lecture_001",
    "lecture_002",
    "recurrent",
    "attention",
    "digits",
    "lenet",
    "lstm",
    "gpt",
)


def build(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in EXAMPLES:
        ending = run(HERE / f"{name}.py")
        explanation = ending.explain()
        for suffix in ("txt", "md", "tex", "svg", "html"):
            explanation.save(folder / f"{name}.{suffix}")
        print(f"{name}: {explanation!r}")
    columns = run(HERE / "lecture_002.py").explain(convention="column")
    columns.save(folder / "lecture_002_columns.txt")


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "output")
