"""Write `config/README.md` from the schemas, where every key is documented once."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trialstats.config.checking import resolved
from trialstats.config.loading import SCHEMAS, load_yaml

_HEAD = """\
# Configuration

What is analysed and how stands in YAML files; no Python is needed. Each file is checked
against a schema in `workflow/schemas/` before anything runs. A misspelt key is named
with its file and the key that would be right, and all problems come in one message.

- `config/config.yaml` says what is in the dossier.
- `config/trials/<trial>.yaml`, one a trial: from raw files to analyses.
- `config/syntheses/<synthesis>.yaml`, one a synthesis.

To add a trial: put its raw files below `data/raw/`, write
`config/trials/<trial>.yaml` (copy the one that is nearest), name it in
`config/config.yaml`, run `make report`. To add a synthesis: write
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

Conditions (`when`, `analysis_sets`) are comparisons of columns with constants,
joined by `and`, `or`, `not`, and `present(COLUMN)`; a comparison with a missing
value is false.

This page is written by `make docs` from the schemas.
"""


def document(root: str | Path = ".") -> str:
    """Return the text of `config/README.md`."""
    parts = [_HEAD]
    for name in ("config", "trial", "synthesis"):
        schema = load_yaml(Path(root) / SCHEMAS / f"{name}.schema.yaml")
        parts.append(f"\n## `{schema['title']}`\n\n{schema['description']}\n\n")
        parts += [f"{line}\n" for line in _lines(schema, schema, 0)]
    return "".join(parts)


def _lines(
    schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> Iterator[str]:
    required = schema.get("required", [])
    for key, inner in schema.get("properties", {}).items():
        inner = resolved(inner, root)
        yield f"{'  ' * depth}- `{key}`{_facts(inner, key in required)}"
        yield from _inside(inner, root, depth + 1)


def _inside(
    schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> Iterator[str]:
    """Yield the keys below a key, whether it is an object, a list or named freely."""
    yield from _lines(schema, root, depth)
    free = schema.get("additionalProperties")
    if isinstance(free, Mapping) and "properties" in resolved(free, root):
        yield f"{'  ' * depth}- *each of them*{_facts(resolved(free, root), True)}"
        yield from _lines(resolved(free, root), root, depth + 1)
    items = schema.get("items")
    if isinstance(items, Mapping):
        yield from _lines(resolved(items, root), root, depth)


def _facts(schema: Mapping[str, Any], required: bool) -> str:
    facts = [schema.get("description", "").rstrip(".")]
    if "enum" in schema:
        facts.append("one of " + ", ".join(f"`{value}`" for value in schema["enum"]))
    if "default" in schema and schema["default"] not in ({}, [], ""):
        facts.append(f"default `{schema['default']}`")
    elif not required:
        facts.append("optional")
    said = "; ".join(fact for fact in facts if fact)
    return f": {said}." if said else ""


if __name__ == "__main__":
    sys.stdout.write(document())
