"""``check``: say everything that is wrong with a trial before anything is run."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trialstats import io
from trialstats.clean.account import account_counts
from trialstats.clean.checking import check_trial
from trialstats.clean.trial import CleanTrial
from trialstats.config.data_files import files_of_trial, missing_files
from trialstats.config.loading import read_project, read_trial
from trialstats.config.raw_files import files_of
from trialstats.errors import ConfigError, DataError
from trialstats.raw import RawTable

_EXAMPLE = """\
examples:
  python -m trialstats check config/trials/back_pain.yaml
  python -m trialstats check config/config.yaml
  python -m trialstats check .
"""

#: The main file of a dossier, from its folder.
_MAIN = Path("config/config.yaml")


@dataclass(slots=True)
class Found:
    """What was looked at, and what was found.

    Attributes
    ----------
    problems : list of str
        Each with its place and what to write instead.
    unlisted : int
        Further problems of kinds that are listed.
    notes : list of str
        What became of the rows of trials without problems.
    trials, sources, rows : int
        What was looked at.
    """

    problems: list[str] = field(default_factory=list)
    unlisted: int = 0
    notes: list[str] = field(default_factory=list)
    trials: int = 0
    sources: int = 0
    rows: int = 0


def add_arguments(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add the command with its arguments."""
    parser = commands.add_parser(
        "check",
        help="say everything that is wrong with a trial or a dossier",
        description="Check configurations against their schema, their names against "
        "each other, and the raw data against both. All problems come at once, each "
        "with file, row, column, value and what to write instead. Nothing is written. "
        "The process ends with 0 when nothing is wrong, else with 1.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "config",
        metavar="CONFIG",
        help="configuration of a trial, config/config.yaml, or a folder of either",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what is wrong, then how much was looked at."""
    found = check(Path(arguments.config))
    write = sys.stdout.write
    for problem in found.problems:
        write(f"{problem}\n")
    if found.unlisted:
        write(f"... and {found.unlisted:,} more like these\n")
    for note in found.notes:
        write(f"{note}\n")
    write(f"{summary(found)}\n")
    return 1 if found.problems else 0


def check(path: Path) -> Found:
    """Return what is wrong with a trial, a dossier, or a folder of either.

    Parameters
    ----------
    path : path
        A trial's configuration, ``config/config.yaml``, the folder of a dossier, or a
        folder of trials.

    Raises
    ------
    ConfigError
        When there is nothing to check.
    """
    found = Found()
    if path.is_dir():
        if (path / _MAIN).is_file():
            _check_dossier(path, str(_MAIN), found)
            return found
        files = sorted(path.glob("*.yaml"))
        if not files:
            raise ConfigError(
                f"{path}: holds neither {_MAIN} nor a file .yaml; name a trial's "
                "configuration"
            )
    elif not path.is_file():
        raise ConfigError(f"{path}: there is no such file or folder")
    elif path.name == _MAIN.name:
        root = _root(path)
        _check_dossier(root, _from(root, path), found)
        return found
    else:
        files = [path]
    for file in files:
        root = _root(file)
        name = _from(root, file)
        trial, problems = read_trial(root, name)
        found.trials += 1
        found.problems += problems
        if trial is not None:
            _check_data(root, name, trial, found, sound=not problems)
    return found


def summary(found: Found) -> str:
    """Return one line on what was looked at, and what was found.

    >>> summary(Found(trials=1, sources=4, rows=2395))
    '1 trial: 4 sources, 2,395 rows: ok'
    """
    problems = len(found.problems) + found.unlisted
    said = _number(problems, "problem") if problems else "ok"
    counts = [_number(found.sources, "source"), _number(found.rows, "row")]
    return f"{_number(found.trials, 'trial')}: {', '.join(counts)}: {said}"


def _root(file: Path) -> Path:
    """Return the folder of the dossier that a configuration belongs to."""
    parents = [parent.name for parent in file.resolve().parents]
    if parents[:2] == ["trials", "config"]:
        return file.parent / ".." / ".."
    return file.parent / ".." if parents[:1] == ["config"] else file.parent


def _from(root: Path, file: Path) -> str:
    return file.resolve().relative_to(root.resolve()).as_posix()


def _check_dossier(root: Path, main: str, found: Found) -> None:
    project, problems = read_project(root, main)
    found.problems += problems
    found.trials += len(project.config["trials"])
    named = {
        f"{main}, at {kind}.{name}": file
        for kind in ("published", "judgements")
        for name, file in project.config.get(kind, {}).items()
    }
    for key, synthesis in project.syntheses.items():
        if "studies" in synthesis:
            place = f"config/syntheses/{key}.yaml, at studies.file"
            named[place] = synthesis["studies"]["file"]
    found.problems += missing_files(named, root)
    for key, trial in project.trials.items():
        file = f"config/trials/{key}.yaml"
        sound = not any(problem.startswith(f"{file}, ") for problem in problems)
        _check_data(root, file, trial, found, sound=sound)


def _check_data(
    root: Path, file: str, trial: Mapping[str, Any], found: Found, *, sound: bool
) -> None:
    """Read the raw files of a trial; clean them when its configuration is sound."""
    absent = missing_files(files_of_trial(trial, file), root)
    found.problems += absent
    tables: dict[str, list[RawTable]] = {}
    for name, spec in trial["sources"].items():
        found.sources += 1
        read = list(_read(root, file, name, spec, found))
        found.rows += sum(table.num_rows for table in read)
        if len(read) == len(files_of(spec)):
            tables[name] = read
    if not sound:
        found.notes.append(f"{file}: the values are checked when its names are right")
        return
    checked = check_trial(trial, tables)
    found.problems += [_at(file, problem) for problem in checked.problems]
    found.unlisted += checked.unlisted
    if checked.clean is not None:
        found.notes += list(_told(file, checked.clean))


def _read(
    root: Path, file: str, name: str, spec: Mapping[str, Any], found: Found
) -> Iterator[RawTable]:
    place = f"{file}, at sources.{name}"
    for path in files_of(spec).values():
        if missing_files({place: path}, root):
            continue
        try:
            yield io.read_raw(root / path, io.RawOptions.of(spec), name=path)
        except DataError as reason:
            found.problems.append(str(reason))
        except ConfigError as reason:
            found.problems.append(f"{place}: {reason}")


def _at(file: str, problem: str) -> str:
    """Name the configuration where a problem is one of an expression."""
    return f"{file}: {problem}" if problem.startswith("expression ") else problem


def _told(file: str, clean: CleanTrial) -> Iterator[str]:
    """Yield what became of the rows, and the findings by kind."""
    counts = account_counts(clean.account)[["kept", "changed", "set_aside"]].sum()
    kept, changed, aside = (int(counts[n]) for n in ("kept", "changed", "set_aside"))
    yield f"{file}: {kept:,} rows kept, {changed:,} changed, {aside:,} set aside"
    kinds = clean.queries["kind"].value_counts(sort=False).sort_index()
    if len(kinds):
        listed = ", ".join(f"{kind} {number:,}" for kind, number in kinds.items())
        yield f"{file}: {_number(int(kinds.sum()), 'finding')}: {listed}"


def _number(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
