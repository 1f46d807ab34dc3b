"""Categories compared over strata, and shifts, by the second engine."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats.analyses.second_rows import (
    Config,
    Second,
    chosen_rows,
    contrast_of,
)
from trialstats.errors import NotEstimableError
from trialstats.expressions import condition
from trialstats.records import Record, records
from trialstats.second_engine import categories_engine as engine

COUNTED = "subjects counted one by one"

_TESTS = ("row_means", "correlation", "general_association")

#: Of two categories: the second for several treatments alone.
_OF_TWO = ("general_association", "correlation")


def cmh_seconds(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    """Yield counts, tests and common effects of categories over strata."""
    settings = config["analyses"][name]
    model, response = settings["model"], settings["response"]
    strata = list(model.get("strata", ()))
    data = chosen_rows(config, name, adsl, bds).dropna(subset=[response])
    labelled = _labelled(config, settings, data, response)
    data = labelled.dropna(subset=strata)
    control, treatments = config["arms"]["control"], config["arms"]["treatments"]
    absent = {control, *treatments} - set(data["TRT01P"])
    if absent:
        raise NotEstimableError(f"No data in {', '.join(sorted(absent))}.")
    data = data.assign(_stratum=_joined(data, strata))
    seen = Counter(zip(data["TRT01P"], data["_label"], strict=True))
    for row in part:
        if row["statistic"] == "count":
            number = float(seen[row["group"], row["subgroup"]])
            yield Second({"row_id": row["row_id"]}, {"estimate": number}, COUNTED)
    categories = [r["subgroup"] for r in part if r["statistic"] == "count"]
    two = list(dict.fromkeys(categories))
    usual = _TESTS if len(two) != 2 else _OF_TWO[: len(treatments)]
    named = model.get("statistics", usual)
    if len(treatments) > 1:
        yield from _tests(config, data, named, model, None)
    for arm in treatments:
        pair = data.loc[data["TRT01P"].isin([control, arm])]
        contrast = contrast_of(config, arm)
        yield from _tests(config, pair, named, model, contrast)
        if len(two) == 2:
            event = pair["_label"].eq(two[1])
            yield from _effects(pair.assign(_event=event), (arm, control), model, part)


def _labelled(
    config: Config, settings: Config, rows: pd.DataFrame, response: str
) -> pd.DataFrame:
    """Return rows with the label and the table score of their category."""
    named: Mapping[str, str] = settings["model"].get("categories", {})
    if named:
        labels = pd.Series("", index=rows.index, dtype="str")
        places = pd.Series(0.0, index=rows.index)
        for place, (label, text) in enumerate(named.items(), start=1):
            here = condition(text, rows)
            labels, places = labels.mask(here, label), places.mask(here, float(place))
        return rows.assign(_label=labels, _score=places)
    values = rows[response].astype(float)
    words = _words(config, settings["parameter"]) if response == "AVAL" else {}
    texts = [words.get(value, f"{value + 0.0:.12g}") for value in values]
    return rows.assign(_label=pd.Series(texts, index=rows.index), _score=values)


def _words(config: Config, code: str) -> dict[float, str]:
    if code in config.get("responders", {}):
        return {1.0: "Yes", 0.0: "No"}
    spec = config.get("bds", {}).get(code, {}).get("value", {}).get("recode", {})
    values = [float(value) for value in spec.values()]
    if len(set(values)) < len(values):
        return {}
    return dict(zip(values, spec, strict=True))


def _joined(data: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    if not columns:
        return [""] * len(data)
    rows = data[list(columns)].astype(str).itertuples(index=False, name=None)
    return ["\x1f".join(row) for row in rows]


def _tests(
    config: Config,
    data: pd.DataFrame,
    named: Sequence[str],
    model: Config,
    contrast: str | None,
) -> Iterator[Second]:
    control, treatments = config["arms"]["control"], config["arms"]["treatments"]
    doses = config["arms"].get("doses", {})
    order = [control, *treatments]
    if not set(order) <= set(doses):
        doses = {arm: place for place, arm in enumerate(order, start=1)}
    for statistic in named:
        found = engine.permutation_test(
            [float(doses[arm]) for arm in data["TRT01P"]],
            list(data["_score"]),
            list(data["_stratum"]),
            statistic,
            model.get("scores", "table"),
        )
        where = {"statistic": f"cmh_{statistic}_test", "contrast": contrast}
        yield Second(where, found, engine.PERMUTATION)


def _effects(
    pair: pd.DataFrame, arms: tuple[str, str], model: Config, part: list[Record]
) -> Iterator[Second]:
    treatment, control = arms
    tables = []
    for _, here in pair.groupby("_stratum", sort=True):
        cells = [
            int((here["TRT01P"].eq(arm) & here["_event"].eq(event)).sum())
            for arm in (treatment, control)
            for event in (True, False)
        ]
        if sum(cells[:2]) and sum(cells[2:]):
            tables.append(cells)
    contrast = f"{treatment} versus {control}"
    found = engine.stratified_results(tables, model.get("level", 0.95))
    present = {r["statistic"] for r in part if r["contrast"] == contrast}
    for statistic, (by, quantities) in found.items():
        if statistic in present:
            where = {"statistic": statistic, "contrast": contrast}
            yield Second(where, quantities, by)


def shift_seconds(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    """Yield the counts of a table of shifts, and its tests."""
    settings = config["analyses"][name]
    people = _shifts(config, settings, adsl, bds)
    seen = Counter((p["arm"], p["before"], p["after"]) for p in people)
    for row in part:
        if row["statistic"] != "shift":
            continue
        number = sum(
            n
            for (arm, before, after), n in seen.items()
            if (arm, f"{before} to {after}") == (row["group"], row["subgroup"])
        )
        yield Second({"row_id": row["row_id"]}, {"estimate": float(number)}, COUNTED)
    named = settings["model"].get("statistics", ())
    arms = {config["arms"]["control"], *config["arms"]["treatments"]}
    whole = [p for p in people if "Missing" not in (p["before"], p["after"])]
    if not named or {p["arm"] for p in whole} != arms:
        return
    data = pd.DataFrame(
        {
            "TRT01P": [p["arm"] for p in whole],
            "_score": [p["score"] for p in whole],
            "_stratum": [p["before"] for p in whole],
        }
    )
    contrast = None
    if len(config["arms"]["treatments"]) == 1:
        contrast = contrast_of(config, config["arms"]["treatments"][0])
    yield from _tests(config, data, named, settings["model"], contrast)


def _shifts(
    config: Config, settings: Config, adsl: pd.DataFrame, bds: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return arm and categories of each subject, found one subject at a time."""
    rows = bds.loc[bds["PARAMCD"].eq(settings["parameter"]) & bds["AVAL"].notna()]
    allowed = {"AVERAGE", "MEDIAN", "SUM", "LOWEST", "HIGHEST", "NRI"}
    allowed |= set(settings.get("records", ()))
    rows = rows.loc[[pd.isna(d) or d in allowed for d in rows["DTYPE"]]]
    further = [column for column in adsl if column not in rows]
    rows = rows.merge(adsl[["USUBJID", *further]], on="USUBJID", how="left")
    fits = pd.Series(True, index=rows.index)
    if "where" in settings:
        fits = condition(settings["where"], rows)
    at_base = rows.assign(AVAL=rows["BASE"].where(rows["ABLFL"].ne("Y"), rows["AVAL"]))
    at_base = at_base.loc[at_base["AVAL"].notna()]
    before = _labelled(config, settings, at_base, "AVAL")
    after = _labelled(config, settings, rows, "AVAL").assign(_fits=fits)
    firsts: dict[str, list[Record]] = {}
    laters: dict[str, list[Record]] = {}
    for record in records(before):
        firsts.setdefault(str(record["USUBJID"]), []).append(record)
    for record in records(after):
        laters.setdefault(str(record["USUBJID"]), []).append(record)
    flag = f"{settings['analysis_set'].upper()}FL"
    members = adsl.loc[adsl[flag].eq("Y")]
    made = []
    for person in records(members):
        who = str(person["USUBJID"])
        base = sorted(firsts.get(who, []), key=lambda r: r["ABLFL"] != "Y")
        last = _later(settings, laters.get(who, []))
        made.append(
            {
                "arm": person["TRT01P"],
                "before": base[0]["_label"] if base else "Missing",
                "after": last["_label"] if last else "Missing",
                "score": last["_score"] if last else None,
            }
        )
    return made


def _later(settings: Config, own: Sequence[Record]) -> Record | None:
    """Return the record after baseline that counts for a subject."""
    at, worst = settings.get("at"), settings["model"].get("worst")
    visits = [at] if isinstance(at, str) else at
    listed = [
        r
        for r in own
        if r["_fits"]
        and r["ANL01FL"] == "Y"
        and r["ABLFL"] != "Y"
        and not (r["AVISITN"] is not None and r["AVISITN"] <= 0)
        and (visits is None or r["AVISIT"] in visits)
    ]
    if not listed:
        return None
    if worst == "low":
        return min(listed, key=lambda r: r["_score"])
    if worst == "high":
        return max(listed, key=lambda r: r["_score"])
    return max(listed, key=lambda r: (r["AVISITN"] is not None, r["AVISITN"] or 0))
