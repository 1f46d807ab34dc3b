"""The works that the methods of a dossier are from."""

import re

from trialstats.report.references import Reference


def _article(
    key: str, author: str, title: str, journal: str, where: str, doi: str = ""
) -> Reference:
    """Return an article; `where` is "1997 53(3) 983-997"."""
    found = re.fullmatch(r"(\d{4}) (\d+)(?:\((\d+)\))?(?: (\S+))?", where)
    if found is None:
        raise ValueError(where)
    year, volume, number, pages = found.groups()
    fields = {
        "journal": journal,
        "volume": volume,
        "number": number,
        "pages": pages and re.sub(r"(?<=\d)-(?=\d)", "--", pages),
        "doi": doi,
    }
    kept = {name: value for name, value in fields.items() if value}
    return Reference(key, "article", author, year, title, kept)


def _book(key: str, author: str, year: str, title: str, publisher: str) -> Reference:
    return Reference(key, "book", author, year, title, {"publisher": publisher})


def _document(
    key: str, author: str, year: str, title: str, publisher: str, url: str
) -> Reference:
    fields = {"publisher": publisher, "url": url}
    return Reference(key, "misc", author, year, title, fields)


_LISTED = (
    _article(
        "baujat2002",
        "Baujat B and Mahé C and Pignon J-P and Hill C",
        "A graphical method for exploring heterogeneity in meta-analyses: application "
        "to a meta-analysis of 65 trials",
        "Statistics in Medicine",
        "2002 21(18) 2641-2652",
        "10.1002/sim.1221",
    ),
    _article(
        "begg1994",
        "Begg CB and Mazumdar M",
        "Operating characteristics of a rank correlation test for publication bias",
        "Biometrics",
        "1994 50(4) 1088-1101",
        "10.2307/2533446",
    ),
    _article(
        "clopper1934",
        "Clopper CJ and Pearson ES",
        "The use of confidence or fiducial limits illustrated in the case of the "
        "binomial",
        "Biometrika",
        "1934 26(4) 404-413",
        "10.1093/biomet/26.4.404",
    ),
    _article(
        "cochran1954",
        "Cochran WG",
        "The combination of estimates from different experiments",
        "Biometrics",
        "1954 10(1) 101-129",
        "10.2307/3001666",
    ),
    _article(
        "consort2025",
        "Hopewell S and Chan A-W and Collins GS and others",
        "CONSORT 2025 statement: updated guideline for reporting randomised trials",
        "BMJ",
        "2025 389 e081123",
        "10.1136/bmj-2024-081123",
    ),
    _article(
        "cox1972",
        "Cox DR",
        "Regression models and life-tables",
        "Journal of the Royal Statistical Society, Series B",
        "1972 34(2) 187-220",
        "10.1111/j.2517-6161.1972.tb00899.x",
    ),
    _article(
        "dersimonian1986",
        "DerSimonian R and Laird N",
        "Meta-analysis in clinical trials",
        "Controlled Clinical Trials",
        "1986 7(3) 177-188",
        "10.1016/0197-2456(86)90046-2",
    ),
    _article(
        "duval2000",
        "Duval S and Tweedie R",
        "Trim and fill: a simple funnel-plot-based method of testing and adjusting "
        "for publication bias in meta-analysis",
        "Biometrics",
        "2000 56(2) 455-463",
        "10.1111/j.0006-341X.2000.00455.x",
    ),
    _article(
        "egger1997",
        "Egger M and Davey Smith G and Schneider M and Minder C",
        "Bias in meta-analysis detected by a simple, graphical test",
        "BMJ",
        "1997 315(7109) 629-634",
        "10.1136/bmj.315.7109.629",
    ),
    _article(
        "elbourne2002",
        "Elbourne DR and Altman DG and Higgins JPT and Curtin F and Worthington HV "
        "and Vail A",
        "Meta-analyses involving cross-over trials: methodological issues",
        "International Journal of Epidemiology",
        "2002 31(1) 140-149",
        "10.1093/ije/31.1.140",
    ),
    _article(
        "fisher1922",
        "Fisher RA",
        "On the interpretation of chi-squared from contingency tables, and the "
        "calculation of P",
        "Journal of the Royal Statistical Society",
        "1922 85(1) 87-94",
        "10.2307/2340521",
    ),
    _article(
        "grade2011",
        "Guyatt G and Oxman AD and Akl EA and others",
        "GRADE guidelines: 1. Introduction: GRADE evidence profiles and summary of "
        "findings tables",
        "Journal of Clinical Epidemiology",
        "2011 64(4) 383-394",
        "10.1016/j.jclinepi.2010.04.026",
    ),
    _article(
        "grizzle1965",
        "Grizzle JE",
        "The two-period change-over design and its use in clinical trials",
        "Biometrics",
        "1965 21(2) 467-480",
        "10.2307/2528104",
    ),
    _article(
        "harbord2006",
        "Harbord RM and Egger M and Sterne JAC",
        "A modified test for small-study effects in meta-analyses of controlled "
        "trials with binary endpoints",
        "Statistics in Medicine",
        "2006 25(20) 3443-3457",
        "10.1002/sim.2380",
    ),
    _article(
        "hartung2001",
        "Hartung J and Knapp G",
        "A refined method for the meta-analysis of controlled clinical trials with "
        "binary outcome",
        "Statistics in Medicine",
        "2001 20(24) 3875-3889",
        "10.1002/sim.1009",
    ),
    _article(
        "hedges1981",
        "Hedges LV",
        "Distribution theory for Glass's estimator of effect size and related "
        "estimators",
        "Journal of Educational Statistics",
        "1981 6(2) 107-128",
        "10.3102/10769986006002107",
    ),
    _book(
        "hedges1985",
        "Hedges LV and Olkin I",
        "1985",
        "Statistical methods for meta-analysis",
        "Academic Press",
    ),
    _article(
        "higgins2002",
        "Higgins JPT and Thompson SG",
        "Quantifying heterogeneity in a meta-analysis",
        "Statistics in Medicine",
        "2002 21(11) 1539-1558",
        "10.1002/sim.1186",
    ),
    _article(
        "higgins2009",
        "Higgins JPT and Thompson SG and Spiegelhalter DJ",
        "A re-evaluation of random-effects meta-analysis",
        "Journal of the Royal Statistical Society, Series A",
        "2009 172(1) 137-159",
        "10.1111/j.1467-985X.2008.00552.x",
    ),
    _document(
        "iche9r1",
        "International Council for Harmonisation",
        "2019",
        "Addendum on estimands and sensitivity analysis in clinical trials to the "
        "guideline on statistical principles for clinical trials, E9(R1)",
        "ICH",
        "https://www.ich.org/page/efficacy-guidelines",
    ),
    _article(
        "ioannidis2007",
        "Ioannidis JPA and Trikalinos TA",
        "An exploratory test for an excess of significant findings",
        "Clinical Trials",
        "2007 4(3) 245-253",
        "10.1177/1740774507079441",
    ),
    _article(
        "kaplan1958",
        "Kaplan EL and Meier P",
        "Nonparametric estimation from incomplete observations",
        "Journal of the American Statistical Association",
        "1958 53(282) 457-481",
        "10.1080/01621459.1958.10501452",
    ),
    _article(
        "kenward1997",
        "Kenward MG and Roger JH",
        "Small sample inference for fixed effects from restricted maximum likelihood",
        "Biometrics",
        "1997 53(3) 983-997",
        "10.2307/2533558",
    ),
    _article(
        "knapp2003",
        "Knapp G and Hartung J",
        "Improved tests for a random effects meta-regression with a single covariate",
        "Statistics in Medicine",
        "2003 22(17) 2693-2710",
        "10.1002/sim.1482",
    ),
    _article(
        "labbe1987",
        "L'Abbé KA and Detsky AS and O'Rourke K",
        "Meta-analysis in clinical research",
        "Annals of Internal Medicine",
        "1987 107(2) 224-233",
        "10.7326/0003-4819-107-2-224",
    ),
    _article(
        "landis1978",
        "Landis JR and Heyman ER and Koch GG",
        "Average partial association in three-way contingency tables: a review and "
        "discussion of alternative tests",
        "International Statistical Review",
        "1978 46(3) 237-254",
        "10.2307/1402373",
    ),
    _article(
        "liang2000",
        "Liang K-Y and Zeger SL",
        "Longitudinal data analysis of continuous and discrete responses for pre-post "
        "designs",
        "Sankhya, Series B",
        "2000 62(1) 134-148",
    ),
    _article(
        "mallinckrodt2008",
        "Mallinckrodt CH and Lane PW and Schnell D and Peng Y and Mancuso JP",
        "Recommendations for the primary analysis of continuous endpoints in "
        "longitudinal clinical trials",
        "Drug Information Journal",
        "2008 42(4) 303-319",
        "10.1177/009286150804200402",
    ),
    _article(
        "mantel1959",
        "Mantel N and Haenszel W",
        "Statistical aspects of the analysis of data from retrospective studies of "
        "disease",
        "Journal of the National Cancer Institute",
        "1959 22(4) 719-748",
        "10.1093/jnci/22.4.719",
    ),
    _article(
        "mantel1966",
        "Mantel N",
        "Evaluation of survival data and two new rank order statistics arising in its "
        "consideration",
        "Cancer Chemotherapy Reports",
        "1966 50(3) 163-170",
    ),
    _article(
        "miettinen1985",
        "Miettinen O and Nurminen M",
        "Comparative analysis of two rates",
        "Statistics in Medicine",
        "1985 4(2) 213-226",
        "10.1002/sim.4780040211",
    ),
    _article(
        "newcombe1998",
        "Newcombe RG",
        "Interval estimation for the difference between independent proportions: "
        "comparison of eleven methods",
        "Statistics in Medicine",
        "1998 17(8) 873-890",
    ),
    _article(
        "olkin2012",
        "Olkin I and Dahabreh IJ and Trikalinos TA",
        "GOSH - a graphical display of study heterogeneity",
        "Research Synthesis Methods",
        "2012 3(3) 214-223",
        "10.1002/jrsm.1053",
    ),
    _article(
        "paule1982",
        "Paule RC and Mandel J",
        "Consensus values and weighting factors",
        "Journal of Research of the National Bureau of Standards",
        "1982 87(5) 377-385",
        "10.6028/jres.087.022",
    ),
    _article(
        "peters2006",
        "Peters JL and Sutton AJ and Jones DR and Abrams KR and Rushton L",
        "Comparison of two methods to detect publication bias in meta-analysis",
        "JAMA",
        "2006 295(6) 676-680",
        "10.1001/jama.295.6.676",
    ),
    _article(
        "prisma2020",
        "Page MJ and McKenzie JE and Bossuyt PM and others",
        "The PRISMA 2020 statement: an updated guideline for reporting systematic "
        "reviews",
        "BMJ",
        "2021 372 n71",
        "10.1136/bmj.n71",
    ),
    _article(
        "rob2019",
        "Sterne JAC and Savović J and Page MJ and others",
        "RoB 2: a revised tool for assessing risk of bias in randomised trials",
        "BMJ",
        "2019 366 l4898",
        "10.1136/bmj.l4898",
    ),
    _article(
        "rosenthal1979",
        "Rosenthal R",
        "The file drawer problem and tolerance for null results",
        "Psychological Bulletin",
        "1979 86(3) 638-641",
        "10.1037/0033-2909.86.3.638",
    ),
    _article(
        "rover2020",
        "Röver C",
        "Bayesian random-effects meta-analysis using the bayesmeta R package",
        "Journal of Statistical Software",
        "2020 93(6) 1-51",
        "10.18637/jss.v093.i06",
    ),
    _article(
        "satterthwaite1946",
        "Satterthwaite FE",
        "An approximate distribution of estimates of variance components",
        "Biometrics Bulletin",
        "1946 2(6) 110-114",
        "10.2307/3002019",
    ),
    _article(
        "schuirmann1987",
        "Schuirmann DJ",
        "A comparison of the two one-sided tests procedure and the power approach for "
        "assessing the equivalence of average bioavailability",
        "Journal of Pharmacokinetics and Biopharmaceutics",
        "1987 15(6) 657-680",
        "10.1007/BF01068419",
    ),
    _book(
        "senn2002",
        "Senn S",
        "2002",
        "Cross-over trials in clinical research, 2nd edition",
        "Wiley",
    ),
    _article(
        "sidik2005",
        "Sidik K and Jonkman JN",
        "Simple heterogeneity variance estimation for meta-analysis",
        "Journal of the Royal Statistical Society, Series C",
        "2005 54(2) 367-384",
        "10.1111/j.1467-9876.2005.00489.x",
    ),
    _article(
        "thompson2002",
        "Thompson SG and Higgins JPT",
        "How should meta-regression analyses be undertaken and interpreted?",
        "Statistics in Medicine",
        "2002 21(11) 1559-1573",
        "10.1002/sim.1187",
    ),
    _article(
        "vickers2001",
        "Vickers AJ and Altman DG",
        "Statistics notes: analysing controlled trials with baseline and follow up "
        "measurements",
        "BMJ",
        "2001 323(7321) 1123-1124",
        "10.1136/bmj.323.7321.1123",
    ),
    _article(
        "viechtbauer2005",
        "Viechtbauer W",
        "Bias and efficiency of meta-analytic variance estimators in the "
        "random-effects model",
        "Journal of Educational and Behavioral Statistics",
        "2005 30(3) 261-293",
        "10.3102/10769986030003261",
    ),
    _article(
        "viechtbauer2007",
        "Viechtbauer W",
        "Confidence intervals for the amount of heterogeneity in meta-analysis",
        "Statistics in Medicine",
        "2007 26(1) 37-52",
        "10.1002/sim.2514",
    ),
    _article(
        "viechtbauer2010",
        "Viechtbauer W and Cheung MW-L",
        "Outlier and influence diagnostics for meta-analysis",
        "Research Synthesis Methods",
        "2010 1(2) 112-125",
        "10.1002/jrsm.11",
    ),
    _article(
        "yusuf1985",
        "Yusuf S and Peto R and Lewis J and Collins R and Sleight P",
        "Beta blockade during and after myocardial infarction: an overview of the "
        "randomized trials",
        "Progress in Cardiovascular Diseases",
        "1985 27(5) 335-371",
        "10.1016/S0033-0620(85)80003-7",
    ),
)

#: Every work, by key.
REFERENCES: dict[str, Reference] = {work.key: work for work in _LISTED}
