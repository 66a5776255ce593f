"""Peak memory of training steps: what they need beyond the library and the initial parameters.

``python -m benchmarks.memory --help`` lists workloads. Each library trains in a process of its
own. Its baseline is the resident memory once the library is imported, model, optimizer and data
are set up, and what setting them up left over went back to the system; the peak is the most it was
resident from then on. So gradients, optimizer state, saved values, temporaries and what the
allocator keeps all count, and code that is loaded by the first step does too.

For Linux, whose ``/proc`` has the numbers.
"""

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from .contestants import CONTESTANTS
from .contestants.torch_like import build
from .harness import ROOT, THREAD_VARIABLES
from .workloads import WORKLOADS

LIBRARIES = ("chainrule", "torch")
MIB = 1 << 20


def resident(field: str) -> int:
    """Bytes of this process: ``VmRSS`` for those resident now, ``VmHWM`` for the most so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"/proc/self/status has no {field}")


def peak_of_steps(library: str, workload: str, steps: int) -> int:
    """Bytes by which training rises above the set-up; for a process that does nothing else."""
    step = build(library, WORKLOADS[workload])
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    baseline = resident("VmRSS")
    for _ in range(steps):
        step()
    return resident("VmHWM") - baseline


def in_own_process(library: str, workload: str, steps: int, threads: int) -> int:
    """The same in a new process.

    Raises:
        CalledProcessError: The library is missing, or the workload failed.
    """
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--measure", library, workload, str(steps)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)),
    )
    return int(run.stdout)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--steps", type=int, default=20, help="training steps (20)")
    parser.add_argument("--repeats", type=int, default=3, help="processes each; the median counts")
    parser.add_argument("--threads", type=int, default=2, help="for BLAS and OpenMP, each (2)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every peak here")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.measure:
        library, workload, steps = options.measure
        print(peak_of_steps(library, workload, int(steps)))
        return 0

    table = Table(box=box.SIMPLE_HEAD, title=f"Peak memory of {options.steps} training steps")
    table.add_column("workload", no_wrap=True)
    for library in LIBRARIES:
        table.add_column(CONTESTANTS[library].title, justify="right", no_wrap=True)
    table.add_column("÷ PyTorch eager", justify="right", no_wrap=True)
    peaks: dict[str, dict[str, list[int]]] = {}
    for workload in options.workloads:
        peaks[workload] = {library: [] for library in LIBRARIES}
        for _ in range(options.repeats):
            for library, series in peaks[workload].items():
                series.append(in_own_process(library, workload, options.steps, options.threads))
        ours, theirs = (median(series) for series in peaks[workload].values())
        table.add_row(
            workload, f"{ours / MIB:.1f} MiB", f"{theirs / MIB:.1f} MiB", f"{ours / theirs:.2f}"
        )
    Console(width=80).print(table)
    if options.json:
        options.json.write_text(json.dumps(peaks, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
