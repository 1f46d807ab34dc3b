"""Write docs/gallery.md: each figure and table, with the configuration that gives it.

Everything is made in memory from the example dossiers of the project, so that the page
shows what the code of today draws. Run as ``python scripts/write_gallery.py``, or by
`make docs`; a test makes it again and compares every byte.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
for folder in (ROOT, ROOT / "scripts"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from _gallery import FIGURES, SYNTHESES, TABLES, Entry  # noqa: E402
from _table_picture import table_picture  # noqa: E402

from trialstats import evidence_rows, io  # noqa: E402
from trialstats.analyses.synthesis import synthesise  # noqa: E402
from trialstats.analyses.synthesis_subsets import subsets_of  # noqa: E402
from trialstats.analyses.trial import analyse_trial, analysis_residuals  # noqa: E402
from trialstats.clean.files import read_sources  # noqa: E402
from trialstats.clean.judgements import (  # noqa: E402
    build_certainty,
    risk_of_bias_in,
)
from trialstats.clean.steps import account_summary  # noqa: E402
from trialstats.clean.studies import build_studies  # noqa: E402
from trialstats.clean.trial import clean_trial  # noqa: E402
from trialstats.config.loading import load_project  # noqa: E402
from trialstats.exports import DATA_DICTIONARY  # noqa: E402
from trialstats.figures.forest import forest_plot  # noqa: E402
from trialstats.figures.forest_alt import forest_alt_text  # noqa: E402
from trialstats.figures.of_synthesis import synthesis_figure  # noqa: E402
from trialstats.figures.render import render  # noqa: E402
from trialstats.figures.trial_kinds import (  # noqa: E402
    MIXED_MODELS,
    Material,
    analyses_of,
    draw_figure,
)
from trialstats.rows import frame_of  # noqa: E402
from trialstats.tables import (  # noqa: E402
    Table,
    findings_tables,
    synthesis_tables,
    trial_tables,
)

PAGE, IMAGES = "docs/gallery.md", "docs/images/gallery"

HEAD = """\
# Gallery

Each figure and each table, with the configuration that gives it. The trial and the
synthesis are made up: they stand in `config/examples/gallery`, whose report
`make examples` makes. The crossover is the synthetic one of the dossier. Tables are
drawn here as pictures; the dossier has them as HTML, RTF, DOCX, LaTeX and CSV, figures
as SVG, PNG and PDF.

`make docs` writes this page; a test makes it again and compares every byte.
"""

#: Lines of a table that its picture shows.
MOST = 28

Picture = tuple[str, bytes, str]


@dataclass(frozen=True)
class Trial:
    """A trial of an example dossier with all that its figures and tables show."""

    config: Mapping[str, Any]
    material: Any
    tables: Mapping[str, Table]


@dataclass(frozen=True)
class Synthesis:
    """A synthesis of an example dossier with all that its figures and tables show."""

    config: Mapping[str, Any]
    rows: pd.DataFrame
    drawn: Mapping[str, pd.DataFrame]
    tables: Mapping[str, Table]


def node_lines(text: str, keys: tuple[str, ...]) -> str:
    """Return the lines of a YAML file under a path of keys, less their indent."""
    node = yaml.compose(text)
    lines = text.splitlines()
    for key in keys:
        pairs = {k.value: (k, v) for k, v in node.value}
        name, node = pairs[key]
        first, last = name.start_mark.line, node.end_mark.line
    if node.end_mark.column or last == first:
        last += 1
    part = [line for line in lines[first:last] if line.strip()]
    indent = len(part[0]) - len(part[0].lstrip())
    return "\n".join(line[indent:] for line in part)


def configured(entry: Entry) -> Iterator[str]:
    """Yield the blocks of the page that show the configuration of an entry."""
    path = ROOT / entry.file
    for keys in entry.keys:
        shown = node_lines(path.read_text(encoding="utf-8"), keys)
        parents = "".join(f"{'  ' * n}{key}:\n" for n, key in enumerate(keys[:-1]))
        inner = "\n".join("  " * (len(keys) - 1) + line for line in shown.splitlines())
        yield f"```yaml\n{parents}{inner}\n```"


@cache
def trial_of(file: str) -> Trial:
    """Return a trial, cleaned, analysed and tabulated."""
    path = ROOT / file
    folder, name = path.parents[2], path.stem
    config = load_project(folder).trials[name]
    clean = clean_trial(config, read_sources(config, root=folder))
    datasets = (clean.adsl, clean.bds, clean.adae, clean.adtte)
    fitted = analyse_trial(config, *datasets)
    rows = pd.concat(list(fitted.values()), ignore_index=True)
    steps, changes = account_summary([clean.account])
    residuals = {
        analysis: analysis_residuals(config, analysis, *datasets[:3])
        for analysis in analyses_of(config, *MIXED_MODELS)
    }
    material = Material(config, rows, residuals, steps, *datasets)
    tables = trial_tables(
        rows,
        trial=config,
        account=steps,
        changes=changes,
        queries=clean.queries,
        set_aside=clean.set_aside,
        dictionary=frame_of([], DATA_DICTIONARY),
        datasets=dict(zip(("adsl", "bds", "adae"), datasets, strict=False)),
    )
    return Trial(config, material, tables)


@cache
def synthesis_of(file: str) -> Synthesis:
    """Return a synthesis of a table of studies, pooled and tabulated."""
    path = ROOT / file
    folder, name = path.parents[2], path.stem
    project = load_project(folder)
    config = project.syntheses[name]
    cells = io.read_cells(folder / config["studies"]["file"])
    studies, _ = build_studies(cells, config["studies"])
    none = [
        frame_of([], schema)
        for schema in (
            evidence_rows.EFFECTS,
            evidence_rows.PUBLISHED_TRIALS,
            evidence_rows.PUBLISHED_POOLS,
        )
    ]
    rows = synthesise(config, *none, {}, studies)
    judged = project.config["judgements"]
    bias = folder / judged["risk_of_bias"]
    drawn = {
        "risk_of_bias": risk_of_bias_in(io.read_cells(bias), file=str(bias)),
        "subsets": subsets_of(config, *none[:2], {}, studies),
    }
    certain = folder / judged["certainty"]
    graded = build_certainty(
        io.read_cells(certain), file=str(certain), syntheses={name: config}
    )
    made = synthesis_tables(rows, synthesis=config, labels={})
    findings = findings_tables(rows, syntheses=[config], judged=graded)
    return Synthesis(config, rows, drawn, {**made, "findings": findings[0]})


def trial_figure(entry: Entry) -> Picture:
    """Draw a figure of a trial."""
    drawn = draw_figure(entry.name, trial_of(entry.file).material)
    svg = render(drawn.figure, "svg", title=drawn.title, alt=drawn.alt)
    return f"{Path(entry.file).stem}_{entry.name}", svg, drawn.title


def trial_table(entry: Entry) -> Picture:
    """Draw a table of a trial."""
    return _table(entry, trial_of(entry.file).tables[entry.name])


def of_synthesis(entry: Entry) -> Picture:
    """Draw a figure or a table of a synthesis."""
    made = synthesis_of(entry.file)
    kind, _, name = entry.name.rpartition(":")
    if kind:
        return _table(entry, made.tables[name])
    about: dict[str, Any] = {"synthesis": made.config, "labels": {}}
    if name == "forest":
        title = str(made.config["title"])
        bias = made.drawn["risk_of_bias"]
        figure = forest_plot(made.rows, risk_of_bias=bias, **about)
        alt = forest_alt_text(made.rows, **about)
    else:
        figure, title, alt = synthesis_figure(
            name, made.rows, tables=made.drawn, **about
        )
    svg = render(figure, "svg", title=title, alt=alt)
    return f"{Path(entry.file).stem}_{name}", svg, title


def _table(entry: Entry, table: Table) -> Picture:
    name = f"table_{Path(entry.file).stem}_{entry.name.rpartition(':')[2]}"
    figure = table_picture(table, rows=MOST)
    return name, render(figure, "svg", title=table.title), table.title


def main() -> dict[str, bytes]:
    """Return the page and its pictures by their paths."""
    made: dict[str, bytes] = {}
    parts = [HEAD]
    for heading, entries, draw in (
        ("Figures of a trial", FIGURES, trial_figure),
        ("Tables of a trial", TABLES, trial_table),
        ("Figures and tables of a synthesis", SYNTHESES, of_synthesis),
    ):
        parts.append(f"## {heading}\n")
        for entry in entries:
            name, picture, alt = draw(entry)
            made[f"{IMAGES}/{name}.svg"] = picture
            parts.append(f"### {entry.title}\n\n{entry.words}\n")
            parts.append(f"![{alt}](images/gallery/{name}.svg)\n")
            parts += [f"{block}\n" for block in configured(entry)]
    made[PAGE] = "\n".join(parts).encode()
    return made


if __name__ == "__main__":
    for path, content in main().items():
        io.write_bytes(content, ROOT / path)
    print(PAGE)
