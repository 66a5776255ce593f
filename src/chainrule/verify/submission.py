"""Somebody else's code, run in a process of its own: its checks come back, whatever it does.

A crash, an endless loop or endless output of the code ends in an `Outcome` that says so. This
module is also what that process runs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

_KEPT = 20_000


@dataclass(frozen=True)
class Task:
    """What is to be run and checked.

    Attributes:
        file: the script, or the file that defines the gradient function.
        gradient: the gradient function's name; None to run the file as a script and collect every
            check in it.
        loss: the loss function's name.
        loss_file: where that is defined; ``file`` if None.
        params: an .npz file with the parameters, and the data under the names of the loss
            function's further arguments.
        trials: see `chainrule.check_functions`.
        seed: see there.
    """

    file: Path
    gradient: str | None = None
    loss: str | None = None
    loss_file: Path | None = None
    params: Path | None = None
    trials: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes:
        reports: the reports as plain data, each with its ``text`` and ``html``.
        error: why there are none, or not all: the end of a traceback, a timeout; "" if all went
            well.
        output: what the code printed, its beginning if that was much.
    """

    reports: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    output: str = ""

    @property
    def ok(self) -> bool:
        """Whether it ran, checked something, and all of that is right."""
        return not self.error and bool(self.reports) and all(r["ok"] for r in self.reports)


def run_contained(task: Task, timeout: float) -> Outcome:
    """Run a task in a process of its own and return what came of it.

    Args:
        task: what to run.
        timeout: seconds after which the process is ended.
    """
    with tempfile.TemporaryDirectory(prefix="chainrule-") as folder:
        request, answer = Path(folder, "task.json"), Path(folder, "answer.json")
        fields = {k: str(v) if isinstance(v, Path) else v for k, v in vars(task).items()}
        request.write_text(json.dumps(fields), encoding="utf-8")
        package = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
        process = subprocess.Popen(
            [sys.executable, "-m", "chainrule.verify.submission", str(request), str(answer)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=task.file.resolve().parent,
            env={**os.environ, "PYTHONPATH": path, "MPLBACKEND": "Agg"},
            start_new_session=os.name == "posix",
        )
        assert process.stdout is not None
        kept: list[bytes] = []
        reader = threading.Thread(target=_drain, args=(process.stdout, kept), daemon=True)
        reader.start()
        error = ""
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            error = f"stopped after {timeout:g} s: an endless loop, or too slow"
        _end(process)
        reader.join(5)
        process.stdout.close()
        output = b"".join(kept).decode("utf-8", "replace")
        reports: list[dict[str, Any]] = []
        if answer.exists() and not error:
            try:
                found = json.loads(answer.read_text(encoding="utf-8"))
                reports, error = found["reports"], found["error"]
            except (ValueError, KeyError, TypeError):
                error = "the process ended while it wrote its result"
        elif not error:
            error = f"the process ended with status {process.returncode} and no result"
        return Outcome(reports, error, output)


def _drain(pipe: IO[bytes], kept: list[bytes]) -> None:
    """Read a pipe to its end, so that the writer is never blocked, and keep the beginning."""
    size = 0
    while chunk := pipe.read1(65536) if hasattr(pipe, "read1") else pipe.read(65536):
        if size < _KEPT:
            kept.append(chunk[: _KEPT - size])
            size += len(kept[-1])
            if size >= _KEPT:
                kept.append("\n… (more output was left out)\n".encode())


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    if os.name == "posix":
        import signal

        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()


# --- In the process -------------------------------------------------------------------------------


def _work(task: Task) -> tuple[list[dict[str, Any]], str]:
    from chainrule.verify import checking

    checking.collected = []
    error = ""
    try:
        if task.gradient is None:
            sys.argv = [str(task.file)]
            sys.path.insert(0, str(task.file.resolve().parent))
            runpy.run_path(str(task.file), run_name="__main__")
        else:
            _check_functions(task)
    except SystemExit as stop:
        if stop.code not in (None, 0):
            error = f"the script ended with exit status {stop.code}"
    except BaseException as problem:
        error = _told(problem, task.file)
    reports = [
        {**json.loads(r.json()), "text": r.text(), "html": r.html()} for r in checking.collected
    ]
    if not reports and not error:
        error = "no gradient was checked: the script calls neither cr.check nor cr.check_functions"
    return reports, error


def _told(problem: BaseException, file: Path) -> str:
    """Return an exception with the line of the user's file that led to it."""
    frames = traceback.extract_tb(problem.__traceback__)
    own = [f for f in frames if Path(f.filename).name == file.name]
    place = f" at {file.name}:{own[-1].lineno}: {own[-1].line}" if own else ""
    text = f"{type(problem).__name__}: {problem}"
    return (text if len(text) < 500 else text[:500] + "…") + place


def _check_functions(task: Task) -> None:
    import inspect

    import numpy as np

    from chainrule.verify import check_functions

    assert task.gradient is not None and task.loss is not None and task.params is not None
    gradient = _function(task.file, task.gradient)
    loss = _function(task.loss_file or task.file, task.loss)
    with np.load(task.params, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    further = list(inspect.signature(loss).parameters)[1:]
    missing = [name for name in further if name not in arrays]
    if missing:
        raise ValueError(
            f"{task.params.name} has no array {missing[0]!r}, which {task.loss} takes; it has "
            f"{', '.join(arrays)}"
        )
    params = {name: value for name, value in arrays.items() if name not in further}
    data = [arrays[name] if arrays[name].ndim else arrays[name].item() for name in further]
    check_functions(loss, gradient, params, *data, trials=task.trials, seed=task.seed)


def _function(file: Path, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"_checked_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(file.resolve().parent))
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise AttributeError(f"{file.name} defines no function {name!r}")
    return getattr(module, name)


def main(request: str, answer: str) -> None:
    """Run the task in one file and write its result to another."""
    fields = json.loads(Path(request).read_text(encoding="utf-8"))
    for name in ("file", "loss_file", "params"):
        if fields[name] is not None:
            fields[name] = Path(fields[name])
    reports, error = _work(Task(**fields))
    partial = Path(answer + ".part")
    partial.write_text(json.dumps({"reports": reports, "error": error}), encoding="utf-8")
    partial.replace(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
