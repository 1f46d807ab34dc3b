"""What a synthesis may not do, each with the file, the place and what to write."""

import pandas as pd
import pytest

from trialstats.analyses.synthesis import synthesise
from trialstats.errors import ConfigError


def rows_of(*named):
    return {"rows": [{"trial": t, "outcome": o} for t, o in named]}


#: Synthesis, what is changed, and words of the message.
REFUSED = {
    "a trial that does not exist": (
        "fibromyalgia_pain",
        {"published": {"endpoint": "pain intensity", "trials": ["INNOVA_MF"]}},
        ("at published.trials", "'INNOVA_MF'", "did you mean 'INNOVA_FM'?"),
    ),
    "an endpoint that a trial does not have": (
        "fibromyalgia_pain",
        {"published": {"endpoint": "pain intensitie", "trials": ["INNOVA_FM"]}},
        ("at published.trials", "0 rows of means", "did you mean 'pain intensity'?"),
    ),
    "a trial listed twice": (
        "fibromyalgia_pain",
        {"published": {"endpoint": "pain intensity", "trials": ["INNOVA_FM"] * 2}},
        ("INNOVA_FM", "listed twice", "the same people enter once"),
    ),
    "an alternative row": (
        "crohn_response_70",
        {
            "published": rows_of(
                ("SMITH2011_CD_ADULT", "ALT abstract: >=70-point CDAI fall")
            )
        },
        ("at published.rows", "use is 'alternative'", "row 7", "leave it out"),
    ),
    "a conflicting row": (
        "crohn_endoscopic_remission",
        {
            "published": rows_of(
                (
                    "SMITH2011_CD_ADULT",
                    "ALT abstract: endoscopic remission (CDEIS<6)",
                )
            )
        },
        ("use is 'conflict'", "leave it out"),
    ),
    "a row for context": (
        "crohn_remission",
        {"published": rows_of(("LIE2018_IBD", "remission"))},
        ("use is 'context'", "no control arm"),
    ),
    "a row without a usable number": (
        "fibromyalgia_pain",
        {"published": rows_of(("PAULA2023_FM", "pain"))},
        ("use is 'not usable'", "leave it out"),
    ),
    "a parallel trial marked caution": (
        "fibromyalgia_pain",
        {"published": rows_of(("DUEBRUUN2024_FINAL", "conditioned pain modulation"))},
        ("use is 'caution'", "no crossover trial"),
    ),
    "a crossover trial that is not paired": (
        "pain_across_conditions",
        {"paired": None, "sensitivity": []},
        ("YOUNGER2013_FM", "CREE2010_MS", "add `paired: {correlation: 0.5}`"),
    ),
    "counts of a crossover trial": (
        "fibromyalgia_pain_responders",
        {
            "published": {"endpoint": "pain responder", "trials": ["YOUNGER2013_FM"]},
            "paired": {"correlation": 0.5},
        },
        ("same people twice", "leave it out"),
    ),
    "an active control beside placebo": (
        "pain_across_conditions",
        {
            "published": rows_of(
                ("INNOVA_FM", "pain intensity"),
                ("SRINIVASAN2021_PDN", "pain, LDN v AMITRIPTYLINE (ITT)"),
            ),
            "sensitivity": [],
        },
        ("amitriptyline", "SRINIVASAN2021_PDN", "never stand together"),
    ),
    "means on several scales pooled as they are": (
        "pain_across_conditions",
        {"measure": "MD", "sensitivity": [], "published_pools": []},
        ("several scales", "use measure SMD"),
    ),
    "an analysis that does not exist": (
        "synthetic_fibromyalgia_pain",
        {"analyses": ["fm_parallel_synthetic.pain_week_12"]},
        ("at analyses", "did you mean 'fm_parallel_synthetic.pain_week12'?"),
    ),
    "an analysis listed twice": (
        "synthetic_fibromyalgia_pain",
        {"analyses": ["fm_parallel_synthetic.pain_week12"] * 2},
        ("listed twice", "name it once"),
    ),
    "synthetic data beside published ones": (
        "fibromyalgia_pain",
        {"analyses": ["fm_parallel_synthetic.pain_week12"]},
        ("synthetic data never stand beside published", "of their own"),
    ),
    "a published pool beside synthetic data": (
        "synthetic_fibromyalgia_pain",
        {
            "published_pools": [
                {"review": "Vatvani 2024", "outcome": "fibromyalgia: pain score"}
            ]
        },
        ("synthetic data never stand beside published",),
    ),
    "a pool that does not exist": (
        "fibromyalgia_pain",
        {
            "published_pools": [
                {"review": "Vatvani 2024", "outcome": "fibromyalgia: pain scores"}
            ]
        },
        ("at published_pools", "did you mean 'fibromyalgia: pain score'?"),
    ),
    "a pool on another measure": (
        "fibromyalgia_adverse_events",
        {
            "published_pools": [
                {"review": "Hegde 2025", "outcome": "adverse events, v placebo"}
            ]
        },
        ("is a IRR, not RR", "show it elsewhere"),
    ),
    "a sensitivity analysis without a trial that is not there": (
        "fibromyalgia_pain",
        {"sensitivity": [{"exclude": ["CREE2010_MS"]}]},
        ("at sensitivity", "'CREE2010_MS' is not in the synthesis"),
    ),
    "a sensitivity analysis without any trial": (
        "fibromyalgia_pain",
        {"sensitivity": [{"exclude": ["DUEBRUUN2024_FINAL", "INNOVA_FM"]}]},
        ("every trial is excluded",),
    ),
    "a ratio of means": (
        "fibromyalgia_pain",
        {"sensitivity": [{"measure": "RR"}]},
        ("RR cannot be computed", "write one of: MD, SMD"),
    ),
    "the same model twice": (
        "fibromyalgia_pain",
        {"sensitivity": [{"tau_squared": "DL"}, {"tau_squared": "DL"}]},
        ("DL.knapp_hartung twice", "give it a `name`"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(config, run, case):
    name, change, words = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        run(config(name) | change)
    message = str(caught.value)
    assert f"config/syntheses/{name}.yaml" in message
    for word in words:
        assert word in message


def test_synthetic_data_never_stand_beside_real_ones(config, published, fitted):
    names = ("a.pain", "b.pain")
    rows = {
        "a.pain": fitted("a.pain", -0.5, 0.2),
        "b.pain": fitted("b.pain", -0.5, 0.2, data_status="individual"),
    }
    altered = config("synthetic_fibromyalgia_pain") | {"analyses": list(names)}
    with pytest.raises(ConfigError, match="never stand beside individual"):
        synthesise(altered, *published, rows)


def test_individual_data_may_stand_beside_published_ones(config, published, fitted):
    rows = {"b.pain": fitted("b.pain", -0.5, 0.2, data_status="individual")}
    altered = config("fibromyalgia_pain") | {"analyses": ["b.pain"]}
    made = synthesise(altered, *published, rows)
    main = made.loc[made["role"].eq("primary") & made["statistic"].eq("pooled_effect")]
    assert main["n_trials"].tolist() == [3]


def test_an_analysis_with_several_contrasts_is_refused(config, published, fitted):
    name = "fm_parallel_synthetic.pain_over_time"
    rows = pd.concat(
        [fitted(name, -0.5, 0.2), fitted(name, -0.6, 0.2, row_id="another")]
    )
    altered = config("synthetic_fibromyalgia_pain") | {"analyses": [name]}
    with pytest.raises(ConfigError, match=r"has 2 rows 'difference', and one must"):
        synthesise(altered, *published, {name: rows})
