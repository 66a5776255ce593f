"""Time ``import chainrule`` against ``import numpy``, each in fresh processes, interleaved.

What is measured is the import statement itself, NumPy's part included, in an interpreter that has
just started; bytecode caches are warm, as they are for anyone who imports a second time.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles

from rich import box
from rich.console import Console
from rich.table import Table

from .harness import ROOT
from .report import duration, machine, ratio

PROGRAM = """
from time import perf_counter
start = perf_counter()
import {module}
print(perf_counter() - start)
"""


def import_seconds(module: str) -> float:
    """Seconds that ``import module`` takes in a new process.

    Raises:
        CalledProcessError: The import failed.
    """
    program = PROGRAM.format(module=module)
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return float(run.stdout)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_time", description=__doc__)
    parser.add_argument("--modules", nargs="+", default=["numpy", "chainrule"], metavar="MODULE")
    parser.add_argument("--rounds", type=int, default=40, help="imports of each module (40)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every time here")
    options = parser.parse_args(argv)
    console = Console(width=80)

    times: dict[str, list[float]] = {module: [] for module in options.modules}
    for module in options.modules:
        try:
            import_seconds(module)  # compiles what is not yet compiled
        except subprocess.CalledProcessError as error:
            last_line = error.stderr.strip().splitlines()[-1]
            console.print(f"{module} skipped: {last_line}", markup=False, highlight=False)
            del times[module]
    for _ in range(options.rounds):
        for module, series in times.items():
            series.append(import_seconds(module))

    if not times:
        return 1
    first = next(iter(times))
    table = Table(title=machine(), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("import")
    for heading in ("median", "middle half", f"÷ {first}", f"beyond {first}"):
        table.add_column(heading, justify="right")
    for module, series in times.items():
        low, _, high = quantiles(series, n=4) if len(series) > 1 else series * 3
        beyond = median(a - b for a, b in zip(series, times[first], strict=True))
        table.add_row(
            module,
            duration(median(series)),
            f"{duration(low)} – {duration(high)}",
            f"{ratio(series, times[first]):.2f}",
            "" if module == first else f"{beyond * 1e3:+.1f} ms",
        )
    console.print(table)
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine(), "seconds": times}, indent=1) + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
