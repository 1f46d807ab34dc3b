"""Plain sentences about rows. Every number in a sentence is printed from a row."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.formatting import format_level
from trialstats.records import Record, distinct, find, records
from trialstats.report.phrases import (
    Sentence,
    count_text,
    estimate_text,
    ids,
    label_of,
    limits_text,
    point_text,
)
from trialstats.tables.cells import interval_text, number_text
from trialstats.tables.synthesis import Synthesised, measure_words, synthesised
from trialstats.vocabulary import (
    AVERAGE_OVER_VISITS,
    lower_first,
    sentence_list,
    upper_first,
    visits_in_words,
)

#: Small numbers in words.
_WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"}

#: Value of no effect as stored: a log ratio of 0 is a ratio of 1.
NO_EFFECT = 0.0


def synthesis_sentences(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> tuple[Sentence, ...]:
    """Say what a synthesis found and how far it can be trusted.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `ESTIMATES`.
    synthesis : mapping
        Configuration of the synthesis.
    labels : mapping of str to str
        Trial to author and year.

    Returns
    -------
    tuple of Sentence
        The result first; then direction and width of the interval, conflict between
        the trials, dependence on the model, trials without an estimate, and numbers
        that were recalled or derived.
    """
    made = synthesised(rows)
    if made.main is None:
        said = [_unpooled(e, synthesis, labels) for e in made.effects]
        said += [*_same_people(made), *_reviews_only(made)]
    else:
        said = _pooled(made, made.main, synthesis, labels)
        absent = [e for e in made.effects if e["estimate"] is None]
        said += [_missing_trial(e, labels) for e in absent]
    return tuple([*said, *_statuses(made, labels)])


def _pooled(
    made: Synthesised,
    main: Record,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
) -> list[Sentence]:
    if main["estimate"] is None:
        return [Sentence(f"No pooled estimate: {_why(main)}.", ids(main))]
    single = main["n_trials"] == 1
    return [
        _result(made, main, synthesis, labels),
        _reading(main, synthesis, single=single),
        *([] if single else _conflict(made, labels)),
        *([] if single else _spread(made, main)),
        *_dependence(made, main),
    ]


def _result(
    made: Synthesised,
    main: Record,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
) -> Sentence:
    outcome = synthesis["outcome"]
    time = f" at {outcome['timepoint']}" if outcome.get("timepoint") else ""
    measure = measure_words(synthesis)
    if main["n_trials"] == 1:
        trial = next(e for e in made.effects if e["estimate"] is not None)
        if len(made.effects) > 1 and trial["visit"]:
            # The time of the outcome spans trials that give no estimate.
            time = f" at {lower_first(str(trial['visit']))}"
        people = count_text(main, ", n = ")
        who = f"In a single trial ({label_of(trial, labels)}{people})"
        pooled = ""
    else:
        k = main["n_trials"]
        who = f"In {_WORDS.get(k, k)} trials (k = {k}{count_text(main, ', n = ')})"
        pooled = "pooled "
    text = (
        f"{who}, the {pooled}{measure} in {lower_first(outcome['name'])}{time} "
        f"was {estimate_text(main)}."
    )
    return Sentence(text, ids(main))


def _reading(main: Record, synthesis: Mapping[str, Any], *, single: bool) -> Sentence:
    """Say which directions the interval leaves open, and for whom."""
    favours = synthesis["favours"]
    if main["ci_lower"] is None or main["ci_upper"] is None:
        return Sentence("Its interval is not estimable.", ids(main))
    if main["ci_lower"] <= NO_EFFECT <= main["ci_upper"]:
        text = (
            "The interval includes no difference: it leaves open effects that favour "
            f"{favours['lower']} as well as effects that favour {favours['higher']}"
        )
        text += ", and is no evidence that there is no effect."
    else:
        side = favours["lower"] if main["ci_upper"] < NO_EFFECT else favours["higher"]
        text = f"The interval excludes no difference and favours {side}."
    if single:
        text += " One trial is not a replication."
    return Sentence(text, ids(main))


def _conflict(made: Synthesised, labels: Mapping[str, str]) -> list[Sentence]:
    """Name the trials on either side of no effect."""
    effects = [e for e in made.effects if e["estimate"] is not None]
    below = [e for e in effects if e["estimate"] < NO_EFFECT]
    above = [e for e in effects if e["estimate"] > NO_EFFECT]
    if not below or not above:
        return []
    sides = [
        sentence_list(f"{label_of(e, labels)} {point_text(e)}" for e in side)
        for side in (below, above)
    ]
    text = f"The trials point in opposite directions: {sides[0]} against {sides[1]}."
    return [Sentence(text, ids(*below, *above))]


def _spread(made: Synthesised, main: Record) -> list[Sentence]:
    said = []
    tau_squared = made.beside(main, "tau_squared")
    i_squared = made.beside(main, "i_squared")
    if tau_squared and tau_squared["estimate"] is not None:
        text = f"Between the trials, τ² is {number_text(tau_squared['estimate'], 3)}"
        if tau_squared["ci_lower"] is not None:
            limits = interval_text(tau_squared["ci_lower"], tau_squared["ci_upper"], 3)
            text += f" ({format_level(tau_squared['confidence_level'])} {limits})"
        rows = [tau_squared]
        if i_squared and i_squared["estimate"] is not None:
            text += f" and I² {number_text(100 * i_squared['estimate'], 0)}%"
            rows.append(i_squared)
        said.append(Sentence(f"{text}.", ids(*rows), key=False))
    prediction = made.beside(main, "prediction_interval")
    if prediction and prediction["ci_lower"] is not None:
        limits = limits_text(prediction)
        text = f"The effect in a new trial like these is predicted between {limits}."
        sentence = text.replace(" to ", " and ")
        said.append(Sentence(sentence, ids(prediction), key=False))
    return said


def _dependence(made: Synthesised, main: Record) -> list[Sentence]:
    """Say whether other models leave the reading of the interval as it is."""
    others = [
        p
        for p in find(made.pooled, role="sensitivity")
        if p["ci_lower"] is not None and p["ci_upper"] is not None
    ]
    if not others:
        return []
    changed = [p for p in others if _side(p) != _side(main)]
    if not changed:
        count = len(others)
        text = (
            "The sensitivity analysis reads the same way."
            if count == 1
            else "Every sensitivity analysis reads the same way."
        )
        return [Sentence(text, ids(*others), key=False)]
    listed = "; ".join(f"{p['model_id']}: {estimate_text(p)}" for p in changed)
    text = f"The reading depends on the model; it differs under {listed}."
    return [Sentence(text, ids(*changed))]


def _side(record: Record) -> int:
    """Return -1, 0 or 1: the interval lies below, across or above no effect."""
    return int(record["ci_lower"] > NO_EFFECT) - int(record["ci_upper"] < NO_EFFECT)


def _reviews_only(made: Synthesised) -> list[Sentence]:
    """Say what is listed where there are published pools and no trials of ours."""
    pools = made.published_pools
    if made.effects or not pools:
        return []
    reviews = len(distinct(pools, "group"))
    text = (
        f"{len(pools)} pooled results of {reviews} published reviews stand side by "
        "side; nothing of ours is pooled here."
    )
    return [Sentence(text, ids(*pools))]


def _same_people(made: Synthesised) -> list[Sentence]:
    """Warn where several outcomes of one trial stand side by side."""
    if len(made.effects) < 2 or len(distinct(made.effects, "trial")) > 1:
        return []
    text = (
        "These are outcomes of the same participants; the intervals are not adjusted "
        "for their number."
    )
    return [Sentence(text, ids(*made.effects))]


def _unpooled(
    effect: Record, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Sentence:
    outcome = str(effect["parameter"] or synthesis["outcome"]["name"])
    people = count_text(effect, " (n = ", ")")
    start = f"{upper_first(outcome)}, {label_of(effect, labels)}{people}"
    if effect["estimate"] is None:
        return Sentence(f"{start}: not estimable; {_why(effect)}.", ids(effect))
    text = f"{start}: {measure_words(synthesis)} {estimate_text(effect)}"
    return Sentence(f"{text}{_side_words(effect, synthesis)}.", ids(effect))


def _side_words(effect: Record, synthesis: Mapping[str, Any]) -> str:
    if effect["ci_lower"] is None or effect["ci_upper"] is None:
        return ""
    side = {-1: "lower", 1: "higher"}.get(_side(effect))
    if side is None:
        return ", which includes no difference"
    return f", which favours {synthesis['favours'][side]}"


def _why(record: Record) -> str:
    return str(record["not_estimable"] or "no value was computed").rstrip(".")


def _missing_trial(effect: Record, labels: Mapping[str, str]) -> Sentence:
    text = f"{label_of(effect, labels)} gives no estimate: {_why(effect)}."
    return Sentence(text, ids(effect))


def _statuses(made: Synthesised, labels: Mapping[str, str]) -> list[Sentence]:
    said = []
    for status, words in _STATUS_SENTENCES.items():
        effects = find(made.effects, data_status=status)
        if effects:
            names = sentence_list(dict.fromkeys(label_of(e, labels) for e in effects))
            said.append(Sentence(words.format(names=names), ids(*effects)))
    return said


_STATUS_SENTENCES = {
    "recalled": "The numbers of {names} are recalled from the published review and "
    "were not sighted (†).",
    "derived": "The numbers of {names} are partly derived by arithmetic (‡).",
    "synthetic": "The numbers of {names} are synthetic.",
}


def trial_sentences(
    rows: pd.DataFrame, *, trial: Mapping[str, Any]
) -> tuple[Sentence, ...]:
    """Say what the primary analysis of a trial gave.

    Parameters
    ----------
    rows : DataFrame
        Rows of the estimates of one trial, schema `ESTIMATES`.
    trial : mapping
        Configuration of the trial.
    """
    said = []
    primary = find(records(rows), role="primary")
    listed = [r for r in primary if _EFFECTS.get(str(r["statistic"]))]
    for record in listed:
        settings = trial["analyses"].get(record["analysis"], {})
        title = str(settings.get("title", record["analysis"]))
        contrast = record["contrast"] or "treatment versus control"
        if record["visit"] == AVERAGE_OVER_VISITS:
            over = settings.get("model", {}).get("averaged_over", ())
            title += f" (average of {visits_in_words(over) or 'all visits'})"
        words = "synthetic data" if trial.get("data_status") == "synthetic" else "data"
        effect = _EFFECTS[str(record["statistic"])]
        text = f"{title}, {contrast}, in these {words}: {effect}"
        said.append(Sentence(f"{text} {estimate_text(record)}.", ids(record)))
    return tuple(said)


#: Effects that a primary analysis may state, in words.
_EFFECTS = {
    "difference": "difference",
    "risk_difference": "risk difference in percentage points",
    "odds_ratio": "odds ratio",
    "risk_ratio": "risk ratio",
    "hazard_ratio": "hazard ratio",
    "geometric_mean_ratio": "ratio of geometric means",
}
