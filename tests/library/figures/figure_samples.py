"""Small frames of rows in the shape that the analyses write, and ways to look at ink.

The numbers are made up: a figure prints and places what it is given, so the tests
compare what is drawn with what stands in the rows.
"""

import math
import warnings
from itertools import count

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from trialstats.figures.reading import texts_of
from trialstats.figures.theme import SETTINGS
from trialstats.rows import estimates_frame

SYNTHESIS = {
    "synthesis": "pain",
    "title": "Pain in fibromyalgia at 12 weeks: LDN versus placebo",
    "question": "Does LDN lower pain?",
    "condition": "women with fibromyalgia",
    "measure": "MD",
    "comparison": {"treatment": "LDN", "control": "Placebo"},
    "outcome": {"name": "Pain intensity", "scale": "NRS 0-10", "better": "lower"},
    "pooling": True,
    "sensitivity": [
        {"inference": "knapp_hartung_adhoc"},
        {"tau_squared": "EE", "inference": "wald"},
    ],
    "favours": {"lower": "LDN", "higher": "placebo"},
    "notes": ["A note of the synthesis."],
}

BINARY = SYNTHESIS | {
    "synthesis": "events",
    "title": "Any adverse event: LDN versus placebo",
    "measure": "RR",
    "outcome": {"name": "Any adverse event", "better": "lower"},
    "zero_cells": {"add": 0.5, "to": "only0", "double_zero": "not_estimable"},
}

_number = count()


def row(statistic, **values):
    """Return one row of a synthesis with what every row needs."""
    return {
        "row_id": f"row-{next(_number)}",
        "kind": "synthesis",
        "role": "descriptive",
        "scale": "natural",
        "statistic": statistic,
        "method": "as published",
        "data_status": "published",
    } | values


def effect(trial, estimate, lower, upper, **values):
    return row(
        "effect",
        trial=trial,
        estimate=estimate,
        ci_lower=lower,
        ci_upper=upper,
        confidence_level=0.95,
        parameter=values.pop("parameter", "pain"),
        **values,
    )


def arm(trial, group, *, parameter=None, **numbers):
    return [
        row(name, trial=trial, group=group, parameter=parameter, estimate=value)
        for name, value in numbers.items()
    ]


def pooled(weights, *, scale="natural", model="REML.knapp_hartung", **values):
    """Return the rows of the main model and of two others."""
    given = {
        "estimate": -0.2,
        "ci_lower": -0.9,
        "ci_upper": 0.5,
        "df": len(weights) - 1,
        "test_statistic": -0.87,
        "p_value": 0.433,
        "prediction": (-1.4, 1.0),
    } | values
    about = {"model_id": model, "role": "primary", "confidence_level": 0.95}
    low, high = given.pop("prediction")
    main = {"scale": scale, "n_trials": len(weights)} | about
    return [
        *(
            row("weight", trial=t, estimate=w, **about | {"confidence_level": None})
            for t, w in weights.items()
        ),
        row("pooled_effect", **main, **given),
        row(
            "prediction_interval",
            **main,
            ci_lower=low,
            ci_upper=high,
            df=len(weights) - 1,
        ),
        row(
            "tau_squared",
            **about,
            estimate=0.21,
            ci_lower=0.0,
            ci_upper=351.2,
            method="random effects; Q-profile interval",
        ),
        row("i_squared", **about, estimate=0.613),
        row("q", **about, estimate=10.01, df=len(weights) - 1, p_value=0.0403),
        *(
            row(
                "pooled_effect",
                scale=scale,
                model_id=key,
                role="sensitivity",
                confidence_level=0.95,
                n_trials=len(weights),
                estimate=given["estimate"],
                ci_lower=given["estimate"] - half,
                ci_upper=given["estimate"] + half,
            )
            for key, half in (("REML.knapp_hartung_adhoc", 0.8), ("EE.wald", 0.4))
        ),
    ]


def totals(listed):
    """Return the totals of the arms, as a synthesis has them."""
    effects = [r for r in listed if r["statistic"] == "effect"]
    groups = dict.fromkeys(r.get("subgroup") for r in effects)
    for name in dict.fromkeys((None, *groups)):
        members = [r for r in effects if name in (None, r.get("subgroup"))]
        trials = {r["trial"] for r in members}
        found = {}
        for r in listed:
            if r["statistic"] in ("events", "n") and r["trial"] in trials:
                key = r["group"], r["statistic"]
                found.setdefault(key, {})[r["trial"]] = r["estimate"]
        people = {r["trial"]: r.get("n_subjects") for r in members}
        if len(people) == len(members) and None not in people.values():
            found[None, "n"] = people
        for (group, statistic), values in found.items():
            if len(values) == len(trials):
                total = float(sum(values.values()))
                about = {"group": group, "subgroup": name, "estimate": total}
                yield row(f"total_{statistic}", **about)


def two_trials():
    """Return a synthesis of two trials with means."""
    listed = [
        *arm("A", "LDN", n=49, mean=-1.3, standard_deviation=1.57),
        *arm("A", "Placebo", n=50, mean=-0.9, standard_deviation=1.58),
        *arm("B", "LDN", n=48, mean=-0.33),
        *arm("B", "Placebo", n=50, mean=-0.64),
        effect("A", -0.34, -0.95, 0.27, n_subjects=99),
        effect("B", 0.49, -0.32, 1.30, n_subjects=98, data_status="derived"),
        *pooled({"A": 0.554, "B": 0.446}),
    ]
    return estimates_frame([*listed, *totals(listed)])


def many(k, *, label="Author {i} {year}", seed=1):
    """Return a synthesis of k trials with counts, and its labels.

    From five trials on, the fourth has no event in either arm.
    """
    random = np.random.default_rng(seed)
    listed, labels, weights = [], {}, {}
    for i in range(k):
        n, m = (int(x) for x in random.integers(15, 300, size=2))
        a, c = (max(1, int(random.binomial(x, 0.35))) for x in (n, m))
        trial = f"T{i}"
        labels[trial] = label.format(i=i, year=1990 + i % 35)
        none = k > 4 and i == 3
        listed += arm(trial, "LDN", events=0 if none else a, n=n)
        listed += arm(trial, "Placebo", events=0 if none else c, n=m)
        if none:
            missing = effect(trial, None, None, None, scale="log")
            missing |= {"not_estimable": "no events in either arm"}
            listed.append(missing)
            continue
        log_ratio = math.log(a / n / (c / m))
        error = math.sqrt(1 / a - 1 / n + 1 / c - 1 / m)
        status = ["published", "derived", "recalled"][i % 3]
        ends = log_ratio - 1.96 * error, log_ratio + 1.96 * error
        listed.append(effect(trial, log_ratio, *ends, scale="log", data_status=status))
        weights[trial] = error**-2
    total = sum(weights.values())
    if len(weights) > 1:
        shares = {t: w / total for t, w in weights.items()}
        listed += pooled(shares, scale="log", prediction=(-0.6, 0.2))
    return estimates_frame([*listed, *totals(listed)]), labels


def texts(figure):
    """Return every text artist of a figure that shows anything."""
    return [t for t in figure.findobj(Text) if t.get_text() and t.get_visible()]


def boxes(figure, dpi=100):
    """Return the texts of a figure with their boxes in pixels, and the canvas' size."""
    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        # As while writing a figure: other scripts are boxes, as wide as measured.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.set_dpi(dpi)
        renderer = FigureCanvasAgg(figure).get_renderer()
        found = texts(figure)
        extents = [t.get_window_extent(renderer).extents for t in found]
    size = figure.get_size_inches() * dpi
    return [t.get_text() for t in found], np.array(extents), size


def assert_tidy(figure, slack=1.0):
    """Assert that no two texts overlap and none leaves the canvas.

    Boxes reach from the ascender to the descender of the font, so that they are
    taller than most ink; one pixel of slack covers rounding at 100 dpi.
    """
    words, box, (width, height) = boxes(figure)
    outside = (
        (box[:, 0] < -slack)
        | (box[:, 1] < -slack)
        | (box[:, 2] > width + slack)
        | (box[:, 3] > height + slack)
    )
    assert not outside.any(), [w for w, o in zip(words, outside, strict=True) if o]
    left, bottom, right, top = box.T
    over = (
        (left[:, None] + slack < right[None, :])
        & (left[None, :] + slack < right[:, None])
        & (bottom[:, None] + slack < top[None, :])
        & (bottom[None, :] + slack < top[:, None])
    )
    np.fill_diagonal(over, False)
    assert not over.any(), [(words[i], words[j]) for i, j in np.argwhere(over)[:5]]


def svg_texts(svg):
    """Return the texts of an SVG."""
    return [written.text for written in texts_of(svg)]


def frame(*listed):
    return pd.DataFrame(list(listed))
