"""Which published rows and fitted trials a synthesis may take, and which it may not.

`use` of a published row decides: ``ship`` may enter; ``caution`` only from a crossover
trial, and then paired; everything else is listed with its reason and never entered.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialstats.analyses.trial_effect import TrialEffect
from trialstats.clean.evidence_digest import (
    fits,
    named_rows,
    outcome_table,
    shows,
)
from trialstats.config.checking import suggestion
from trialstats.errors import ConfigError, combined
from trialstats.records import Record, records
from trialstats.vocabulary import BINARY_MEASURES

Config = Mapping[str, Any]


@dataclass(slots=True)
class _Problems:
    """What is wrong with one configuration, a sentence each."""

    file: str
    found: list[str] = field(default_factory=list)

    def add(self, place: str, what: str) -> None:
        self.found.append(f"{self.file}, at {place}: {what}")

    def refuse(self) -> None:
        if self.found:
            raise ConfigError(combined(self.found))


def published_rows(
    config: Config, effects: pd.DataFrame, trials: pd.DataFrame
) -> list[Record]:
    """Return the published rows that a synthesis names, in its order.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses`` with its name under ``id``.
    effects, trials : DataFrame
        Schemas `evidence_rows.EFFECTS` and `evidence_rows.PUBLISHED_TRIALS`.

    Returns
    -------
    list of mapping
        Rows of `effects`, null as None.

    Raises
    ------
    ConfigError
        With every name that does not exist, every row that may not enter, every
        trial that is listed twice, and comparators that may not stand together.
    """
    problems = _Problems(file_of(config))
    chosen: list[Record] = []
    for trial, keys in named_rows(config):
        row = _one_row(trial, keys, config, effects, trials, problems)
        if row is not None:
            chosen.append(row)
            for what in _may_not_enter(row, config):
                problems.add(_place(config), f"{_name(row)}: {what}")
    _check_together(chosen, config, problems)
    problems.refuse()
    return chosen


def select_evidence(
    config: Config, effects: pd.DataFrame, trials: pd.DataFrame, pools: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the rows of the published tables that a synthesis uses.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses`` with its name under ``id``.
    effects, trials, pools : DataFrame
        Schemas EFFECTS, PUBLISHED_TRIALS and PUBLISHED_POOLS of `evidence_rows`.

    Returns
    -------
    tuple of DataFrame
        The same three tables, with the rows that enter or are shown.

    Raises
    ------
    ConfigError
        As `published_rows` and `shown_pools`.
    """
    places = {(r["file"], r["row"]) for r in published_rows(config, effects, trials)}
    shown = {(p["review"], p["outcome"]) for p in shown_pools(config, pools)}
    used = effects[_among(effects, ["file", "row"], places)]
    return (
        used.reset_index(drop=True),
        trials[trials["trial"].isin(used["trial"])].reset_index(drop=True),
        pools[_among(pools, ["review", "outcome"], shown)].reset_index(drop=True),
    )


def _among(
    frame: pd.DataFrame, names: list[str], wanted: set[tuple[Any, ...]]
) -> pd.Series:
    keys = frame[names].itertuples(index=False, name=None)
    # With its type: an empty list of booleans would select no column.
    return pd.Series([key in wanted for key in keys], index=frame.index, dtype=bool)


def fitted_rows(
    config: Config, trial_rows: Mapping[str, pd.DataFrame] | None
) -> dict[str, pd.DataFrame]:
    """Return the rows of each ``trial.analysis`` that a synthesis names.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``.
    trial_rows : mapping of str to DataFrame, or None
        Rows of fitted trials, schema `rows.ESTIMATES`, by ``trial.analysis``.

    Raises
    ------
    ConfigError
        When an analysis does not exist or is listed twice, or synthetic data stand
        beside published or real ones.
    """
    problems = _Problems(file_of(config))
    known = trial_rows or {}
    names = list(config.get("analyses") or ())
    for name in dict.fromkeys(names):
        if name not in known:
            what = f"there is no analysis {name!r}; {suggestion(name, known)}"
            problems.add("analyses", what)
        if names.count(name) > 1:
            problems.add("analyses", f"{name!r} is listed twice; name it once")
    for name in config.get("contrasts") or ():
        if name not in names:
            what = f"{name!r} is not under analyses; {suggestion(name, names)}"
            problems.add("contrasts", what)
    frames = {name: known[name] for name in names if name in known}
    statuses = {s for frame in frames.values() for s in frame["data_status"]}
    table = (config.get("studies") or {}).get("data_status")
    statuses |= {table} if table else set()
    others = statuses - {"synthetic"}
    if named_rows(config) or config.get("published_pools"):
        others.add("published")
    if "synthetic" in statuses and others:
        problems.add(
            "analyses",
            f"synthetic data never stand beside {' or '.join(sorted(others))} ones; "
            "make a synthesis of their own",
        )
    problems.refuse()
    return frames


def shown_pools(config: Config, pools: pd.DataFrame) -> list[Record]:
    """Return the published pools that a synthesis shows beside its own result.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``.
    pools : DataFrame
        Schema `evidence_rows.PUBLISHED_POOLS`.

    Raises
    ------
    ConfigError
        When a pool does not exist, fits several rows, or has another measure than
        the trials beside it.
    """
    problems = _Problems(file_of(config))
    listed = records(pools)
    trials = (named_rows(config), config.get("analyses"), config.get("studies"))
    alone = not any(trials)
    shown = []
    for entry in config.get("published_pools") or ():
        found = [row for row in listed if shows(entry, row)]
        if len(found) == 1:
            shown.append(found[0])
            measure = found[0]["measure"]
            if not alone and measure != config["measure"]:
                what = f"{entry['outcome']!r} is a {measure}, not {config['measure']}"
                problems.add("published_pools", f"{what}; show it elsewhere")
            continue
        of_review = [r for r in listed if r["review"].startswith(entry["review"])]
        remedy = suggestion(entry["outcome"], [r["outcome"] for r in of_review])
        if not of_review:
            remedy = suggestion(entry["review"], {r["review"] for r in listed})
        what = f"{len(found)} pools fit {entry['review']!r}, {entry['outcome']!r}"
        problems.add("published_pools", f"{what}; {remedy}")
    problems.refuse()
    return shown


def check_variations(config: Config, trials: Iterable[str]) -> None:
    """Raise a `ConfigError` for a sensitivity analysis that cannot be run.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``.
    trials : iterable of str
        The trials that enter the main model.
    """
    problems, entered = _Problems(file_of(config)), list(trials)
    if not entered and config["pooling"]:
        problems.add(
            "published",
            "no trial is named; name one under published, studies or analyses",
        )
        problems.refuse()
    for variation in config.get("sensitivity") or ():
        for name in variation.get("exclude") or ():
            if name not in entered:
                what = f"trial {name!r} is not in the synthesis"
                problems.add("sensitivity", f"{what}; {suggestion(name, entered)}")
        if set(entered) <= set(variation.get("exclude") or ()):
            problems.add("sensitivity", "every trial is excluded; leave one in")
        measure = variation.get("measure", config["measure"])
        if (measure in BINARY_MEASURES) != (config["measure"] in BINARY_MEASURES):
            what = f"{measure} cannot be computed from what {config['measure']} needs"
            problems.add("sensitivity", f"{what}; {_measures(config)}")
    problems.refuse()


def refuse_repeated(config: Config, effects: Sequence[TrialEffect]) -> None:
    """Raise a `ConfigError` when one trial comes from two sources or two analyses.

    Several treatments of one analysis are no repetition: their covariance is known.
    """
    problems = _Problems(file_of(config))
    keys = [(effect.trial, effect.analysis, effect.arm) for effect in effects]
    for trial in dict.fromkeys(key[0] for key in keys):
        own = [key for key in keys if key[0] == trial]
        sources = list(dict.fromkeys(analysis for _, analysis, _ in own))
        if config.get("studies") and (len(sources) > 1 or len(set(own)) < len(own)):
            what = f"{trial!r} is a trial of this synthesis already"
            problems.add("studies", f"{what}; the same people enter once")
        elif config["pooling"] and len(sources) > 1:
            what = f"{trial!r} has {' and '.join(map(str, sources))}"
            problems.add(
                "analyses", f"{what}; the same people enter once: name one analysis"
            )
    problems.refuse()


def file_of(config: Config) -> str:
    """Return the file of a configuration, for messages."""
    return f"config/syntheses/{config['id']}.yaml"


def _measures(config: Config) -> str:
    counts = config["measure"] in BINARY_MEASURES
    return f"write one of: {', '.join(BINARY_MEASURES if counts else ('MD', 'SMD'))}"


def _place(config: Config) -> str:
    published = config.get("published") or {}
    return f"published.{'rows' if published.get('rows') else 'trials'}"


def _name(row: Record) -> str:
    return (
        f"trial {row['trial']!r}, {row['outcome']!r} ({row['file']}, row {row['row']})"
    )


def _one_row(
    trial: str,
    keys: Mapping[str, str],
    config: Config,
    effects: pd.DataFrame,
    trials: pd.DataFrame,
    problems: _Problems,
) -> Record | None:
    """Return the row that is meant, or note why there is none."""
    place = _place(config)
    if trial not in set(trials["trial"]):
        what = f"there is no trial {trial!r}; {suggestion(trial, trials['trial'])}"
        problems.add(place, what)
        return None
    counts = outcome_table(config) == "binary"
    listed = [
        row
        for row in records(effects.loc[effects["trial"].eq(trial)])
        if (row["type"] == "binary") == counts
    ]
    found = [row for row in listed if fits(row, keys, time="timepoint")]
    if len(found) == 1:
        return found[0]
    wanted = ", ".join(f"{name} {value!r}" for name, value in keys.items())
    key = "endpoint" if "endpoint" in keys else "outcome"
    kind = "counts" if counts else "means"
    what = f"trial {trial!r} has {len(found)} rows of {kind} with {wanted}"
    remedy = suggestion(keys[key], [row[key] for row in listed])
    if found:
        remedy = "tell them apart with published.rows: trial, outcome, timepoint_weeks"
    elif not listed:
        remedy = f"no {kind} of this trial are published"
    problems.add(place, f"{what}; {remedy}")
    return None


def _may_not_enter(row: Record, config: Config) -> Iterator[str]:
    """Yield the reasons why a row may not enter."""
    use, crossover = row["use"], row["design"] == "crossover"
    note = f" ({row['use_note']})" if row["use_note"] else ""
    if use not in ("ship", "caution"):
        yield f"its use is {use!r}{note}, which never enters a synthesis; leave it out"
    elif use == "caution" and not crossover:
        yield (
            f"its use is 'caution'{note} and it is no crossover trial, so no "
            "adjustment is known; leave it out"
        )
    elif crossover and not config.get("paired"):
        yield (
            f"its use is {use!r}{note}: a crossover trial enters paired or not at "
            "all; add `paired: {correlation: 0.5}`"
        )
    elif crossover and config["measure"] in BINARY_MEASURES:
        yield "its counts are the same people twice, unpaired; leave it out"
    if row["design"] == "single arm":
        yield "it has no control arm; leave it out"


def _check_together(
    chosen: Sequence[Record], config: Config, problems: _Problems
) -> None:
    place, pooled = _place(config), config["pooling"]
    seen: set[Any] = set()
    for row in chosen:
        key = row["trial"] if pooled else (row["file"], row["row"])
        if key in seen:
            what = f"{_name(row)}: listed twice"
            problems.add(place, f"{what}; the same people enter once")
        seen.add(key)
    comparators = {row["comparator"] for row in chosen}
    control = str(config["comparison"]["control"])
    wrong = sorted(comparators - {control.lower()})
    if wrong:
        named = "; ".join(_name(row) for row in chosen if row["comparator"] in wrong)
        problems.add(
            place,
            f"compared with {', '.join(wrong)} and not with {control}: {named}; "
            "trials with different controls never stand together",
        )
    scales = {str(row["scale"]) for row in chosen}
    if pooled and config["measure"] == "MD" and len(scales) > 1:
        what = f"mean differences on several scales: {', '.join(sorted(scales))}"
        problems.add(place, f"{what}; use measure SMD, or pooling: false")
    if pooled and config["measure"] in ("MD", "SMD"):
        for row in chosen:
            if row["higher_is_better"] is None:
                what = f"{_name(row)}: the direction of its scale is not stated"
                problems.add(place, f"{what}; leave it out, or use pooling: false")
