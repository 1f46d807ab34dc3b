"""Events, times and two periods as trial reports print them, cell by cell.

hsaur_respiratory: logistic regression of a good status at months 1 to 4, visits taken
for independent, on centre, treatment, sex, status at month 0 and age. indo_rct:
Pearson's chi-square without a correction. cgd_interferon: the log-rank test without
strata, first infection or end of follow-up (rows with enum 1). cdiscpilot01, Figure
14-1: Kaplan-Meier with plain limits, log-rank test of three arms. xo_ashina_headache:
treatment minus placebo adjusted for the period. Sources: trials/EXPECTED.md.
"""

import numpy as np
import pandas as pd
import pytest

from trialstats.contingency import chi_square_test, fisher_exact_test
from trialstats.formatting import format_number
from trialstats.logistic import fit_logistic
from trialstats.survival import fit_cox, kaplan_meier, log_rank_test
from trialstats.two_period_crossover import two_period_crossover

pytestmark = pytest.mark.reference


def percent(share, digits=0):
    return f"{format_number(100 * share, digits)}%"


def test_respiratory_logistic_regression(trials, printed):
    rows = pd.read_csv(trials / "hsaur_respiratory" / "respiratory.csv")
    before = rows[rows["month"] == 0].set_index("subject")["status"]
    after = rows[rows["month"] > 0]
    baseline = pd.Categorical(after["subject"].map(before), ["poor", "good"])
    after = after.assign(good=(after["status"] == "good") * 1, baseline=baseline)
    formula = "good ~ C(centre) + treatment + gender + baseline + age"
    fit = fit_logistic(formula, after)
    lines = ("(Intercept)", "centre2", "trttrt", "gendermale", "baselinegood", "age")
    ours = {("", "Residual deviance", ""): format_number(fit.deviance, 2)}
    for line, row in zip(lines, fit.coefficients.itertuples(), strict=True):
        ours["", line, "Estimate"] = format_number(row.estimate, 5)
        ours["", line, "SE"] = format_number(row.standard_error, 5)
        small = row.p_value < 1e-4
        ours["", line, "p"] = (
            f"{row.p_value:.1e}" if small else format_number(row.p_value, 4)
        )
    cells = printed("hsaur_respiratory")
    assert cells.count("Fig 14.3 logistic GLM") == 19
    assert cells.compare("Fig 14.3 logistic GLM", ours) == []


def test_indomethacin(trials, printed):
    rows = pd.read_csv(trials / "indo_rct" / "indo_rct.csv")
    event = rows["outcome"] == "1_yes"
    ours = {
        ("", "Patients", "All"): str(len(rows)),
        ("", "Clinical suspicion of SOD", "All"): percent(
            (rows["sod"] == "1_yes").mean()
        ),
    }
    table = []
    for column, label in (
        ("Indomethacin", "1_indomethacin"),
        ("Placebo", "0_placebo"),
    ):
        of_arm = event[rows["rx"] == label]
        count = int(of_arm.sum())
        table.append([count, len(of_arm) - count])
        ours["", "n", column] = str(len(of_arm))
        ours["", "Post-ERCP pancreatitis", column] = (
            f"{count} ({percent(count / len(of_arm), 1)})"
        )
    p = chi_square_test(table).p_value
    ours["", "Post-ERCP pancreatitis", "P"] = format_number(p, 3)
    cells = printed("indo_rct")
    assert cells.count("Abstract") == 7
    assert cells.compare("Abstract", ours) == []
    # The corrected test would print 0.007; Fisher's prints the same as Pearson's.
    corrected = chi_square_test(table, continuity=True).p_value
    assert format_number(corrected, 3) == "0.007"
    assert format_number(fisher_exact_test(table).p_value, 3) == "0.005"


@pytest.fixture(scope="module")
def cgd(trials):
    return pd.read_csv(trials / "cgd_interferon" / "cgd.csv")


def test_interferon(cgd, printed):
    first = cgd[cgd["enum"] == 1]
    arms = {"Interferon gamma": "rIFN-g", "Placebo": "placebo"}
    ours, table = {}, []
    for column, label in arms.items():
        of_arm = first.loc[first["treat"] == label, "status"]
        table.append([int(of_arm.sum()), int((1 - of_arm).sum())])
        ours["", "n", column] = str(len(of_arm))
        ours["", "Patients with serious infection", column] = str(table[-1][0])
        total = cgd.loc[cgd["treat"] == label, "status"].sum()
        ours["", "Total serious infections", column] = str(total)
    columns = {"time": "tstop", "event": "status"}
    test = log_rank_test(first, group="treat", **columns)
    row = "Patients with serious infection"
    ours["", "Time to first serious infection", "P"] = format_number(test.p_value, 4)
    ours["", row, "P"] = format_number(chi_square_test(table).p_value, 3)
    cells = printed("cgd_interferon")
    assert cells.count("Abstract") == 8
    # The abstract has 0.002; these patients give 0.0044 by chi-square, 0.0053 by
    # Fisher's test and 0.0078 with the correction.
    assert cells.compare("Abstract", ours, [("", row, "P")]) == []
    assert format_number(fisher_exact_test(table).p_value, 4) == "0.0053"
    # In strata of the inheritance the time to the first infection prints 0.0010.
    strata = log_rank_test(first, group="treat", strata=["inherit"], **columns)
    assert format_number(strata.p_value, 4) == "0.0010"


def test_dermatologic_events(trials, printed, write):
    rows = pd.read_sas(trials / "cdiscpilot01" / "adtte.xpt", encoding="utf-8")
    # 0 comes as 5e-79 from the transport format.
    rows = rows.assign(event=1 - rows["CNSR"].round())
    columns = {"time": "AVAL", "event": "event", "group": "TRTP"}
    curves = kaplan_meier(rows, limits="plain", **columns)
    ours = {}
    for column, arm in write.arms.items():
        curve = curves[arm]
        events, censored = curve.n_events, curve.n_censored
        ours["", "No. of Subjects", column] = str(curve.n)
        ours["", "Event", column] = f"{percent(events / curve.n)} ({events})"
        ours["", "Censored", column] = f"{percent(censored / curve.n)} ({censored})"
        for row, value in (
            ("Median", curve.median.estimate),
            ("Median LCL", curve.median.ci_lower),
            ("Median UCL", curve.median.ci_upper),
        ):
            ours["", row, column] = "NA" if value is None else format_number(value, 1)
    ours["", "Logrank p", "all"] = write.p(log_rank_test(rows, **columns).p_value)
    cells = printed("cdiscpilot01")
    assert cells.count("Figure 14-1") == 19
    assert cells.compare("Figure 14-1", ours) == []
    # With log-log limits the high dose would start at 23.
    other = kaplan_meier(rows, limits="log-log", **columns)
    assert other[write.arms["Xan High"]].median.ci_lower == 23


def ashina(trials):
    """Return one row per patient and period; sequence 1 had placebo first."""
    wide = pd.read_csv(trials / "xo_ashina_headache" / "ashina.csv")
    wide = wide.rename_axis("subject").reset_index()
    long = wide.melt(
        id_vars=["subject", "grp"], var_name="treatment", value_name="change"
    )
    placebo_first = long["grp"] == 1
    placebo = long["treatment"] == "vas.plac"
    return long.assign(period=np.where(placebo_first == placebo, 1, 2))


def test_l_nmma_for_headache(trials, printed):
    fit = two_period_crossover(
        ashina(trials),
        response="change",
        subject="subject",
        treatment="treatment",
        period="period",
        sequence="grp",
        control="vas.plac",
    )
    ours = {
        ("", "Patients", "All"): str(sum(fit.n.values())),
        ("", "VAS pain reduction L-NMMA vs placebo", "P"): format_number(
            fit.treatment.p_value, 2
        ),
    }
    cells = printed("xo_ashina_headache")
    assert cells.count("Abstract") == 2
    assert cells.compare("Abstract", ours) == []
    # R 4.2.2: t.test, wilcox.test. The signed-rank test prints the same 0.01, the
    # paired t test (0.0056) 0.006 or 0.01 by its digits.
    assert fit.treatment.p_value == pytest.approx(0.01227624, rel=1e-6)
    assert fit.signed_rank.p_value == pytest.approx(0.01098633, rel=1e-6)
    assert fit.paired.p_value == pytest.approx(0.005643637, rel=1e-6)


def test_cox_regression_of_the_interferon_trial(cgd):
    # R 4.2.2, survival 3.5-3: coxph(Surv(tstop, status) ~ treat + age + inherit +
    # strata(hos.cat), first), eps 1e-14; printed to eight digits.
    first = cgd[cgd["enum"] == 1]
    fit = fit_cox(
        first,
        time="tstop",
        event="status",
        treatment="treat",
        control="placebo",
        treatments=["rIFN-g"],
        covariates=["age"],
        factors=["inherit"],
        strata=["hos.cat"],
    )
    found = fit.log_hazard_ratios["rIFN-g"]
    assert found.estimate == pytest.approx(-1.16913915, abs=1e-8)
    assert found.standard_error == pytest.approx(0.34221326, abs=1e-8)
    assert found.p_value == pytest.approx(0.00063454, abs=1e-8)
    assert fit.coefficients["age"].estimate == pytest.approx(-0.03258417, abs=1e-8)
    assert fit.log_likelihood == pytest.approx(-135.8757925, abs=1e-7)
    assert fit.null_log_likelihood == pytest.approx(-143.7280976, abs=1e-7)
    assert fit.score.statistic == pytest.approx(15.36, abs=0.005)
