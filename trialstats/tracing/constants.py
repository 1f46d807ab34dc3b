"""Numbers that texts of the library hold and no row does: each with what it is."""

#: Text -> what its number is.
CONSTANTS = {
    "ICH E9(R1)": "a guideline",
    "CONSORT 2010": "a guideline",
    "CONSORT 2025": "a guideline",
    "PRISMA 2020": "a guideline",
    "RoB 2": "a tool",
    "the header is row 1": "how spreadsheets number rows",
    "per 1000": "the unit of absolute risks",
    "fewer than 10 trials": "from how many trials on tests of asymmetry are worth it",
    "1/n": "a predictor of a regression",
    "below 1 favours": "no effect, of a ratio",
    "above 1 favours": "no effect, of a ratio",
    "above 0, more participants": "no effect, of a difference",
    "variance 1 and uncorrelated": "what normalised residuals have",
    "p > 0.10": "a level of the contours of a funnel plot",
    "0.05 < p ≤ 0.10": "a level of the contours of a funnel plot",
    "0.01 < p ≤ 0.05": "a level of the contours of a funnel plot",
    "p ≤ 0.01": "a level of the contours of a funnel plot",
    "±1.96": "a limit of standardised residuals",
    "±3/√(k − 1)": "a limit of DFFITS",
    "3/k": "a limit of hat values",
    "Cook's distance of 0.455": "the median of a chi-squared distribution",
}
