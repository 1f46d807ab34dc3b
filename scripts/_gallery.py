"""What docs/gallery.md shows, in its order."""

from dataclasses import dataclass

BACK_PAIN = "config/examples/gallery/config/trials/back_pain.yaml"
CROSSOVER = "config/trials/fm_crossover_synthetic.yaml"

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A figure or a table of the page.

    Attributes
    ----------
    title, words : str
        Heading, and what it is for.
    name : str
        Name of the figure or the table in its dossier.
    keys : tuple of tuple of str
        Paths in `file` that give it; none where it comes by itself.
    file : str
        Configuration of its trial or synthesis.
    """

    title: str
    words: str
    name: str
    keys: tuple[Keys, ...] = ()
    file: str = BACK_PAIN


FIGURES = (
    Entry(
        "Flow of participants",
        "CONSORT 2025, counted in the data; every trial has one.",
        "flow",
        (("analysis_sets",),),
    ),
    Entry(
        "Flow of a crossover",
        "By sequence and period.",
        "flow",
        (("analysis_sets",),),
        CROSSOVER,
    ),
    Entry(
        "Means by visit",
        "Least-squares means with the number of participants under the axis.",
        "profile",
        (("analyses", "pain"),),
    ),
    Entry(
        "Periods of a crossover",
        "Means by sequence and period, and the difference within each participant.",
        "periods_pain_week6",
        (("analyses", "pain_week6"),),
        CROSSOVER,
    ),
    Entry(
        "Kaplan-Meier curves",
        "With numbers at risk, medians, hazard ratios and the log-rank test.",
        "kaplan_meier_rescue",
        (("analyses", "rescue"),),
    ),
    Entry(
        "Every analysis of one outcome",
        "The primary result beside its sensitivity analyses.",
        "analyses_PAIN",
        (("analyses", "pain", "role"), ("analyses", "pain_ancova", "role")),
    ),
    Entry(
        "Subgroups of a trial",
        "The effect within each level, and whether the levels differ.",
        "subgroups_pain_ancova",
        (("analyses", "pain_ancova", "subgroups"),),
    ),
    Entry(
        "Tipping points of a measurement",
        "How different those without data must be for the result to turn.",
        "tipping_point_pain_ancova",
        (("analyses", "pain_ancova", "model"),),
    ),
    Entry(
        "Tipping points of a response",
        "Every number of responders among those without data.",
        "tipping_point_responders",
        (("analyses", "responders", "model"),),
    ),
    Entry(
        "Waterfall",
        "One bar a participant.",
        "waterfall_change",
        (("figures", "change"),),
    ),
    Entry(
        "Individual profiles",
        "One line a participant.",
        "individual_profiles_course",
        (("figures", "course"),),
    ),
    Entry(
        "Adverse events",
        "Percentages by arm and risk differences with their intervals.",
        "adverse_events",
        (("analyses", "adverse_events"),),
    ),
    Entry(
        "Residuals of a mixed model",
        "Against fitted values, by visit, and against normal quantiles.",
        "residuals_pain",
        (("analyses", "pain", "model"),),
    ),
    Entry(
        "Account of the raw rows",
        "What became of every row of every file; every trial has one.",
        "account",
    ),
)

TABLES = (
    Entry(
        "Disposition",
        "Every trial has one.",
        "disposition",
        (("adsl", "flags"),),
    ),
    Entry(
        "Baseline characteristics",
        "Missing values have a line of their own; tests only when asked for.",
        "participants",
        (("analyses", "participants"),),
    ),
    Entry(
        "Exposure",
        "A declared table in the style of a journal.",
        "exposure_journal",
        (("analyses", "exposure"), ("tables", "exposure_journal")),
    ),
    Entry(
        "Means by visit (MMRM)",
        "Both numbers of participants, differences with their df, tests of terms.",
        "pain",
        (("analyses", "pain"),),
    ),
    Entry(
        "Means at one visit (ANCOVA)",
        "With dose response and differences between all arms.",
        "pain_ancova",
        (("analyses", "pain_ancova"),),
    ),
    Entry(
        "Responders",
        "Absolute and relative effects, both numbers of participants.",
        "responders",
        (("analyses", "responders"),),
    ),
    Entry(
        "Categories over strata",
        "The Cochran-Mantel-Haenszel tests.",
        "impression",
        (("analyses", "impression"),),
    ),
    Entry(
        "Time to an event",
        "Kaplan-Meier estimates, log-rank test and Cox regression.",
        "rescue",
        (("analyses", "rescue"),),
    ),
    Entry(
        "Adverse events",
        "Overview, by class and preferred term, severity and relation.",
        "adverse_events",
        (("analyses", "adverse_events"),),
    ),
    Entry(
        "Laboratory values by visit",
        "Values and changes.",
        "laboratory",
        (("analyses", "laboratory"),),
    ),
    Entry(
        "Shift from baseline",
        "The worst category on treatment by that at baseline.",
        "shift",
        (("analyses", "shift"),),
    ),
    Entry(
        "Listing",
        "Rows of a dataset.",
        "discontinued",
        (("tables", "discontinued"),),
    ),
)

RESPONSE = "config/examples/gallery/config/syntheses/response.yaml"


def _of_synthesis(title: str, words: str, name: str, *keys: Keys) -> Entry:
    return Entry(title, words, name, keys, RESPONSE)


#: `name` is the figure, or the table after "table:".
SYNTHESES = (
    _of_synthesis(
        "Forest plot",
        "With subgroups and the risk of bias; `figure` chooses layout and width.",
        "forest",
        ("model",),
        ("subgroups",),
        ("favours",),
    ),
    _of_synthesis(
        "Flow of records", "PRISMA 2020; the boxes must add up.", "prisma", ("prisma",)
    ),
    _of_synthesis(
        "Risk of bias", "As judged in the file that the dossier names.", "risk_of_bias"
    ),
    _of_synthesis(
        "Sensitivity", "The result under every model.", "sensitivity", ("sensitivity",)
    ),
    _of_synthesis("Without each trial", "Leaving out one at a time.", "leave_one_out"),
    _of_synthesis("L'Abbé plot", "The risk in each arm.", "labbe"),
    _of_synthesis("Radial plot", "Galbraith's.", "radial"),
    _of_synthesis("Baujat plot", "Heterogeneity against influence.", "baujat"),
    _of_synthesis("Influence", "Diagnostics of each trial.", "influence"),
    _of_synthesis("GOSH", "The model fitted to all subsets of the trials.", "gosh"),
    _of_synthesis(
        "Funnel plot", "With contours of significance.", "funnel", ("figures",)
    ),
    _of_synthesis("Trials and pooled effect", "As the forest plot.", "table:trials"),
    _of_synthesis("Every model", "As the figure of sensitivity.", "table:sensitivity"),
    _of_synthesis("Subgroups", "With the test of their difference.", "table:subgroups"),
    _of_synthesis(
        "Summary of findings",
        "GRADE: risks per 1000, certainty with its reasons.",
        "table:findings",
        ("outcome",),
    ),
)
