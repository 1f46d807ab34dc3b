"""Every example of the schema of trials runs, and the key that it shows has an effect.

An example is put where its key stands in a trial of tests/reference/configurations/: a
new key needs such a place.
"""

import pytest

from tests.library.config.example_files import FILES
from tests.library.config.example_trials import (
    SCHEMA,
    changed,
    checked,
    cleaned,
    configuration,
    fitted,
    outcome,
    places,
)
from trialstats.config.keys import keys_of
from trialstats.errors import TrialstatsError
from trialstats.tables.declared import analyses_of_table

KEYS = [key for key in keys_of(SCHEMA) if not key.free]

#: Keys that may be left out without any effect on these trials, and why.
NO_EFFECT = {
    "bds.*.date.type": "a date has one type",
    "bds.*.value.type": "refuses values that are not whole",
    "figures": "drawn from what is made, see test_participant_figures",
    "figures.*.title": "as figures",
    "figures.*.lines": "as figures",
    "figures.*.band": "as figures",
    "bds.*.better": "used by worst and best, and in figures and sentences",
}


def said(key):
    return ".".join(key.path) if hasattr(key, "path") else None


def chosen(key, example):
    """Return the place whose value is the example, else the first one."""
    found = list(places(key.path))
    assert found, f"no trial of tests/reference/configurations/ has {said(key)}"
    return next((one for one in found if holds(one[2], example)), found[0])


def holds(value, example):
    if isinstance(value, dict) and isinstance(example, dict):
        return value.items() >= example.items()
    return value == example


def named(place):
    """Return the analyses that a place concerns."""
    if place[0] in ("intercurrent_events", "estimands"):
        return ["days_over_visits", "days_composite"]
    if place[0] == "tables":
        return _of_tables(place[1:2])
    return [place[1]] if place[0] == "analyses" and len(place) > 1 else []


def declares(place):
    """Return whether a place concerns what is printed alone."""
    return place[0] == "tables"


def _of_tables(names):
    """Return the analyses of a declared table, or of all."""
    declared = configuration("dated")["tables"]
    chosen = [declared[name] for name in names or declared]
    return list(dict.fromkeys(a for one in chosen for a in analyses_of_table(one)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trials")


@pytest.mark.parametrize("base", FILES)
def test_every_trial_runs(base, folder):
    config = checked(base, configuration(base))
    clean = cleaned(base, config, folder)
    assert len(clean.adsl) >= 12
    for name in config["analyses"]:
        fitted(config, name, clean)


@pytest.mark.parametrize("key", [k for k in KEYS if not k.as_at], ids=said)
def test_the_example_runs(key, folder):
    for example in key.schema["examples"]:
        base, place, value = chosen(key, example)
        if holds(value, example):
            continue  # The trial as it stands runs with it.
        free = isinstance(key.schema.get("additionalProperties"), dict)
        config = changed(base, place, example, among=free)
        analyses = named(place) or (list(example) if place == ("analyses",) else [])
        assert outcome(base, config, folder, analyses, tables=declares(place))


@pytest.fixture(scope="module")
def before(folder):
    """Return what a trial makes unchanged, with some of its analyses."""
    known = {}

    def made(base, analyses, tables):
        where = (base, tables, *analyses)
        if where not in known:
            config = configuration(base)
            known[where] = outcome(base, config, folder, analyses, tables=tables)
        return known[where]

    return made


OPTIONAL = [k for k in KEYS if not k.required and not k.as_at]


@pytest.mark.parametrize("key", OPTIONAL, ids=said)
def test_without_the_key_something_else_comes_out(key, folder, before):
    base, place, _ = chosen(key, key.schema["examples"][0])
    usual = before(base, named(place), declares(place))
    config = changed(base, place, None)
    try:
        after = outcome(base, config, folder, named(place), tables=declares(place))
    except (TrialstatsError, AssertionError):
        return  # The trial needs it.
    assert (after == usual) == (said(key) in NO_EFFECT)
