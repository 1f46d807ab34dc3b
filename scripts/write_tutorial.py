"""Run every command of docs/tutorial.md and write what it prints into the page.

A block of the kind ``console`` holds a command after ``$`` and its output. A comment
above the block may say which lines of a long output are shown: ``<!-- shown: A..B; C
-->`` shows the lines from the first that the pattern A finds to the next that B finds,
and every line that C finds. A block of the kind ``diff`` after ``<!-- edits FILE -->``
changes a file. The commands run in a copy of docs/tutorial, so that nothing of the
project changes but the page.

Run as ``python scripts/write_tutorial.py``, or by `make docs`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
PAGE = "docs/tutorial.md"

#: What the commands need beside the dossier of the tutorial.
LINKED = ("Snakefile", "environment.yml", "scripts", "trialstats", "workflow")

BLOCK = re.compile(
    r"(?P<comment><!-- (?P<what>shown:|edits) (?P<said>[^\n]+) -->\n)?"
    r"```(?P<kind>console|diff)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


def rewritten(text: str, folder: Path) -> str:
    """Return a page with the outputs of its commands, run in a folder."""

    def renewed(block: re.Match[str]) -> str:
        if block["kind"] == "diff":
            if block["what"] == "edits":
                edit(folder / block["said"], block["body"])
            return block[0]
        command = block["body"].splitlines()[0]
        output = printed(command.removeprefix("$ "), folder).splitlines()
        if block["what"] == "shown:":
            output = shortened(output, block["said"])
        lines = [f"{block['comment'] or ''}```console", command, *output, "```"]
        return "\n".join(lines)

    return BLOCK.sub(renewed, text)


def edit(path: Path, difference: str) -> None:
    """Change a file: lines with a minus become those with a plus."""
    text = path.read_text(encoding="utf-8")
    for change in difference.strip("\n").split("\n\n"):
        signs = {"-": "", "+": ""}
        for line in change.splitlines():
            signs[line[0]] += f"{line[1:]}\n"
        if text.count(signs["-"]) != 1:
            sys.exit(f"{path}: stands {text.count(signs['-'])} times:\n{signs['-']}")
        text = text.replace(signs["-"], signs["+"])
    path.write_text(text, encoding="utf-8")


def printed(command: str, folder: Path) -> str:
    """Return what a command prints, errors included."""
    tools = str(Path(sys.executable).parent)
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    set_here = {"PATH": os.pathsep.join([tools, kept.get("PATH", "")])}
    set_here |= {"LC_ALL": "C.UTF-8", "COLUMNS": "80"}
    ended = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=kept | set_here,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.stdout


def shortened(lines: list[str], said: str) -> list[str]:
    """Return the lines that a comment chooses, with ``...`` where others were.

    >>> shortened(["a", "b", "c", "d"], "a; c..d")
    ['a', '...', 'c', 'd']
    """
    shown: set[int] = set()
    for part in said.split("; "):
        first, _, last = part.partition("..")
        if not last:
            found = [n for n, line in enumerate(lines) if re.search(first, line)]
        else:
            begin = _first(lines, first, 0)
            found = list(range(begin, _first(lines, last, begin) + 1))
        if not found:
            sys.exit(f"no line of the output fits {part!r}")
        shown |= set(found)
    made: list[str] = []
    for number, line in enumerate(lines):
        if number in shown:
            made.append(line)
        elif not made or made[-1] != "...":
            made.append("...")
    return made


def _first(lines: list[str], pattern: str, start: int) -> int:
    for number in range(start, len(lines)):
        if re.search(pattern, lines[number]):
            return number
    sys.exit(f"no line of the output fits {pattern!r}")


def prepared(folder: Path, root: Path = ROOT) -> Path:
    """Make a folder in which the commands of the page can run."""
    ignored = shutil.ignore_patterns("results", "logs", ".snakemake")
    shutil.copytree(root / "docs/tutorial", folder / "docs/tutorial", ignore=ignored)
    for name in LINKED:
        (folder / name).symlink_to(root / name)
    return folder


def main() -> None:
    page = ROOT / PAGE
    with TemporaryDirectory(prefix="trialstats-") as place:
        text = rewritten(page.read_text(encoding="utf-8"), prepared(Path(place)))
    page.write_text(text, encoding="utf-8")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
