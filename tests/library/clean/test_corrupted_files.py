"""Damaged files end in right rows or in one clear error, and no row is lost.

The damage is the same in every run: cells, rows and columns mistaken as people and
programs mistake them, and bytes as transfers spoil them, in fifteen forms of file.
What must come of the rows that could be read is worked out in `corrupted_trials`.
"""

import copy
import math
import random
import signal
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict

import pandas as pd
import pytest

from tests.library.clean.corrupted_trials import (
    CELL_FORMS,
    CONFIG,
    FORMS,
    TEXT_FORMS,
    damaged_bytes,
    damaged_cells,
    expected_people,
    expected_scores,
    good_files,
    read_plainly,
    rows_of,
    write_cells,
)
from trialstats.clean.account import account_counts
from trialstats.clean.checking import check_trial
from trialstats.clean.files import read_sources
from trialstats.errors import TrialstatsError

#: Seconds after which a file counts as one that hangs.
PATIENCE = 60


@contextmanager
def patience():
    def stop(number, frame):
        raise AssertionError("hangs")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return good_files(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def baseline(good):
    """Return what the good files give, by form."""
    results = {}
    for form in FORMS:
        config, root = configured(good, {}, form)
        results[form] = check_trial(config, read_sources(config, root=root)).clean
    return results


def configured(good, replaced, form, others="csv"):
    """Return a configuration of files, some of them replaced, and their root."""
    config = copy.deepcopy(CONFIG)
    for name, source in config["sources"].items():
        own = form if not replaced or name in replaced else others
        path, options = good.files[name][own]
        source["file"] = str(replaced.get(name, path)).lstrip("/")
        source |= {k: v for k, v in asdict(options).items() if v is not None}
    return config, "/"


def test_the_forms_of_the_good_trial_agree(baseline):
    for form, clean in baseline.items():
        assert clean is not None, form
        for name in ("adsl", "bds", "adae"):
            pd.testing.assert_frame_equal(
                getattr(clean, name), getattr(baseline["csv"], name), obj=form
            )


@pytest.mark.parametrize("block", range(10))
def test_damaged_files(good, baseline, tmp_path, block):
    ends = Counter(
        one_case(good, baseline, tmp_path, f"{block}.{number}") for number in range(15)
    )
    # The damage is real, and not all of it is refused.
    assert ends["refused"] >= 3
    assert ends["cleaned"] >= 1


@pytest.mark.validation
def test_two_thousand_damaged_files(good, baseline, tmp_path):
    ends = Counter(
        one_case(good, baseline, tmp_path, f"long {number}") for number in range(2000)
    )
    assert ends["refused"] >= 400
    assert ends["cleaned"] >= 200


def one_case(good, baseline, folder, seed):
    """Damage one file, clean the trial, and hold what comes against the cells."""
    chance = random.Random(seed)
    victim = chance.choice(["people", "scores", "scores", "events"])
    by_bytes = chance.random() < 0.5
    form = chance.choice(FORMS if by_bytes else CELL_FORMS)
    path, _ = good.files[victim][form]
    spoilt = folder / f"{victim}{''.join(path.suffixes)}"
    if by_bytes:
        kind, content = damaged_bytes(path.read_bytes(), chance)
        spoilt.write_bytes(content)
    else:
        kind, rows = damaged_cells(good.frames[victim], chance)
        write_cells(rows, form, spoilt)
    config, root = configured(good, {victim: spoilt}, form)
    mark = config["sources"][victim].get("decimal", ".")
    story = f"seed {seed!r}: {kind} of {victim} as {form}"
    try:
        with patience():
            tables = read_sources(config, root=root)
    except TrialstatsError as reason:
        told = str(reason)
    except BaseException as reason:
        raise AssertionError(f"{story}: {reason!r}") from reason
    else:
        told = None
    if told is not None:
        assert spoilt.name in told, story
        return "refused"
    if form in TEXT_FORMS:
        hold_against_csv(tables[victim][0], spoilt.read_bytes(), form, story)
    try:
        with patience():
            checked = check_trial(config, tables)
    except BaseException as reason:
        raise AssertionError(f"{story}: {reason!r}") from reason
    if checked.clean is None:
        assert checked.problems, story
        assert all(".csv" in p or spoilt.name in p for p in checked.problems), story
        return "refused"
    hold_against_cells(checked.clean, tables, victim, mark, story)
    hold_against_account(checked.clean, tables, story)
    hold_against_good(checked.clean, tables, baseline["csv"], good, story)
    return "cleaned"


def hold_against_csv(table, content, form, story):
    """The cells are those that the csv module finds."""
    plain = read_plainly(content, form)
    assert table.column_names == [name.strip() for name in plain[0]], story
    ours = [list(cells.values()) for _, cells, _ in rows_of(table)]
    theirs = [
        [cell.strip() or None for cell in row[: len(plain[0])]] for row in plain[1:]
    ]
    assert ours == theirs, story


def hold_against_cells(clean, tables, victim, mark, story):
    """Every value is what plain Python makes of its cell."""
    people, scores = tables["people"][0], tables["scores"][0]
    bds = clean.bds[(clean.bds["PARAMCD"] == "SCORE") & clean.bds["DTYPE"].isna()]
    ours = [
        (
            subject,
            None if pd.isna(date) else date.date(),
            None if math.isnan(value) else value,
        )
        for subject, date, value in zip(
            bds["USUBJID"], bds["ADT"], bds["AVAL"], strict=True
        )
    ]
    theirs = expected_scores(people, scores, mark if victim == "scores" else ".")
    assert sorted(ours, key=str) == theirs, story
    wanted = expected_people(people, mark if victim == "people" else ".")
    assert clean.adsl["USUBJID"].tolist() == sorted(wanted), story
    for row in clean.adsl.itertuples():
        arm, start, weight = wanted[row.USUBJID]
        assert arm == row.TRT01P, story
        assert (None if pd.isna(row.TRTSDT) else row.TRTSDT.date()) == start, story
        given = None if pd.isna(row.WEIGHTBL) else row.WEIGHTBL
        assert given == pytest.approx(weight, rel=1e-11), story
    apart = (bds["CHG"] - (bds["AVAL"] - bds["BASE"])).dropna().abs()
    # Twelve digits of values up to 100 are stored.
    assert (apart < 1e-9).all(), story


def hold_against_account(clean, tables, story):
    """Every raw row is in the account, with one fate."""
    counts = account_counts(clean.account).set_index("source")
    for name, (table,) in tables.items():
        one = counts.loc[name]
        assert one["received"] == table.num_rows, story
        assert one["kept"] + one["changed"] + one["set_aside"] == table.num_rows, story
        rows = clean.account.loc[clean.account["source"] == name, "row"]
        assert set(rows) == set(table.rows.tolist()), story
    assert len(clean.set_aside) == counts["set_aside"].sum(), story


def hold_against_good(clean, tables, before, good, story):
    """Subjects whose rows are all as they were have the results that they had."""
    raw = by_subject(tables)
    original = {}
    for name, frame in good.frames.items():
        for row in frame.itertuples(index=False):
            cells = tuple(plain(cell) for cell in row)
            original.setdefault(row.SUBJID, Counter())[name, cells] += 1
    same = [subject for subject in original if raw.get(subject) == original[subject]]
    for name in ("adsl", "bds", "adae"):
        now, then = getattr(clean, name), getattr(before, name)
        pd.testing.assert_frame_equal(
            cells_of(now, same), cells_of(then, same), obj=f"{story}: {name}"
        )


def cells_of(frame, subjects):
    """Return the cells of some subjects, without types, missing ones as None."""
    rows = frame[frame["USUBJID"].isin(subjects)].reset_index(drop=True).astype(object)
    return rows.where(rows.notna(), None)


def by_subject(tables):
    found = {}
    for name, (table,) in tables.items():
        for _, cells, _ in rows_of(table):
            row = tuple(plain(cell) for cell in cells.values())
            found.setdefault(cells.get("SUBJID"), Counter())[name, row] += 1
    return found


def plain(cell):
    """Return a cell as a form-free text: 70.5, 2024-03-01."""
    if cell is None:
        return None
    if isinstance(cell, pd.Timestamp):
        return cell.date().isoformat()
    text = str(cell)
    try:
        return repr(float(text))
    except ValueError:
        return text
