"""Load the configuration of a dossier: the project, its trials, its syntheses."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trialstats.config.checking import check, suggestion, with_defaults
from trialstats.config.consistency import synthesis_problems, trial_problems
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


_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """A safe loader that takes keys as text and refuses a key given twice.

    YAML would read the codes ``-99`` and ``No`` as a number and a boolean, which then
    equal no cell of a raw file.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise _refusal("a key must be text, not a list or mapping", key_node)
            if key_node.tag == f"{_TAG}merge":
                continue
            if key in seen:
                raise _refusal(f"key {key!r} is given twice", key_node)
            seen.add(key)
            key_node.tag = f"{_TAG}str"
        return super().construct_mapping(node, deep)

    def construct_yaml_float(self, node: Any) -> float:
        value: float = super().construct_yaml_float(node)
        if not math.isfinite(value):
            raise _refusal(f"{node.value} is no finite number", node)
        return value


_Loader.add_constructor(f"{_TAG}float", _Loader.construct_yaml_float)


def _refusal(what: str, node: Any) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, what, node.start_mark)


def load_yaml(path: str | Path) -> Any:
    """Return what a YAML file says, or raise a `ConfigError` with file and line."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except UnicodeDecodeError as reason:
        raise ConfigError(
            f"{path}: the text is not UTF-8 (byte {reason.start}); save it as UTF-8"
        ) from None
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as reason:
        mark = getattr(reason, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        what = getattr(reason, "problem", None) or str(reason)
        raise ConfigError(f"{path}{where}: not readable as YAML: {what}") from None


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
    base = Path(root)
    name = config or "config/config.yaml"
    main = _checked(base, name, "config")
    problems: list[str] = []
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
    if problems:
        raise ConfigError(combined(problems))
    return Project(config=main, trials=trials, syntheses=syntheses)


def require_files(project: Project, root: str | Path = ".") -> None:
    """Raise when a data file that the configuration names does not exist.

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
        With every file that is missing, and where it is named.
    """
    named = {
        f"config/config.yaml, at published.{name}": file
        for name, file in project.config.get("published", {}).items()
    }
    named |= {
        f"config/config.yaml, at judgements.{name}": file
        for name, file in project.config.get("judgements", {}).items()
    }
    for key, synthesis in project.syntheses.items():
        if "studies" in synthesis:
            place = f"config/syntheses/{key}.yaml, at studies.file"
            named[place] = synthesis["studies"]["file"]
    for key, trial in project.trials.items():
        for name, source in trial["sources"].items():
            place = f"config/trials/{key}.yaml, at sources.{name}.file"
            named[place] = source["file"]
    problems = []
    for place, file in named.items():
        path = Path(root) / file
        if not path.is_file():
            beside = sorted(p.name for p in path.parent.glob("*.*"))
            remedy = suggestion(path.name, beside)
            what = f"there is no file {file!r}"
            problems.append(
                f"{place}: {what}; put it there, or mend the name: {remedy}"
            )
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
        try:
            loaded[name] = _checked(base, file, schema) | {"id": name}
        except ConfigError as reason:
            problems.append(str(reason))
    return loaded


def _checked(base: Path, file: str, schema_name: str) -> dict[str, Any]:
    schema = load_yaml(SCHEMAS / f"{schema_name}.schema.yaml")
    try:
        content = load_yaml(base / file)
    except ConfigError as reason:
        raise ConfigError(str(reason).replace(str(base / file), file)) from None
    check(content, schema, file=file)
    filled: dict[str, Any] = with_defaults(content, schema)
    return filled
