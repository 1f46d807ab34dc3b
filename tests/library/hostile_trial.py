"""Two trials and a synthesis in which every text is one that a format might obey.

Configurations and raw files are those of the gallery and of the tests of the schema;
their names, labels and cells are replaced before anything is checked or cleaned.
"""

import csv
import io as streams
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from tests.library.config.example_files import crossover
from trialstats import exports, io
from trialstats.analyses.synthesis import synthesise
from trialstats.analyses.synthesis_subsets import subsets_of
from trialstats.analyses.trial import (
    analysis_residuals,
    describe_trial,
    fit_analysis,
)
from trialstats.clean.files import dataset_schemas
from trialstats.clean.judgements import judgement_frames
from trialstats.clean.steps import account_summary
from trialstats.clean.studies import build_studies
from trialstats.clean.trial import CleanTrial, clean_trial
from trialstats.config.checking import check, with_defaults
from trialstats.config.consistency import trial_problems
from trialstats.config.estimands import resolved_estimands
from trialstats.config.loading import SCHEMAS
from trialstats.config.raw_files import files_of
from trialstats.config.reading import load_yaml
from trialstats.config.syntheses import synthesis_problems
from trialstats.evidence_rows import EFFECTS, PUBLISHED_POOLS, PUBLISHED_TRIALS
from trialstats.figures.trial_kinds import MIXED_MODELS, Material, analyses_of
from trialstats.rows import frame_of

ROOT = Path(__file__).resolve().parents[2]
GALLERY = ROOT / "config/examples/gallery"
CROSSOVER = ROOT / "tests/reference/configurations/crossover.yaml"

#: What a browser, LaTeX, RTF, a spreadsheet or matplotlib would act upon, and scripts
#: that fonts lack or that run from right to left.
TEXTS = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "&amp; &lt;b&gt; ]]> <!--",
    r"\input{/etc/passwd} 100% #1 ~ ^ _",
    r"$x^2$ $\alpha$",
    r"$\frac{1$",
    r"{\object \par \'41} \u8364?",
    '=HYPERLINK("http://x.invalid","y")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1) {{ 7*7 }} {% raw %}",
    "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}\N{HEBREW LETTER VAV} 12 "
    "\N{ARABIC LETTER TEH}\N{ARABIC LETTER JEEM}\N{ARABIC-INDIC DIGIT THREE}",
    "\N{GRINNING FACE} \N{CJK UNIFIED IDEOGRAPH-8A66}\N{CJK UNIFIED IDEOGRAPH-9A13}",
    "e\N{COMBINING ACUTE ACCENT}a\N{COMBINING RING ABOVE} "
    "\N{DEVANAGARI LETTER HA}\N{DEVANAGARI VOWEL SIGN I}",
    "\N{RIGHT-TO-LEFT OVERRIDE}drawkcab\N{RIGHT-TO-LEFT ISOLATE}",
    "</svg></style><foreignObject><a href='javascript:x'>",
)

#: Words of the gallery that are replaced wherever they stand alone, as names of the
#: configuration or as cells of the raw files.
_NAMES = (
    *("Placebo", "Low dose", "High dose", "F", "M"),
    *("Baseline", "Week 2", "Week 4", "Week 8", "Week 12"),
    *("Headache", "Vivid dreams", "Dizziness", "Nausea", "Diarrhoea", "Dry mouth"),
    *("Nasopharyngitis", "Influenza", "Fatigue", "Back pain", "Rash"),
    *("Nervous system disorders", "Gastrointestinal disorders"),
    *("Infections and infestations", "General disorders"),
    *("Musculoskeletal disorders", "Skin disorders"),
    *("Adverse event", "Lack of efficacy", "Withdrawal by subject", "Lost"),
    *("Much better", "A little better", "No change", "Worse", "Low", "High"),
    *("Active", "Active first", "Placebo first", "Start", "End", "A little pain"),
    *("high", "low", "Tablet", "no control group", "wrong outcome"),
    *(f"Trial {number}" for number in range(1, 11)),
)

POISONED = {
    name: f"{TEXTS[number % len(TEXTS)]} {name}" for number, name in enumerate(_NAMES)
}

#: Keys of a configuration whose value is a text for readers.
_WORDS = frozenset(
    {
        *("title", "label", "unit", "condition", "question", "population", "summary"),
        *("variable", "name", "timepoint", "scale", "lower", "higher", "source"),
    }
)

#: Keys that hold one of several words that the library knows.
_KNOWN = frozenset({"better", "worst", "role", "type", "data_status", "design"})

#: Units that the library converts.
_UNITS = frozenset({"days", "years"})


def poisoned(node: Any, key: str = "", turn: Iterator[int] | None = None) -> Any:
    """Return a part of a configuration with hostile names and words."""
    turn = turn if turn is not None else iter(range(10_000))
    if isinstance(node, dict):
        return {
            POISONED.get(k, k) if key != "sources" else k: (
                v if k in _KNOWN else poisoned(v, k, turn)
            )
            for k, v in node.items()
        }
    if isinstance(node, list):
        return [poisoned(item, key, turn) for item in node]
    if not isinstance(node, str):
        return node
    if node in POISONED or node in _UNITS:
        return POISONED.get(node, node)
    return f"{TEXTS[next(turn) % len(TEXTS)]} {node}" if key in _WORDS else node


def poisoned_cells(content: bytes, *, keep: Collection[str] = ()) -> bytes:
    """Return a raw file in which names, sites and numbers of subjects are hostile."""
    rows = list(csv.reader(streams.StringIO(content.decode("utf-8"))))
    head, *body = rows
    target = streams.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(head)
    for row in body:
        cells = dict(zip(head, row, strict=True))
        for name, cell in cells.items():
            if name == "subject":
                cells[name] = f"{TEXTS[int(cell) % len(TEXTS)]}-{cell}"
            elif name == "site":
                cells[name] = f"{TEXTS[int(cell)]} {cell}"
            elif name == "reason" and cell not in POISONED:
                cells[name] = cell and f"{TEXTS[len(cell) % len(TEXTS)]} {cell}"
            elif name not in keep:
                cells[name] = POISONED.get(cell, cell)
        writer.writerow(cells.values())
    return target.getvalue().encode("utf-8")


@dataclass(frozen=True)
class Trial:
    """A hostile trial with everything that is drawn, tabulated and reported of it."""

    config: dict[str, Any]
    clean: CleanTrial
    material: Material
    changes: pd.DataFrame
    dictionary: pd.DataFrame


def _made(name: str, config: Any, files: Mapping[str, bytes]) -> Trial:
    with TemporaryDirectory() as folder:
        return _made_in(Path(folder), name, config, files)


def _made_in(folder: Path, name: str, config: Any, files: Mapping[str, bytes]) -> Trial:
    schema = load_yaml(SCHEMAS / "trial.schema.yaml")
    check(config, schema, file=name)
    config = with_defaults(config, schema) | {"id": name}
    problems = trial_problems(config, file=name)
    assert not problems, "\n".join(problems)
    config = resolved_estimands(config)
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    clean = clean_trial(
        config,
        {
            source: [
                io.read_raw(folder / file, io.RawOptions.of(spec), name=file)
                for file in files_of(spec).values()
            ]
            for source, spec in config["sources"].items()
        },
    )
    data = (clean.adsl, clean.bds, clean.adae)
    described = describe_trial(config, clean.adsl, clean.bds)
    fitted = [
        fit_analysis(config, analysis, *data, clean.adtte)
        for analysis in config["analyses"]
    ]
    rows = pd.concat([*fitted, *described.values()], ignore_index=True)
    mixed = analyses_of(config, *MIXED_MODELS)
    counted, changed = account_summary([clean.account])
    material = Material(
        trial=config,
        rows=rows,
        residuals={n: analysis_residuals(config, n, *data) for n in mixed},
        steps=counted,
        adsl=clean.adsl,
        bds=clean.bds,
        adae=clean.adae,
        adtte=clean.adtte,
    )
    return Trial(config, clean, material, changed, _dictionary(config, clean, folder))


def _dictionary(config: Any, clean: CleanTrial, folder: Path) -> pd.DataFrame:
    schemas = dataset_schemas(config)
    listed = []
    for name in exports.datasets_of(config):
        path, schema = folder / f"{name}.parquet", schemas[name]
        io.write_table(getattr(clean, name), path, schema)
        table = io.read_columns(path, schema.names)
        listed.append(exports.dataset_of(name, table, exports.keys_of(name, table)))
    return exports.data_dictionary(listed)


@cache
def parallel() -> Trial:
    """Return the trial of the gallery, poisoned."""
    config = load_yaml(GALLERY / "config/trials/back_pain.yaml")
    files = {
        file: poisoned_cells((GALLERY / file).read_bytes())
        for spec in config["sources"].values()
        for file in files_of(spec).values()
    }
    return _made("back_pain", poisoned(config), files)


@cache
def crossing() -> Trial:
    """Return a crossover trial, poisoned."""
    return _made("crossover", poisoned(load_yaml(CROSSOVER)), crossover())


@dataclass(frozen=True)
class Synthesis:
    """A hostile synthesis with everything that is drawn and tabulated of it."""

    config: dict[str, Any]
    rows: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    certainty: pd.DataFrame


@cache
def synthesis() -> Synthesis:
    """Return the synthesis of the gallery, poisoned."""
    schema = load_yaml(SCHEMAS / "synthesis.schema.yaml")
    config = poisoned(load_yaml(GALLERY / "config/syntheses/response.yaml"))
    config["notes"] = list(TEXTS)
    check(config, schema, file="response")
    config = with_defaults(config, schema) | {"id": "response"}
    problems = synthesis_problems(config, {}, file="response")
    assert not problems, "\n".join(problems)
    cells = {}
    with TemporaryDirectory() as folder:
        for name in ("response", "risk_of_bias", "certainty"):
            path = Path(folder) / f"{name}.csv"
            content = (GALLERY / f"data/{name}.csv").read_bytes()
            # Domains and judgements are words that the library knows.
            keep = ("domain", "judgement", "synthesis")
            path.write_bytes(poisoned_cells(content, keep=keep))
            cells[name] = io.read_cells(path)
    studies, _ = build_studies(cells.pop("response"), config["studies"])
    judged, certainty = judgement_frames(
        cells,
        files={name: f"{name}.csv" for name in cells},
        trials=list(studies["study"]),
        syntheses=["response"],
    )
    rows = synthesise(config, *_nothing_published(), {}, studies)
    effects, trials, _ = _nothing_published()
    subsets = subsets_of(config, effects, trials, {}, studies)
    tables = {"subsets": subsets, "risk_of_bias": judged}
    return Synthesis(config, rows, tables, certainty)


def _nothing_published() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return (
        frame_of([], EFFECTS),
        frame_of([], PUBLISHED_TRIALS),
        frame_of([], PUBLISHED_POOLS),
    )
