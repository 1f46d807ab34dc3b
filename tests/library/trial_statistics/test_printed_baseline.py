"""Tables 14-1.02 and 14-2.01 of the CDISC pilot study report, cell by cell.

14-1.02 has Fisher's exact test for a category against all others; 14-2.01 one-way
analysis of variance for numbers and Pearson's chi-square for categories, without a
correction. Its race row counts who is of Hispanic origin as Hispanic, whatever the
race. Printed cells and their pages: trials/EXPECTED.md.
"""

import numpy as np
import pandas as pd
import pytest

from trialstats.contingency import chi_square_test, fisher_exact_test
from trialstats.formatting import format_number
from trialstats.group_means import one_way_anova

pytestmark = pytest.mark.reference

#: Row of 14-1.02 -> reason in the data, of subjects who left before week 24.
REASONS = {
    "Adverse Event": "Adverse Event",
    "Death": "Death",
    "Lack of Efficacy[2]": "Lack of Efficacy",
    "Lost to Follow-up": "Lost to Follow-up",
    "Subject decided to withdraw": "Withdrew Consent",
    "Physician decided to withdraw subject": "Physician Decision",
    "Protocol criteria not met": "I/E Not Met",
    "Protocol violation": "Protocol Violation",
    "Sponsor decision": "Sponsor Decision",
}

#: Section of 14-2.01 -> variable.
NUMBERS = {
    "Age (y)": "AGE",
    "MMSE": "MMSETOT",
    "Duration of disease": "DURDIS",
    "Years of education": "EDUCLVL",
    "Baseline weight(kg)": "WEIGHTBL",
    "Baseline height(cm)": "HEIGHTBL",
    "Baseline BMI": "BMIBL",
}
#: Section of 14-2.01 -> variable, rows and their values, row that holds the p-value.
CATEGORIES = {
    "Age (y)": ("AGEGR1", {"<65 yrs": "<65", "65-80 yrs": "65-80", ">80 yrs": ">80"}),
    "Sex": ("SEX", {"Male": "M", "Female": "F"}),
    "Race (Origin)": (
        "ORIGIN",
        {
            "Caucasian": "WHITE",
            "African Descent": "BLACK OR AFRICAN AMERICAN",
            "Hispanic": "HISPANIC",
            "Other": "AMERICAN INDIAN OR ALASKA NATIVE",
        },
    ),
    "Duration of disease": ("DURDSGR1", {"<12 months": "<12", ">=12 months": ">=12"}),
    "Baseline BMI": ("BMIBLGR1", {"<25": "<25", "25-<30": "25-<30", ">=30": ">=30"}),
}


def columns_of(adsl, write):
    """Yield each printed column with its subjects."""
    for column, arm in write.arms.items():
        yield column, adsl[adsl["TRT01P"] == arm]
    yield "Total", adsl


def test_end_of_study(adsl, printed, write):
    early = adsl["COMP24FL"] != "Y"
    rows = {
        ("Completion Status", "Completed Week 24"): ~early,
        ("Completion Status", "Early Termination (prior to Week 24)"): early,
        ("Completion Status", "Missing"): adsl["COMP24FL"].isna(),
        ("Reason", "Missing"): early & adsl["DCREASCD"].isna(),
    }
    for row, reason in REASONS.items():
        rows["Reason", row] = early & (adsl["DCREASCD"] == reason)
    ours = {}
    for (section, row), flag in rows.items():
        for column, subjects in columns_of(adsl, write):
            count = int(flag[subjects.index].sum())
            ours[section, row, column] = write.n_percent(count, len(subjects))
        if flag.any():
            table = pd.crosstab(flag, adsl["TRT01P"]).to_numpy()
            ours[section, row, "p-value"] = write.p(fisher_exact_test(table).p_value)
    cells = printed("cdiscpilot01")
    assert cells.count("14-1.02") == 55
    assert cells.compare("14-1.02", ours) == []


def test_demographics(adsl, printed, write):
    adsl = adsl.assign(
        ORIGIN=np.where(
            adsl["ETHNIC"] == "HISPANIC OR LATINO", "HISPANIC", adsl["RACE"]
        )
    )
    ours = {}
    for section, variable in NUMBERS.items():
        for column, subjects in columns_of(adsl, write):
            values = subjects[variable].dropna()
            summary = {
                "n": str(len(values)),
                "Mean": format_number(values.mean(), 1),
                "SD": format_number(values.std(), 2),
                "Median": format_number(values.median(), 1),
                "Min": format_number(values.min(), 1),
                "Max": format_number(values.max(), 1),
            }
            ours |= {(section, row, column): text for row, text in summary.items()}
        test = one_way_anova(adsl, response=variable, group="TRT01P")
        ours[section, "n", "p-value"] = write.p(test.p_value)
    for section, (variable, rows) in CATEGORIES.items():
        test = chi_square_test(pd.crosstab(adsl[variable], adsl["TRT01P"]).to_numpy())
        place = "n" if section not in NUMBERS else next(iter(rows))
        ours[section, place, "p-value"] = write.p(test.p_value)
        for column, subjects in columns_of(adsl, write):
            known = subjects[variable].dropna()
            if section not in NUMBERS:
                ours[section, "n", column] = str(len(known))
            for row, value in rows.items():
                ours[section, row, column] = write.n_percent(
                    int((known == value).sum()), len(known), bare_zero=True
                )
    cells = printed("cdiscpilot01")
    assert cells.count("14-2.01") == 244
    assert cells.compare("14-2.01", ours) == []
