"""Write `config/README.md` from the schemas, where every key is documented once."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trialstats.config.keys import ANY_ENTRY, ANY_NAME, Key, keys_of
from trialstats.config.loading import SCHEMAS
from trialstats.config.reading import load_yaml
from trialstats.config.snippets import inline, snippet

_HEAD = """\
# Configuration

What is analysed and how stands in YAML files; no Python is needed. Each file is checked
against a schema in `workflow/schemas/` before anything runs. A misspelt key is named
with its file and the key that would be right, and all problems come in one message.

- `config/config.yaml` says what is in the dossier.
- `config/trials/<trial>.yaml`, one a trial: from raw files to analyses.
- `config/syntheses/<synthesis>.yaml`, one a synthesis.

To add a trial: put its raw files below `data/raw/<trial>/`, draft its configuration
(`python -m trialstats describe data/raw/<trial>/* --output config/trials/<trial>.yaml`,
see [docs/describe.md](../docs/describe.md)), mend what the draft marks as a guess,
`python -m trialstats check config/trials/<trial>.yaml`, name the trial in
`config/config.yaml`, run `make report`. [docs/tutorial.md](../docs/tutorial.md) does
all this with a trial of four files. To add a synthesis: write
`config/syntheses/<synthesis>.yaml` and name it likewise. A further published trial is a
row of each table it has numbers for, see `data/README.md`.

The name of a trial in the dossier is its file's; `trial` inside is the study identifier
that tables print. Its figure of means comes from the first mmrm or crossover
analysis, that of adverse events from an adverse_events analysis; each mmrm and each
crossover has a figure of its residuals.

A synthesis takes its trials from the published tables (`published`), from trials that
are analysed here (`analyses`), or from a table of studies of its own (`studies`).
`config/examples/meta_analysis/` is a dossier with four of the last kind; `make
examples` runs it. Beside the main model stand, unasked: other estimators and
intervals, the model without each trial, influence, tests of small-study effects, a
Bayesian model where the effects have no unit, and with fewer than five trials the ad
hoc variant of Hartung-Knapp. `diagnostics: false` leaves all but the last two out.

Conditions (`when`, `where`, `event`, `analysis_sets`) and derivations (`derive`,
`combine`) are expressions: arithmetic, comparisons, `and`, `or`, `not`, choices
(`'old' if AGE > 60 else 'young'`), and functions of numbers, text and dates.
[docs/expressions.md](../docs/expressions.md) has each with an example. Of raw files
they see text as received (`number(days) > 3`), of datasets the variables with their
types. A comparison with a missing value is false; `present(X)` and `missing(X)` ask.

Data files lie below `data/` of the dossier, and nothing else is read. A link there that
leads out of it is refused, unless the environment variable `TRIALSTATS_DATA` names the
folder that it leads to, or several, separated as in `PATH`.

This page is written by `make docs` from the schemas and from `config/examples/shapes/`;
every example on it is run by the tests.

## A small trial, whole

One row a patient, a column for each visit. What is not written has its default.

"""

#: Shapes in which a trial may come: name of the example, the shape, the sections that
#: show it, the header of its file, and how a row gets its visit.
_SHAPES = (
    (
        *("wide", "one row a patient, a column for each visit", ("bds",)),
        "patient,group,age,pain_0,pain_4,pain_12",
        "the column says it: `visits.columns`",
    ),
    (
        *("dates", "one row a reading, with its date", ("bds",)),
        "patient,day,pain",
        "the date, counted from the first dose: `visits.windows`",
    ),
    (
        *("files", "one file a visit", ("sources", "bds")),
        "patient,pain",
        "the file says it: `files` with `into`, then `visits.column`",
    ),
    (
        *("adam", "ADaM: visits, baselines and flags as received", ("bds",)),
        "USUBJID,PARAMCD,AVISIT,AVAL,BASE,...",
        "a column has its name: `visits.column`",
    ),
    (
        *("sdtm", "SDTM: one row a test", ("adsl", "bds")),
        "USUBJID,QSTESTCD,QSSTRESN,VISIT,...",
        "a column has its name: `visits.column`; `where` picks the test",
    ),
)

_SHAPES_HEAD = """
## The shape of the data

The same twelve patients, as five sites might send them; labels, units and ranges are
left out. Whole, with their data: `config/examples/shapes/`.

| shape | columns of a file | how a row gets its visit |
|---|---|---|
"""

_KEYS_HEAD = """
## Every key

A key is required unless it is called optional or has a default.
"""

#: Characters that an example may have to stand in the line of its key.
_SHORT = 72


def document(root: str | Path = ".") -> str:
    """Return the text of `config/README.md`.

    Parameters
    ----------
    root : path
        Folder of the project.
    """
    shapes = Path(root) / "config/examples/shapes/config/trials"
    parts = [_HEAD, *_fenced((shapes / "wide.yaml").read_text(encoding="utf-8"))]
    parts.append(_SHAPES_HEAD)
    for _, words, _, columns, visit in _SHAPES:
        parts.append(f"| {words} | `{columns}` | {visit} |\n")
    for name, words, sections, _, _ in _SHAPES:
        trial = load_yaml(shapes / f"{name}.yaml")
        parts.append(f"\n{words[0].upper()}{words[1:]} (`{name}.yaml`):\n\n")
        lines = [line for s in sections for line in snippet(s, _worth(trial[s]))]
        parts += _fenced("\n".join(lines) + "\n")
    parts.append(_KEYS_HEAD)
    for name in ("config", "trial", "synthesis"):
        schema = load_yaml(Path(root) / SCHEMAS / f"{name}.schema.yaml")
        parts.append(f"\n### `{schema['title']}`\n\n{schema['description']}\n\n")
        for key in keys_of(schema):
            parts += [f"{line}\n" for line in _lines(key)]
    return "".join(parts)


def _fenced(text: str) -> Iterator[str]:
    yield f"```yaml\n{text}```\n"


def _worth(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section without what says nothing about the shape."""
    hidden = {"label", "unit", "better", "range"}
    return {
        name: _worth(value) if isinstance(value, Mapping) else value
        for name, value in section.items()
        if name not in hidden
    }


def _lines(key: Key) -> Iterator[str]:
    """Yield the lines of one key: what it means, and an example."""
    indent = "  " * key.depth
    name = "*each of them*" if key.free else f"`{key.name}`"
    said = _facts(key)
    if key.as_at:
        said.append(f"its keys are those of `{_named(key.as_at)}`")
    example = [] if key.free else _example(key)
    text = "; ".join(said)
    start = f"{indent}- {name}" + (f": {text}." if text else "")
    if len(example) == 1 and len(example[0]) <= _SHORT:
        yield f"{start} Example: `{example[0]}`"
        return
    yield start
    if example:
        yield f"{indent}  ```yaml"
        yield from (f"{indent}  {line}" for line in example)
        yield f"{indent}  ```"


def _example(key: Key) -> list[str]:
    examples = key.schema.get("examples", ())
    return snippet(key.name, examples[0]) if examples else []


def _named(path: tuple[str, ...]) -> str:
    return ".".join(part for part in path if part not in (ANY_NAME, ANY_ENTRY))


def _facts(key: Key) -> list[str]:
    schema = key.schema
    facts = [schema.get("description", "").rstrip(".")]
    if "enum" in schema:
        facts.append("one of " + ", ".join(f"`{value}`" for value in schema["enum"]))
    if "default" in schema and schema["default"] not in ({}, [], ""):
        facts.append(f"default `{inline(schema['default'])}`")
    elif not key.required:
        facts.append("optional")
    return [fact for fact in facts if fact]


if __name__ == "__main__":
    sys.stdout.write(document())
