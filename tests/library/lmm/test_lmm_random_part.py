"""The random part as it is written: what it reads, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

from trialstats.errors import DataError, NotEstimableError
from trialstats.lmm import fit_lmm
from trialstats.randomness import stream


def panel():
    rng = stream(5, "lmm random part")
    subject = np.repeat(np.arange(30), 6)
    week = np.tile(np.arange(6), 30)
    arm = np.where(week % 2, "a", "b")
    own = rng.normal(0, 2, (30, 2))
    y = 10 + own[subject, 0] + own[subject, 1] * (arm == "a") + 0.4 * week
    y = y + rng.normal(size=180)
    frame = pd.DataFrame({"subject": subject, "week": week, "arm": arm, "y": y})
    return frame.assign(half=week % 2)


def fit(random, data=None, **options):
    data = panel() if data is None else data
    return fit_lmm("y ~ week", data, random=random, df="satterthwaite", **options)


@pytest.mark.parametrize(
    ("random", "reason"),
    [
        ({"subject": "1|subject"}, "hold a bar.*write '1'"),
        ({"subject": "(1 + week | subject)"}, r"hold a bar.*write '1 \+ week'"),
        ({"subject": 1}, "no formula; write a formula such as"),
        ({"subject": None}, "no formula"),
        ({"subject": ["1", "week"]}, "no formula"),
        ({("subject", "arm"): "1"}, "no text.*joined by ':'"),
        ({"subject": "1 + log("}, "cannot be read"),
        ({"subject": "y ~ 1"}, "left side"),
        ({"subject": "1 + absent"}, "no column 'absent'"),
        ({"subject": "1 + unknown(week)"}, "unknown"),
        ({"subject": "1 + np.log(week)"}, "-inf|infinite"),
        ({"absent": "1"}, "no column 'absent'"),
    ],
)
def test_what_is_no_random_part_is_refused(random, reason):
    with pytest.raises(DataError, match=reason) as found:
        fit(random)
    assert str(found.value).isprintable()


def test_a_column_named_as_a_transform_does_not_hide_it():
    plain = fit({"subject": "0 + C(half)"})
    named = fit({"subject": "0 + C(half)"}, panel().assign(C=1.0, np="x"))
    assert named.log_likelihood == plain.log_likelihood
    assert plain.covariance["subject"].columns.tolist() == ["C(half)[0]", "C(half)[1]"]


def test_labels_without_a_row_have_no_effect():
    data = panel()
    arms = pd.Categorical(data["arm"], ["none", "a", "b"])
    found = fit({"subject": "0 + arm"}, data.assign(arm=arms))
    assert found.covariance["subject"].columns.tolist() == ["arm[a]", "arm[b]"]
    assert found.log_likelihood == fit({"subject": "0 + arm"}).log_likelihood


def test_what_a_caller_names_is_no_column():
    outside = np.ones(180)
    with pytest.raises(DataError, match="no column 'outside'"):
        fit({"subject": "0 + I(outside * week)"})
    assert outside.all()


def test_grouping_labels_of_several_types_are_refused():
    mixed = panel().astype({"subject": object})
    mixed["subject"] = mixed["subject"].where(mixed["subject"] != 3, "three")
    with pytest.raises(DataError, match="of types int, str"):
        fit({"subject": "1"}, mixed)


def test_uncorrelated_differences_to_a_label_are_refused():
    # With y_a = b0 + b1 and y_b = b0, independent b0 and b1 say that the label b
    # varies less: the other label as reference says the reverse.
    with pytest.raises(DataError, match="which label comes first"):
        fit({"subject": "1 + arm"}, correlated=False)
    swapped = panel().assign(arm=lambda d: d["arm"].map({"a": "b", "b": "a"}))
    for effects, correlated in (("0 + arm", False), ("1 + arm", True)):
        one = fit({"subject": effects}, correlated=correlated)
        other = fit({"subject": effects}, swapped, correlated=correlated)
        assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-9)


def test_effects_that_no_level_has_together_have_no_covariance():
    # Each subject has one sex: nothing tells how its two effects are related.
    data = panel().assign(sex=lambda d: np.where(d["subject"] % 2, "f", "m"))
    with pytest.raises(NotEstimableError, match="No level has rows with both effects"):
        fit({"subject": "0 + sex"}, data)
    apart = fit({"subject": "0 + sex"}, data, correlated=False)
    assert apart.theta_names == ("subject: sex[f]", "subject: sex[m]", "residual")
