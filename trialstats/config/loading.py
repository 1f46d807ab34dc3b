"""Load the configuration of a dossier: the project, its trials, its syntheses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from trialstats.config.checking import misfits, suggestion, with_defaults
from trialstats.config.consistency import trial_problems
from trialstats.config.data_files import files_of_trial, missing_files
from trialstats.config.estimands import resolved_estimands
from trialstats.config.reading import load_yaml
from trialstats.config.syntheses import synthesis_problems
from trialstats.errors import ConfigError, combined

#: Where the schemas stand: beside this library, whatever folder a dossier is in.
SCHEMAS = Path(__file__).resolve().parents[2] / "workflow/schemas"


@dataclass(frozen=True, slots=True)
class Project:
    """A checked configuration.

    Attributes
    ----------
    config : mapping
        ``config/config.yaml``, with defaults.
    trials : mapping of str to mapping
        Each trial of the dossier by its name, with its name under ``id``.
    syntheses : mapping of str to mapping
        Each synthesis of the dossier by its name, with its name under ``id``.
    """

    config: Mapping[str, Any]
    trials: Mapping[str, Mapping[str, Any]]
    syntheses: Mapping[str, Mapping[str, Any]]


def load_project(root: str | Path = ".", config: str | None = None) -> Project:
    """Load and check everything that ``config/config.yaml`` names.

    Parameters
    ----------
    root : path
        Folder of the dossier; paths in messages are relative to it.
    config : str, optional
        Another main file instead of ``config/config.yaml``.

    Returns
    -------
    Project

    Raises
    ------
    ConfigError
        With every problem of every file.
    """
    project, problems = read_project(root, config)
    if problems:
        raise ConfigError(combined(problems))
    resolved = {key: resolved_estimands(one) for key, one in project.trials.items()}
    return replace(project, trials=resolved)


def read_project(
    root: str | Path = ".", config: str | None = None
) -> tuple[Project, list[str]]:
    """Load everything that fits its schema, and say what is wrong with all of it.

    Parameters
    ----------
    root, config
        As for `load_project`.

    Returns
    -------
    Project
        Trials and syntheses that fit their schemas, consistent or not.
    list of str
        Every problem of every file.

    Raises
    ------
    ConfigError
        When the main file does not fit its schema.
    """
    base = Path(root)
    name = config or "config/config.yaml"
    main, problems = _fitting(base, name, "config")
    if main is None:
        raise ConfigError(combined(problems))
    trials, syntheses = (
        _members(base, name, main[kind], kind, schema, problems)
        for kind, schema in (("trials", "trial"), ("syntheses", "synthesis"))
    )
    for key, trial in trials.items():
        problems += trial_problems(trial, file=f"config/trials/{key}.yaml")
    for key, synthesis in syntheses.items():
        file = f"config/syntheses/{key}.yaml"
        unread = set(main["trials"]) - set(trials)
        problems += synthesis_problems(synthesis, trials, file=file, unread=unread)
    studies = [trial["trial"] for trial in trials.values()]
    for key, trial in trials.items():
        if studies.count(trial["trial"]) > 1:
            what = f"another trial is named {trial['trial']!r} too"
            problems.append(f"config/trials/{key}.yaml, at trial: {what}")
    return Project(config=main, trials=trials, syntheses=syntheses), problems


def read_trial(
    root: str | Path, file: str
) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Load the configuration of one trial, and say everything that is wrong with it.

    Parameters
    ----------
    root : path
        Folder of the dossier.
    file : str
        The file, from there.

    Returns
    -------
    mapping or None
        The configuration with defaults; None when it does not fit its schema.
    list of str
        Every problem of the file.
    """
    trial, problems = _fitting(Path(root), file, "trial")
    if trial is None:
        return None, problems
    trial |= {"id": Path(file).stem}
    return trial, [*problems, *trial_problems(trial, file=file)]


def require_files(project: Project, root: str | Path = ".") -> None:
    """Raise when a data file that the configuration names may not or cannot be read.

    Snakemake keeps outputs whose input has gone: the report would go on showing what a
    lost or renamed file once said.

    Parameters
    ----------
    project : Project
        The configuration.
    root : path
        Folder of the dossier, from which the files are named.

    Raises
    ------
    ConfigError
        With every file that is missing or lies outside the folders of the data, and
        where it is named.
    """
    named = {
        f"config/config.yaml, at {kind}.{name}": file
        for kind in ("published", "judgements")
        for name, file in project.config.get(kind, {}).items()
    }
    for key, synthesis in project.syntheses.items():
        if "studies" in synthesis:
            place = f"config/syntheses/{key}.yaml, at studies.file"
            named[place] = synthesis["studies"]["file"]
    for key, trial in project.trials.items():
        named |= files_of_trial(trial, f"config/trials/{key}.yaml")
    problems = missing_files(named, root)
    if problems:
        raise ConfigError(combined(problems))


def _members(
    base: Path,
    main: str,
    names: list[str],
    kind: str,
    schema: str,
    problems: list[str],
) -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = {}
    for name in names:
        file = f"config/{kind}/{name}.yaml"
        if not (base / file).is_file():
            known = sorted(p.stem for p in (base / "config" / kind).glob("*.yaml"))
            problems.append(
                f"{main}, at {kind}: {name!r} has no file {file}; "
                f"{suggestion(name, known)}"
            )
            continue
        found, wrong = _fitting(base, file, schema)
        problems += wrong
        if found is not None:
            loaded[name] = found | {"id": name}
    return loaded


def _fitting(
    base: Path, file: str, schema_name: str
) -> tuple[dict[str, Any] | None, list[str]]:
    """Return a file with defaults, or None and why it does not fit its schema."""
    schema = _schema(SCHEMAS / f"{schema_name}.schema.yaml")
    try:
        content = load_yaml(base / file)
    except ConfigError as reason:
        return None, [str(reason).replace(str(base / file), file)]
    problems = misfits(content, schema, file=file)
    if problems:
        return None, problems
    filled: dict[str, Any] = with_defaults(content, schema)
    return filled, []


@cache
def _schema(path: Path) -> Any:
    """Return a schema, read once: a dossier checks dozens of files against each."""
    return load_yaml(path)
