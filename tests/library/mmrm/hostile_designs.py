"""Small and degenerate designs, drawn with an address each."""

import numpy as np
import pandas as pd
from dense_likelihood import STRUCTURE_NAMES

from trialstats.randomness import stream

SEED = 20260302

INFERENCE = (
    ("kenward_roger", None),
    ("kenward_roger", None),
    ("kenward_roger_linear", None),
    ("satterthwaite", None),
    ("between_within", None),
    ("residual", None),
    ("satterthwaite", "CR0"),
    ("satterthwaite", "CR2"),
    ("satterthwaite", "CR3"),
    ("residual", "CR2"),
)

FORMULAS = (
    "Y ~ VISIT",
    "Y ~ ARM * VISIT",
    "Y ~ B + ARM * VISIT",
    "Y ~ B * VISIT + ARM * VISIT",
    "Y ~ ARM + VISIT",
    "Y ~ 1",
    "Y ~ 0 + ARM:VISIT",
    "Y ~ B + ARM",
)


def hostile_design(number):
    """Return a frame, the arguments of `fit_mmrm` and the troubles put in."""
    random = stream(SEED, "hostile", str(number))
    n, t = int(random.integers(3, 15)), int(random.integers(2, 6))
    if random.random() < 0.4:
        n += int(random.integers(5, 20))
    n_arms = int(random.integers(2, 4))
    covariance = str(random.choice(STRUCTURE_NAMES))
    frame = _regular(random, n, t, n_arms, covariance)
    df, vcov = INFERENCE[random.integers(len(INFERENCE))]
    arguments = {
        "formula": str(random.choice(FORMULAS)),
        "subject": "SUBJECT",
        "visit": "TIME" if covariance.startswith("spatial") else "VISIT",
        "covariance": covariance,
        "method": "reml" if random.random() < 0.7 else "ml",
        "df": df,
        "vcov": vcov,
    }
    if arguments["method"] == "ml" and df.startswith("kenward_roger"):
        arguments["df"] = "satterthwaite"
    if random.random() < 0.15:
        arguments["group"] = "ARM"
    if random.random() < 0.2:
        arguments["weights"] = "W"
    n_troubles = int(random.choice([0, 1, 1, 1, 2]))
    troubles = random.choice(len(TROUBLES), size=n_troubles, replace=False)
    names = []
    for place in troubles:
        frame = TROUBLES[place](random, frame, arguments)
        names.append(TROUBLES[place].__name__)
    frame = frame.sample(frac=1, random_state=random).reset_index(drop=True)
    return frame, arguments, names


def _regular(random, n, t, n_arms, covariance):
    """Return a trial whose subjects leave at random."""
    loading = random.standard_normal((t, t)) + np.eye(t)
    values = random.standard_normal((n, t)) @ loading.T * random.uniform(0.5, 3)
    arm = np.array(["A", "B", "C"])[np.arange(n) % n_arms]
    base = random.standard_normal(n)
    frame = pd.DataFrame(
        {
            "SUBJECT": np.repeat([f"S{i:02d}" for i in range(n)], t),
            "ARM": np.repeat(arm, t),
            "VISIT": np.tile([f"V{j}" for j in range(t)], n),
            "TIME": np.tile(np.cumsum(random.uniform(0.2, 2, t)), n),
            "B": np.repeat(base, t),
            "Y": values.ravel() + np.repeat(base, t) * random.normal(),
            "W": random.uniform(0.2, 5, n * t),
        }
    )
    if covariance.startswith("spatial") and random.random() < 0.5:
        frame["TIME"] += random.uniform(0, 0.1, n * t)
    if random.random() < 0.6:
        lost = random.random(n * t) < random.uniform(0, 0.4)
        frame.loc[lost, "Y"] = np.nan
    return frame


def _at_visit(random, frame):
    return frame["VISIT"] == str(random.choice(frame["VISIT"].unique()))


def one_subject_per_arm(random, frame, arguments):
    return frame[frame["SUBJECT"].isin(["S00", "S01"])]


def one_subject_of_an_arm(random, frame, arguments):
    frame = frame.copy()
    frame.loc[frame["SUBJECT"] == "S00", "ARM"] = "D"
    return frame


def most_cells_missing(random, frame, arguments):
    frame = frame.copy()
    frame.loc[random.random(len(frame)) < 0.6, "Y"] = np.nan
    return frame


def visit_without_data(random, frame, arguments):
    frame = frame.copy()
    frame.loc[_at_visit(random, frame), "Y"] = np.nan
    return frame


def arm_without_data_at_a_visit(random, frame, arguments):
    frame = frame.copy()
    frame.loc[_at_visit(random, frame) & (frame["ARM"] == "A"), "Y"] = np.nan
    return frame


def constant_at_a_visit(random, frame, arguments):
    frame = frame.copy()
    frame.loc[_at_visit(random, frame), "Y"] = 3.0
    return frame


def constant_everywhere(random, frame, arguments):
    return frame.assign(Y=float(random.choice([0.0, 1.0, 0.1, -7e5])))


def one_record_twice(random, frame, arguments):
    return pd.concat([frame, frame.iloc[[int(random.integers(len(frame)))]]])


def two_visits_alike(random, frame, arguments):
    wide = frame.copy()
    labels = wide["VISIT"].unique()
    if len(labels) > 1:
        source = wide.loc[wide["VISIT"] == labels[0], ["SUBJECT", "Y"]]
        values = source.drop_duplicates("SUBJECT").set_index("SUBJECT")["Y"]
        last = wide["VISIT"] == labels[-1]
        factor = float(random.choice([1.0, -2.0]))
        wide.loc[last, "Y"] = factor * wide.loc[last, "SUBJECT"].map(values)
    return wide


def two_visits_nearly_alike(random, frame, arguments):
    wide = two_visits_alike(random, frame, arguments)
    size = float(random.choice([1e-3, 1e-6, 1e-9, 1e-12]))
    return wide.assign(Y=wide["Y"] + size * random.standard_normal(len(wide)))


def a_visit_sums_two_others(random, frame, arguments):
    wide = frame.pivot_table(
        index="SUBJECT", columns="VISIT", values="Y", dropna=False, observed=True
    )
    if wide.shape[1] < 3:
        return frame
    labels = wide.columns
    total = wide[labels[0]] + wide[labels[1]]
    frame = frame.copy()
    at = frame["VISIT"] == labels[2]
    frame.loc[at, "Y"] = frame.loc[at, "SUBJECT"].map(total)
    return frame


def collinear_covariate(random, frame, arguments):
    arguments["formula"] += " + B2"
    noise = float(random.choice([0.0, 0.0, 1e-9, 1e-4]))
    shift = noise * random.standard_normal(len(frame))
    return frame.assign(B2=2 * frame["B"] - 1 + shift)


def covariate_of_one_subject(random, frame, arguments):
    arguments["formula"] += " + B3"
    return frame.assign(B3=(frame["SUBJECT"] == "S00").astype(float))


def huge_response(random, frame, arguments):
    return frame.assign(Y=frame["Y"] * float(random.choice([1e-9, 1e12, 1e-150])))


def huge_offset(random, frame, arguments):
    return frame.assign(Y=frame["Y"] + float(random.choice([1e5, 1e9])))


def huge_covariate(random, frame, arguments):
    return frame.assign(B=frame["B"] * 1e9 + 1e10)


def visits_of_unlike_scale(random, frame, arguments):
    at = _at_visit(random, frame)
    return frame.assign(Y=frame["Y"].where(~at, frame["Y"] * 1e4))


def ties(random, frame, arguments):
    return frame.assign(Y=frame["Y"].round())


def two_values(random, frame, arguments):
    return frame.assign(Y=(frame["Y"] > 0).astype(float).where(frame["Y"].notna()))


def infinite_value(random, frame, arguments):
    frame = frame.copy()
    place = frame.index[int(random.integers(len(frame)))]
    frame.loc[place, str(random.choice(["Y", "B", "W", "TIME"]))] = np.inf
    return frame


def bad_weight(random, frame, arguments):
    arguments["weights"] = "W"
    frame = frame.copy()
    place = frame.index[int(random.integers(len(frame)))]
    frame.loc[place, "W"] = float(random.choice([0.0, -1.0, np.nan]))
    return frame


def unlike_weights(random, frame, arguments):
    arguments["weights"] = "W"
    return frame.assign(W=10.0 ** random.uniform(-6, 6, len(frame)))


def one_visit(random, frame, arguments):
    return frame[frame["VISIT"] == "V0"]


def one_subject(random, frame, arguments):
    return frame[frame["SUBJECT"] == "S00"]


def subjects_with_one_visit(random, frame, arguments):
    last = frame.groupby("SUBJECT").cumcount()
    numbers = frame["SUBJECT"].str[1:].astype(int)
    keep = last == numbers % frame["VISIT"].nunique()
    return frame[keep]


def missing_labels(random, frame, arguments):
    frame = frame.astype({"SUBJECT": object, "VISIT": object, "ARM": object})
    place = frame.index[int(random.integers(len(frame)))]
    frame.loc[place, str(random.choice(["SUBJECT", "VISIT", "ARM", "TIME"]))] = None
    return frame


def equal_times(random, frame, arguments):
    return frame.assign(TIME=1.0)


def nearly_equal_times(random, frame, arguments):
    return frame.assign(TIME=1.0 + 1e-9 * frame["TIME"])


def far_times(random, frame, arguments):
    return frame.assign(TIME=frame["TIME"] * 1e8)


def subject_in_two_arms(random, frame, arguments):
    arguments["group"] = "ARM"
    frame = frame.copy()
    place = frame.index[int(random.integers(len(frame)))]
    frame.loc[place, "ARM"] = "Z"
    return frame


def saturated(random, frame, arguments):
    arguments["formula"] = "Y ~ SUBJECT + VISIT"
    return frame


def exact_fit(random, frame, arguments):
    return frame.assign(Y=2 * frame["B"] + (frame["ARM"] == "A"))


def subject_effects_only(random, frame, arguments):
    values = frame.groupby("SUBJECT")["Y"].transform("mean")
    return frame.assign(Y=values.where(frame["Y"].notna()))


def visits_in_reverse(random, frame, arguments):
    labels = list(frame["VISIT"].unique())[::-1]
    return frame.assign(VISIT=pd.Categorical(frame["VISIT"], [*labels, "V9"]))


TROUBLES = (
    one_subject_per_arm,
    one_subject_of_an_arm,
    most_cells_missing,
    visit_without_data,
    arm_without_data_at_a_visit,
    constant_at_a_visit,
    constant_everywhere,
    one_record_twice,
    two_visits_alike,
    two_visits_nearly_alike,
    a_visit_sums_two_others,
    collinear_covariate,
    covariate_of_one_subject,
    huge_response,
    huge_offset,
    huge_covariate,
    visits_of_unlike_scale,
    ties,
    two_values,
    infinite_value,
    bad_weight,
    unlike_weights,
    one_visit,
    one_subject,
    subjects_with_one_visit,
    missing_labels,
    equal_times,
    nearly_equal_times,
    far_times,
    subject_in_two_arms,
    saturated,
    exact_fit,
    subject_effects_only,
    visits_in_reverse,
)
