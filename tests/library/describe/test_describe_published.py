"""Drafts of published trials: near to the configurations that are shipped for them.

Five edits make a draft the configuration shipped, also when every column has another
name. The trials stand outside the repository (`shared`).
"""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import yaml
from renamed_trials import (
    TRIALS,
    files_of,
    mapped,
    neutral,
    renamed,
    shuffled,
    synonyms,
)

from trialstats.config.checking import check
from trialstats.config.loading import SCHEMAS
from trialstats.describe import describe, edits

#: Edits that a person may need; `analyses` is one of them, however long it is.
ALLOWED = 5

NAMES = sorted(TRIALS)


@pytest.fixture(scope="module")
def files(shared):
    return cache(lambda trial: files_of(shared, trial))


@pytest.fixture(scope="module")
def drafts(files):
    return cache(lambda trial: describe(files(trial), trial=trial))


def configuration(shipped, trial):
    return yaml.safe_load((shipped / f"{trial}.yaml").read_text(encoding="utf-8"))


def counted(draft, target):
    """Return the edits; those of the analyses, whose block is replaced, are one.

    What is printed is no part of a draft.
    """
    apart = ("analyses", "tables", "figures")
    own = {key: value for key, value in draft.items() if key not in apart}
    other = {key: value for key, value in target.items() if key not in apart}
    return [*edits(own, other), "analyses: changed"]


@pytest.mark.parametrize("trial", NAMES)
def test_a_draft_fits_the_schema(drafts, trial):
    draft = drafts(trial)
    schema = yaml.safe_load((SCHEMAS / "trial.schema.yaml").read_text("utf-8"))
    check(draft.config, schema, file=trial)
    assert yaml.safe_load(draft.text) == draft.config


@pytest.mark.parametrize("trial", NAMES)
def test_five_edits_make_a_draft_the_shipped_configuration(drafts, shipped, trial):
    found = counted(drafts(trial).config, configuration(shipped, trial))
    assert len(found) <= ALLOWED, found


@pytest.mark.parametrize("naming", [synonyms, neutral], ids=lambda f: f.__name__)
@pytest.mark.parametrize("trial", NAMES)
def test_five_edits_are_enough_when_all_columns_are_renamed(
    files, shipped, trial, naming
):
    names = naming(files(trial), trial)
    assert not set(names) & set(names.values())
    draft = describe(renamed(files(trial), names), trial=trial)
    target = mapped(
        configuration(shipped, trial),
        names,
        silent=naming is neutral,
        # The transport files of this trial alone have labels.
        labelled=trial == "cdiscpilot01",
    )
    found = counted(draft.config, target)
    assert len(found) <= ALLOWED, found


@pytest.mark.parametrize("trial", NAMES)
def test_the_order_of_the_rows_does_not_matter(files, drafts, trial):
    if trial == "xo_ashina_headache":
        pytest.skip("its rows are the subjects, by their number")
    rng = np.random.default_rng(5)
    other = [
        shuffled(file, rng.permutation(file.table.num_rows)) for file in files(trial)
    ]
    assert describe(other, trial=trial).text == drafts(trial).text


@pytest.mark.parametrize("trial", NAMES)
def test_every_guess_is_marked(drafts, trial):
    text = drafts(trial).text
    lines = text.splitlines()
    # The line after the comment of a guess is the key that was guessed.
    guessed = [
        after.split(":")[0].strip()
        for before, after in pairwise(lines)
        if before.lstrip().startswith("#") and not after.lstrip().startswith("#")
    ]
    crossover = drafts(trial).config["design"] == "crossover"
    expected = {
        "trial",
        "title",
        "condition",
        "arms",
        "design" if crossover else "TRT01P",
    }
    assert expected <= set(guessed)


@pytest.mark.parametrize(
    ("trial", "guess"),
    [
        (
            "acupuncture_headache",
            "guess: 2 values, balanced 196/205, named as an arm",
        ),
        ("acupuncture_headache", "pk1 is the baseline (no"),
        ("antidepressant_hamd17", "# CHANGE is left out: HAMDTL17 minus BASVAL"),
        ("cgd_interferon", "# guess: intervals: each tstart is the tstop before it"),
        ("crohn_ae_counts", "# guess: a count: whole numbers from 0, most often 0"),
        ("xo_ema_replicate_be_1", "# guess: the natural logarithm of PK"),
        ("cdiscpilot01", "adqsadas_actot.csv is left out: all its rows are in"),
    ],
)
def test_a_guess_states_its_evidence(drafts, trial, guess):
    assert guess in drafts(trial).text


def test_what_is_measured_is_recognised(drafts):
    # What each published trial measures, by its own documentation.
    assert list(drafts("acupuncture_headache").config["bds"]) == ["PK", "F"]
    assert len(drafts("cdiscpilot01").config["bds"]) == 16
    assert drafts("cdiscpilot01").config["adtte"]["TTDE"]["event"] == "CNSR == '0'"
    assert drafts("hsaur_respiratory").config["bds"]["STATUS"]["value"] == {
        "column": "status",
        "recode": {"poor": 0, "good": 1},
    }
    assert drafts("xo_ema_replicate_be_2").config["sequences"] == {
        "RRT": ["R", "R", "T"],
        "RTR": ["R", "T", "R"],
        "TRR": ["T", "R", "R"],
    }
    assert drafts("cdiscpilot01").config["arms"]["doses"] == {
        "Placebo": 0,
        "Xanomeline Low Dose": 54,
        "Xanomeline High Dose": 81,
    }
