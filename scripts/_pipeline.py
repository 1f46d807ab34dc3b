"""Run Snakemake as a reader wants to see it: a line a step, and the error at the end.

Snakemake's own output goes whole into a log. It is read line by line; what it says
about a job stands in a block that begins at the margin and is indented below.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

#: The repository, whose Snakefile makes every dossier.
CODE = Path(__file__).resolve().parents[1]

JOB = re.compile(r"(?:local)?(?:rule|checkpoint) (\w+):$")
FAILED = re.compile(r"Error in rule (\w+):$")
DETAIL = re.compile(r" {4}(jobid|wildcards|log): (.*)$")
FINISHED = re.compile(r"Finished jobid: (\d+) \(Rule: (\w+)\)")
COUNT = re.compile(r"(\d+) of (\d+) steps")
TOTAL = re.compile(r"total +(\d+)$")
RAISED = re.compile(r"[\w.]*(?:Error|Exception)\b")
#: Where the workflow raised a message that names its own file, that of the user.
RAISED_BY_RULES = re.compile(r'WorkflowError in file ".*", line \d+:$')


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed: its rule, its wildcards as text, its log when it has one."""

    rule: str
    wildcards: str
    log: str | None


@dataclass(slots=True)
class Progress:
    """What Snakemake has said so far."""

    show: Callable[[str], None]
    wildcards: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    finished: int = 0
    _block: dict[str, str] = field(default_factory=dict)
    _last: tuple[str, str] = ("", "")

    def read(self, line: str) -> None:
        """Take in one line."""
        self.lines.append(line)
        if detail := DETAIL.match(line):
            self._block[detail[1]] = detail[2]
            return
        if not line.startswith(" "):
            self.close_block()
        if job := JOB.match(line):
            self._block = {"rule": job[1]}
        elif failed := FAILED.match(line):
            self._block = {"rule": failed[1], "failed": "yes"}
        elif done := FINISHED.match(line):
            self._last = (done[1], done[2])
        elif count := COUNT.match(line):
            self._show_step(int(count[1]), int(count[2]))
        elif total := TOTAL.match(line):
            self.show(f"{total[1]} steps to do")

    def close_block(self) -> None:
        """Keep what the block that ends here said."""
        block, self._block = self._block, {}
        job = block.get("jobid", "")
        if "failed" in block:
            log = block["log"].split(" (check log")[0] if "log" in block else None
            self.failures.append(
                Failure(block["rule"], self.wildcards.get(job, ""), log)
            )
        elif "rule" in block:
            self.wildcards[job] = block.get("wildcards", "")

    def _show_step(self, number: int, total: int) -> None:
        self.finished = number
        job, rule = self._last
        width = len(str(total))
        line = f"{number:>{width}} of {total}  {rule}  {self.wildcards.get(job, '')}"
        self.show(line.rstrip())


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    code: int
    finished: int
    failures: tuple[Failure, ...]
    messages: tuple[str, ...]

    @property
    def nothing_to_do(self) -> bool:
        """Return whether everything was up to date already."""
        return self.code == 0 and self.finished == 0


def run_pipeline(folder: Path, *, log: Path, show: Callable[[str], None]) -> Outcome:
    """Run the whole workflow on all cores.

    Parameters
    ----------
    folder : path
        The folder of the dossier. Without a Snakefile of its own it is made by the one
        that stands beside these scripts.
    log : path
        File for everything that Snakemake says.
    show : callable
        Takes a line of progress.

    Returns
    -------
    Outcome
        With one message a failed job, or the message that kept any from starting.
    """
    options = ["--cores", "all", "--rerun-incomplete", "--nocolor"]
    if not (folder / "Snakefile").is_file():
        options += ["--snakefile", str(CODE / "Snakefile")]
    log.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress(show)
    with (
        interpreter() as python,
        log.open("w", encoding="utf-8") as record,
        subprocess.Popen(
            [python, "-m", "snakemake", *options],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        for line in process.stdout or ():
            record.write(line)
            progress.read(line.rstrip("\n"))
    progress.close_block()
    messages = messages_of(progress, folder) if process.returncode else ()
    return Outcome(
        process.returncode, progress.finished, tuple(progress.failures), messages
    )


@contextmanager
def interpreter() -> Iterator[str]:
    """Yield the path of this Python, by a detour when there is a space in it.

    Snakemake writes the path into a command of the shell without quotes.
    """
    python = Path(sys.executable)
    if " " not in str(python):
        yield str(python)
        return
    with TemporaryDirectory(prefix="trialstats-") as place:
        detour = Path(place) / "environment"
        detour.symlink_to(python.parent.parent, target_is_directory=True)
        yield str(detour / python.parent.name / python.name)


def environment() -> dict[str, str]:
    """Return the environment of a run: its own library, and the tools of this Python.

    PYTHONPATH would put another copy of the library before the one in the folder.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    tools = str(Path(sys.executable).parent)
    path = os.pathsep.join([tools, os.environ.get("PATH", "")])
    return kept | {"PATH": path, "PYTHONUNBUFFERED": "1"}


def messages_of(progress: Progress, folder: Path) -> tuple[str, ...]:
    """Return the messages that a reader needs after a failed run."""
    if not progress.failures:
        return (last_message(progress.lines, first=True),)
    return tuple(
        f"rule {failure.rule}"
        + (f" ({failure.wildcards})" if failure.wildcards else "")
        + f" failed:\n{message_of(failure, progress, folder)}"
        + (f"\nlog: {failure.log}" if failure.log else "")
        for failure in progress.failures
    )


def message_of(failure: Failure, progress: Progress, folder: Path) -> str:
    """Return the message in the log of a job, or what Snakemake itself said."""
    path = folder / failure.log if failure.log else None
    if path is None or not path.is_file() or not path.stat().st_size:
        return last_message(progress.lines, first=True)
    return last_message(path.read_text(encoding="utf-8", errors="replace").splitlines())


def last_message(lines: Iterable[str], *, first: bool = False) -> str:
    """Return the text from the last (or first) line that names an error onwards.

    Frames of the traceback are left out; without such a line, the last lines.

    >>> last_message(["INFO:root:read", "ERROR:root:a.csv, row 3: not a number"])
    'a.csv, row 3: not a number'
    """
    kept = [line for line in lines if line.strip() and not line.startswith('  File "')]
    starts = [number for number, line in enumerate(kept) if RAISED.match(line)]
    starts += [n for n, line in enumerate(kept) if line.startswith("ERROR:root:")]
    if not starts:
        return "\n".join(kept[-10:]) or "no message was left"
    tail = kept[min(starts) if first else max(starts) :][:30]
    if RAISED_BY_RULES.match(tail[0]) and len(tail) > 1:
        tail = tail[1:]
    return "\n".join([tail[0].removeprefix("ERROR:root:"), *tail[1:]])
