"""The schemas of what people publish and judge: trials, outcomes, studies, judgements.

Field, types and metadata as in `rows`.
"""

import pyarrow as pa

from trialstats.rows import COUNT, FLAG, NUMBER, TEXT, field

#: One row per trial and outcome of the published results.
EFFECTS = pa.schema(
    [
        field("trial", TEXT, "Trial identifier", required=True),
        field("label", TEXT, "Author and year", required=True),
        field("condition", TEXT, "Condition", required=True),
        field("design", TEXT, "parallel, crossover or single arm", required=True),
        field("comparator", TEXT, "Comparator of the trial", required=True),
        field("endpoint", TEXT, "Harmonised name of the outcome", required=True),
        field("outcome", TEXT, "Outcome in the trial's own words", required=True),
        field("scale", TEXT, "Instrument and its range"),
        field("higher_is_better", FLAG, "Direction of the scale"),
        field("timepoint", TEXT, "Time of the outcome", unit="weeks"),
        field("type", TEXT, "binary, or the kind of continuous result", required=True),
        field("events_ldn", COUNT, "Participants with the event, LDN"),
        field("n_ldn", COUNT, "Participants, LDN"),
        field("events_placebo", COUNT, "Participants with the event, placebo"),
        field("n_placebo", COUNT, "Participants, placebo"),
        field("mean_ldn", NUMBER, "Mean, LDN"),
        field("sd_ldn", NUMBER, "Standard deviation, LDN"),
        field("mean_placebo", NUMBER, "Mean, placebo"),
        field("sd_placebo", NUMBER, "Standard deviation, placebo"),
        field("difference", NUMBER, "Published difference, LDN minus placebo"),
        field("ci_lower", NUMBER, "Published lower limit"),
        field("ci_upper", NUMBER, "Published upper limit"),
        field("p_value", TEXT, "Published p-value, as printed"),
        field("standard_error", NUMBER, "Standard error of the difference"),
        field("standard_error_how", TEXT, "How the standard error is known"),
        field("published_measure", TEXT, "Measure of the published effect"),
        field("published_effect", TEXT, "Published effect, as printed"),
        field("use", TEXT, "ship, caution, context, not usable, conflict, alternative"),
        field("use_note", TEXT, "Remark on the use"),
        field("evidence_status", TEXT, "seen, derived or recalled", required=True),
        field("se_status", TEXT, "How the error is known"),
        field("sd_status", TEXT, "How the standard deviations are known"),
        field("verification", TEXT, "How each number is known, in words"),
        field("file", TEXT, "File of data/published", required=True),
        field("row", COUNT, "Row of the file; the header is row 1", required=True),
    ]
)

PUBLISHED_TRIALS = pa.schema(
    [
        field("trial", TEXT, "Trial identifier", required=True),
        field("label", TEXT, "Author and year", required=True),
        field("citation", TEXT, "Citation", required=True),
        field("doi", TEXT, "Digital object identifier"),
        field("pmid", TEXT, "PubMed identifier"),
        field("registry", TEXT, "Registry number"),
        field("condition", TEXT, "Condition", required=True),
        field("condition_group", TEXT, "Row of the evidence map", required=True),
        field("design", TEXT, "Design, in words", required=True),
        field("comparator", TEXT, "Comparator", required=True),
        field("dose", TEXT, "Dose", unit="mg"),
        field("weeks", TEXT, "Duration", unit="weeks"),
        field("n_randomised", COUNT, "Participants randomised"),
        field("n_analysed_ldn", COUNT, "Participants analysed, LDN"),
        field("n_analysed_placebo", COUNT, "Participants analysed, placebo"),
        field("population", TEXT, "Population"),
        field("notes", TEXT, "Notes"),
        field("verification", TEXT, "How each number is known, in words"),
        field("use", TEXT, "ship, caution, context or not usable", required=True),
        field("use_note", TEXT, "Remark on the use"),
        field("evidence_status", TEXT, "seen, derived or recalled", required=True),
    ]
)

PUBLISHED_POOLS = pa.schema(
    [
        field("review", TEXT, "Review", required=True),
        field("outcome", TEXT, "Outcome", required=True),
        field("method", TEXT, "Measure and model", required=True),
        field("measure", TEXT, "Code of the measure", required=True),
        field("k", TEXT, "Number of trials, as stated"),
        field("pooled", NUMBER, "Pooled result on the natural scale", required=True),
        field("ci_lower", NUMBER, "Lower limit"),
        field("ci_upper", NUMBER, "Upper limit"),
        field("i_squared", TEXT, "I-squared, as printed"),
        field("verification", TEXT, "How each number is known, in words"),
        field("evidence_status", TEXT, "seen, derived or recalled", required=True),
    ]
)

#: One row per study of a table that enters a synthesis whole; a column for each number
#: and covariate that the configuration names follows.
STUDIES = pa.schema(
    [
        field("study", TEXT, "Study, as figures and tables print it", required=True),
        field("file", TEXT, "File of the table", required=True),
        field("row", COUNT, "Row of the file; the header is row 1", required=True),
        field("data_status", TEXT, "How the numbers are known", required=True),
    ]
)

#: One row per trial, outcome and domain that somebody judged.
RISK_OF_BIAS = pa.schema(
    [
        field("trial", TEXT, "Trial identifier", required=True),
        field("outcome", TEXT, "Harmonised outcome; null for every outcome"),
        field("domain", TEXT, "Domain of RoB 2, or overall", required=True),
        field("judgement", TEXT, "low, some concerns or high", required=True),
        field("reason", TEXT, "Reason", required=True),
        field("source", TEXT, "Who judged, or where it was published"),
        field("file", TEXT, "File of the judgements", required=True),
        field("row", COUNT, "Row of the file; the header is row 1", required=True),
    ]
)

#: One row per synthesis and domain of GRADE that somebody judged.
CERTAINTY = pa.schema(
    [
        field("synthesis", TEXT, "Synthesis", required=True),
        field("domain", TEXT, "Domain of GRADE", required=True),
        field("levels", COUNT, "Levels that it moves certainty by", required=True),
        field("reason", TEXT, "Reason"),
        field("file", TEXT, "File of the judgements", required=True),
        field("row", COUNT, "Row of the file; the header is row 1", required=True),
    ]
)
