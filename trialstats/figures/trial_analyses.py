"""The forest of the analyses of one parameter: primary, secondary and sensitivity."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.figures.forest_blocks import Sentence
from trialstats.figures.forest_columns import Column
from trialstats.figures.forest_lines import Line, row_ids
from trialstats.figures.forest_numbers import HOUSES, Words
from trialstats.figures.trial import TrialFigure
from trialstats.figures.trial_forest import (
    MEASURE_OF,
    Section,
    analysis_sides,
    axis_words,
    effect_column,
    effect_line,
    reasons,
    shown_effect,
    trial_forest,
    words_of,
)
from trialstats.formatting import NOT_ESTIMABLE
from trialstats.parts import EFFECTS, own_rows
from trialstats.records import Record, find, is_synthetic, one, records
from trialstats.vocabulary import AVERAGE_OVER_VISITS, lower_first, upper_first

_HOUSE = HOUSES["plain"]

#: Types of models in the column of the methods.
_MODELS = {
    "ancova": "ANCOVA",
    "mmrm": "MMRM",
    "proportions": "Proportions",
    "logistic": "Logistic regression",
    "survival": "Cox regression",
}

Config = Mapping[str, Any]

#: Analyses whose effects can be compared: the effect, and whether it is in percent.
Group = tuple[str, bool]


def compared_analyses(trial: Config) -> dict[str, dict[Group, list[str]]]:
    """Return the analyses of a trial whose effects stand on one axis, by parameter.

    Parameters
    ----------
    trial : mapping
        Its configuration.

    Returns
    -------
    dict
        Parameter -> (effect, whether a change in percent) -> two analyses or more.
    """
    found: dict[str, dict[Group, list[str]]] = {}
    for name, analysis in trial["analyses"].items():
        if analysis["model"]["type"] not in EFFECTS or trial["design"] != "parallel":
            continue
        group = shown_effect(trial, analysis), analysis.get("response") == "PCHG"
        of_parameter = found.setdefault(str(analysis["parameter"]), {})
        of_parameter.setdefault(group, []).append(name)
    several = {
        code: {group: names for group, names in groups.items() if len(names) > 1}
        for code, groups in found.items()
    }
    return {code: groups for code, groups in several.items() if groups}


@dataclass(slots=True)
class _Methods:
    """Methods by the letters that stand for them."""

    trial: Config
    letters: dict[str, str]
    rows: dict[str, list[Record]]

    def cell(self, analysis: Config, row: Record) -> str:
        """Return the model with the letter of its method in full."""
        text = str(row["method"])
        letter = self.letters.setdefault(text, letter_of(len(self.letters)))
        self.rows.setdefault(text, []).append(row)
        return f"{_MODELS[analysis['model']['type']]} ({letter})"

    def notes(self) -> list[Sentence]:
        """Return every method after its letter."""
        return [
            (f"({letter}) {text}.", row_ids(*self.rows[text]))
            for text, letter in self.letters.items()
        ]


def letter_of(number: int) -> str:
    """Return the letter of a number, from 0 on.

    >>> letter_of(0), letter_of(25), letter_of(26)
    ('a', 'z', 'aa')
    """
    first, last = divmod(number, 26)
    return (letter_of(first - 1) if first else "") + "abcdefghijklmnopqrstuvwxyz"[last]


def analyses_figure(
    rows: pd.DataFrame, *, trial: Config, parameter: str
) -> TrialFigure:
    """Draw the effects of all analyses of a parameter beside each other.

    Parameters
    ----------
    rows : DataFrame
        Rows of the trial, schema `ESTIMATES`.
    trial : mapping
        Its configuration.
    parameter : str
        A parameter that several analyses have; see `compared_analyses`.

    Returns
    -------
    TrialFigure

    Raises
    ------
    DataError
        When the parameter has no two analyses whose effects can be compared.
    """
    groups = compared_analyses(trial).get(parameter)
    if groups is None:
        raise DataError(
            f"{trial['trial']} has no two analyses of {parameter!r} with one effect",
            remedy="draw its profile, or a forest of its subgroups",
        )
    listed = records(own_rows(rows[rows["analysis"].isin(list(trial["analyses"]))]))
    methods = _Methods(trial, {}, {})
    sections, effects = [], []
    for (statistic, _), names in groups.items():
        mine = [
            (name, row)
            for name in names
            for row in _effects(trial, listed, name, statistic)
        ]
        effects += mine
        first = trial["analyses"][names[0]]
        sections.append(
            Section(
                list(_lines(trial, mine, statistic, methods)),
                statistic,
                axis_words(trial, first, statistic),
                analysis_sides(trial, first, statistic),
            )
        )
    title = f"{trial['trial']}: {lower_first(_label(trial, parameter))}, every analysis"
    shown = [row for _, row in effects]
    measures = [MEASURE_OF[section.statistic] for section in sections]
    absent = [(_name(trial, name, row), row) for name, row in effects]
    drawn = trial_forest(
        sections,
        title=title,
        subtitle=_subtitle(trial, shown),
        synthetic=is_synthetic(shown),
        before=[Column("role", ("Role",), align="left"), Column("n", ("n",))],
        after=[
            effect_column(measures, shown),
            Column("p", (_HOUSE.p_symbol,)),
            Column("method", ("Method",), align="left"),
        ],
        head="Analysis",
        notes=[
            (
                "Squares: estimates, their area by the number of subjects; lines: "
                "confidence intervals.",
                (),
            ),
            *methods.notes(),
            *reasons(absent),
        ],
    )
    return TrialFigure(drawn, title, _alt(trial, title, effects))


def _label(trial: Config, parameter: str) -> str:
    for key in ("bds", "responders", "adtte"):
        spec = trial.get(key, {}).get(parameter)
        if spec:
            return str(spec.get("label") or parameter)
    return parameter


def _effects(
    trial: Config, listed: Sequence[Record], name: str, statistic: str
) -> list[Record]:
    """Return the effects of an analysis that have its role, by treatment and visit."""
    analysis, arms = trial["analyses"][name], trial["arms"]
    contrasts = [f"{arm} versus {arms['control']}" for arm in arms["treatments"]]
    own = find(listed, analysis=name, statistic=statistic)
    found = [row for c in contrasts for row in find(own, contrast=c)]
    at = analysis.get("at")
    if analysis["model"]["type"] != "mmrm":
        return found
    if at is not None:
        return find(found, visit=at)
    return [row for row in found if row["visit"] != AVERAGE_OVER_VISITS]


def _lines(
    trial: Config,
    effects: Sequence[tuple[str, Record]],
    statistic: str,
    methods: _Methods,
) -> Iterator[Line]:
    words = words_of(statistic, [row for _, row in effects])
    several = len(trial["arms"]["treatments"]) > 1
    contrasts = list(dict.fromkeys(str(row["contrast"]) for _, row in effects))
    for contrast in contrasts:
        own = [(name, row) for name, row in effects if row["contrast"] == contrast]
        if several:
            named = row_ids(*(row for _, row in own[:1]))
            yield Line("heading", contrast, rows={"label": named})
        for name, row in own:
            yield _line(trial, name, row, words, methods, indented=several)


def _line(
    trial: Config,
    name: str,
    row: Record,
    words: Words,
    methods: _Methods,
    *,
    indented: bool,
) -> Line:
    analysis = trial["analyses"][name]
    p, n = row["p_value"], row["n_subjects"]
    cells = {
        "role": upper_first(str(analysis["role"])),
        "n": "" if n is None else str(n),
        "p": NOT_ESTIMABLE if p is None else _HOUSE.p_value(p),
        "method": methods.cell(analysis, row),
    }
    own = row_ids(row)
    return effect_line(
        _name(trial, name, row),
        row,
        words,
        cells=cells,
        rows=dict.fromkeys(cells, own),
        indented=indented,
    )


def _name(trial: Config, name: str, row: Record) -> str:
    """Return the title of an analysis, with the visit where it has several."""
    analysis = trial["analyses"][name]
    title = str(analysis["title"])
    if analysis["model"]["type"] != "mmrm" or row["visit"] is None:
        return title
    visit = str(row["visit"])
    return title if visit.lower() in title.lower() else f"{title}: {visit}"


def _subtitle(trial: Config, shown: Sequence[Record]) -> Sentence:
    contrasts = list(dict.fromkeys(str(row["contrast"]) for row in shown))
    if len(trial["arms"]["treatments"]) > 1 or not contrasts:
        return "Each treatment minus, or over, the control", ()
    return contrasts[0], row_ids(*shown[:1])


def _alt(trial: Config, title: str, effects: Sequence[tuple[str, Record]]) -> str:
    """Return how many analyses agree on the side of no effect, and the primary one."""
    said = [f"{title}."]
    for contrast in dict.fromkeys(str(row["contrast"]) for _, row in effects):
        own = [row for _, row in effects if row["contrast"] == contrast]
        apart = [r for r in own if _excludes_none(r)]
        said.append(
            f"{contrast}: {len(own)} effects, of which {len(apart)} have an interval "
            "without no effect."
        )
        main = one([r for r in own if r["role"] == "primary"][:1])
        if main is not None:
            words = words_of(str(main["statistic"]), own)
            text = words.effect(main["estimate"], (main["ci_lower"], main["ci_upper"]))
            said.append(f"Primary: {text or 'not estimable'}.")
    return " ".join(said)


def _excludes_none(row: Record) -> bool:
    low, high = row["ci_lower"], row["ci_upper"]
    return low is not None and high is not None and (low > 0 or high < 0)
