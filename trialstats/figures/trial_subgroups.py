"""The forest of the subgroups of one analysis: a line a level under its variable."""

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
    arm_count,
    axis_words,
    effect_column,
    effect_line,
    reasons,
    shown_effect,
    trial_forest,
    words_of,
)
from trialstats.formatting import NOT_ESTIMABLE
from trialstats.parts import SUBGROUPS, Subgroups, own_records, subgroups_of
from trialstats.records import (
    Record,
    distinct,
    find,
    is_synthetic,
    one,
    records,
)

_HOUSE = HOUSES["plain"]

_ALL = "All subjects"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the figure shows: one effect of one analysis at one visit."""

    trial: Mapping[str, Any]
    analysis: Mapping[str, Any]
    statistic: str
    visit: str | None
    overall: list[Record]
    parts: list[Record]
    left: list[Record]
    words: Words

    @property
    def control(self) -> str:
        return str(self.trial["arms"]["control"])

    @property
    def several(self) -> bool:
        """Whether there are several treatments, with a heading each."""
        return len(self.trial["arms"]["treatments"]) > 1

    def contrast(self, arm: str) -> str:
        return f"{arm} versus {self.control}"

    def variable(self, spec: Subgroups) -> str:
        """Return the name of what divides the subjects, its label where ADSL has it."""
        known = self.trial.get("adsl", {}).get("variables", {})
        own = spec.column is not None and spec.label == spec.column
        return (
            str(known.get(spec.column, {}).get("label") or spec.label)
            if own
            else (spec.label)
        )


def subgroup_figure(
    rows: pd.DataFrame, *, trial: Mapping[str, Any], analysis: str
) -> TrialFigure:
    """Draw the effect within each subgroup of an analysis, beside that of all.

    Parameters
    ----------
    rows : DataFrame
        Rows of the trial, schema `ESTIMATES`.
    trial : mapping
        Its configuration.
    analysis : str
        The analysis, whose configuration has subgroups.

    Returns
    -------
    TrialFigure

    Raises
    ------
    DataError
        When there are no rows of its subgroups.
    """
    shown = _shown(records(rows[rows["analysis"] == analysis]), trial, analysis)
    title = f"{trial['trial']}: {shown.analysis['title']}, subgroups"
    lines = list(_lines(shown))
    effects = [*shown.overall, *find(shown.parts, statistic=shown.statistic)]
    measure = MEASURE_OF[shown.statistic]
    guide = shown.overall[0] if len(shown.overall) == 1 else None
    section = Section(
        lines,
        shown.statistic,
        axis_words(trial, shown.analysis, shown.statistic),
        analysis_sides(trial, shown.analysis, shown.statistic),
        guide=guide,
    )
    arms = ("Treatment", "Control")
    if not shown.several:
        arms = (str(trial["arms"]["treatments"][0]), shown.control)
    counted = any("/" in line.cells.get("t|n", "") for line in lines)
    head = "Events/n" if counted else "n"
    drawn = trial_forest(
        [section],
        title=title,
        subtitle=_subtitle(shown),
        synthetic=is_synthetic(effects),
        before=[
            Column(key, (head,), over=arm, data=True)
            for key, arm in zip(("t|n", "c|n"), arms, strict=True)
        ],
        after=[
            effect_column([measure], effects),
            Column("p", ("p, inter-", "action")),
        ],
        head="Subgroup",
        notes=_notes(shown),
    )
    return TrialFigure(drawn, title, _alt(shown, title))


def _shown(listed: list[Record], trial: Mapping[str, Any], name: str) -> _Shown:
    analysis = trial["analyses"][name]
    statistic = shown_effect(trial, analysis)
    parts = find(listed, model_id=SUBGROUPS)
    effects = find(parts, statistic=statistic)
    if not effects:
        raise DataError(
            f"there are no effects within subgroups of {name!r}",
            column="statistic",
            remedy=f"rows of {statistic!r} with model_id {SUBGROUPS!r}",
        )
    left = find(parts, statistic="n_without_subgroup")
    # Of a model over visits without one visit of its own the last is shown.
    visit = effects[-1]["visit"]
    own = find(own_records(listed), statistic=statistic, visit=visit)
    wanted = [f"{a} versus {trial['arms']['control']}" for a in _treatments(trial)]
    overall = [row for c in wanted for row in find(own, contrast=c)]
    return _Shown(
        trial=trial,
        analysis=analysis,
        statistic=statistic,
        visit=visit,
        overall=overall,
        parts=[*find(parts, visit=visit), *find(own_records(listed), visit=visit)],
        left=left,
        words=words_of(statistic, [*overall, *find(effects, visit=visit)]),
    )


def _treatments(trial: Mapping[str, Any]) -> list[str]:
    return [str(arm) for arm in trial["arms"]["treatments"]]


def _lines(shown: _Shown) -> Iterator[Line]:
    for number, arm in enumerate(_treatments(shown.trial)):
        contrast = shown.contrast(arm)
        if shown.several:
            named = row_ids(*find(shown.overall, contrast=contrast))
            rows = {"label": named}
            yield Line("heading", contrast, ruled=number > 0, rows=rows)
        own = one(shown.overall, contrast=contrast)
        if own is not None:
            yield _line(shown, _ALL, own, arm, None, kind="subtotal")
        for spec in subgroups_of(shown.analysis):
            yield _heading(shown, spec, contrast)
            for row in _levels(shown, spec, contrast):
                level = str(spec.level(row["subgroup"]))
                yield _line(shown, level, row, arm, row["subgroup"], indented=True)


def _levels(shown: _Shown, spec: Subgroups, contrast: str) -> list[Record]:
    own = find(
        shown.parts,
        statistic=shown.statistic,
        contrast=contrast,
        model_id=SUBGROUPS,
    )
    return [row for row in own if spec.level(row["subgroup"]) is not None]


def _line(
    shown: _Shown,
    label: str,
    row: Record,
    arm: str,
    subgroup: str | None,
    **look: Any,
) -> Line:
    own = [
        r
        for r in shown.parts
        if r["subgroup"] == subgroup
        and (r["model_id"] == SUBGROUPS) == (subgroup is not None)
    ]
    counts = {
        "t|n": arm_count(own, arm, subgroup=subgroup),
        "c|n": arm_count(own, shown.control, subgroup=subgroup),
    }
    return effect_line(
        label,
        row,
        shown.words,
        cells={key: text for key, (text, _) in counts.items()},
        rows={key: named for key, (_, named) in counts.items()},
        **look,
    )


def _test_of(shown: _Shown, spec: Subgroups, contrast: str) -> Record | None:
    """Return the test of one treatment, or that of all together."""
    tests = find(
        shown.parts,
        statistic="interaction_test",
        subgroup=spec.label,
        group=shown.statistic,
        model_id=SUBGROUPS,
    )
    return one(tests, contrast=contrast) or one(tests, contrast=None)


def _heading(shown: _Shown, spec: Subgroups, contrast: str) -> Line:
    test = _test_of(shown, spec, contrast)
    cells = {}
    if test is not None:
        p = test["p_value"]
        cells["p"] = NOT_ESTIMABLE if p is None else _HOUSE.p_value(p)
    named = row_ids(*_levels(shown, spec, contrast))
    rows = {"label": named, "p": row_ids(test)}
    return Line("heading", shown.variable(spec), cells, rows=rows)


def _subtitle(shown: _Shown) -> Sentence:
    """Return the model of the whole analysis, as its row states it."""
    if not shown.overall:
        return "", ()
    text = str(shown.overall[0]["method"])
    if not shown.several:
        text = f"{shown.overall[0]['contrast']}. {text}"
    return text, row_ids(*shown.overall)


def _notes(shown: _Shown) -> list[Sentence]:
    tests = [
        test
        for arm in _treatments(shown.trial)
        for spec in subgroups_of(shown.analysis)
        if (test := _test_of(shown, spec, shown.contrast(arm)))
    ]
    notes: list[Sentence] = [
        (
            "Within a level the model is fitted to its subjects alone, without what "
            "divides them. Diamond: all subjects; squares: levels, their area by the "
            "number of subjects; lines: confidence intervals.",
            (),
        )
    ]
    if tests:
        said = "p, interaction: whether the effect of treatment differs between levels"
        joint = shown.several and all(test["contrast"] is None for test in tests)
        words = f"{said}, of all treatments together" if joint else said
        notes.append((f"{words}. {_test_words(tests)}.", row_ids(*tests)))
    absent = [
        (
            f"{row['subgroup']} ({row['contrast']})"
            if shown.several
            else str(row["subgroup"]),
            row,
        )
        for row in find(shown.parts, statistic=shown.statistic, model_id=SUBGROUPS)
    ]
    absent += [(f"Interaction with {test['subgroup']}", test) for test in tests]
    for label in distinct(shown.left, "subgroup"):
        own = find(shown.left, subgroup=label)
        total = "; ".join(f"{row['estimate']:.0f} on {row['group']}" for row in own)
        notes.append((f"In no level of {label}: {total}.", row_ids(*own)))
    return [*notes, *reasons(absent)]


def _test_words(tests: Sequence[Record]) -> str:
    """Return the kind of test, from the end of the first one's method."""
    method = str(tests[0]["method"])
    for kind in ("F test", "likelihood-ratio test", "Cochran's Q"):
        if kind in method:
            return f"{kind[:1].upper()}{kind[1:]}"
    return method


def _alt(shown: _Shown, title: str) -> str:
    """Return the effect of all, and where it differs, in words."""
    said = [f"{title}."]
    for row in shown.overall:
        text = shown.words.effect(row["estimate"], (row["ci_lower"], row["ci_upper"]))
        said.append(f"{row['contrast']}, all subjects: {text or 'not estimable'}.")
    for spec in subgroups_of(shown.analysis):
        for arm in _treatments(shown.trial):
            test = _test_of(shown, spec, shown.contrast(arm))
            if test is None or (test["contrast"] is None and arm != _first(shown)):
                continue
            p = test["p_value"]
            text = "not estimable" if p is None else _HOUSE.p(p)
            whom = f" ({test['contrast']})" if test["contrast"] else ""
            n = len(_levels(shown, spec, shown.contrast(arm)))
            said.append(f"{shown.variable(spec)}{whom}, {n} levels: {text}.")
    return " ".join(said)


def _first(shown: _Shown) -> str:
    return _treatments(shown.trial)[0]
