# Draw the meta-analyses of docs/comparison_with_metafor.md with R's metafor.
# Run by `python scripts/draw_comparison.py --metafor` in the folder of the project.

suppressPackageStartupMessages(library(metafor))

folder <- "docs/images/comparison"
examples <- "config/examples/meta_analysis/data"

page <- function(name, height, width = 1080) {
  png(file.path(folder, paste0(name, ".metafor.png")),
    width = width, height = height, res = 100, type = "cairo"
  )
}

shown <- function(x, digits) formatC(x, digits = digits, format = "f")

p_words <- function(p) if (p < 0.001) "p < 0.001" else paste("p =", shown(p, 3))

# What metafor's own polygon does not say: heterogeneity and test of the effect.
about <- function(fit) {
  range <- confint(fit)$random["tau^2", ]
  c(
    paste0(
      "Heterogeneity: tau^2 = ", shown(fit$tau2, 2),
      " (95% CI ", shown(range["ci.lb"], 2), " to ", shown(range["ci.ub"], 2),
      "); I^2 = ", shown(fit$I2, 0), "%; Q = ", shown(fit$QE, 2),
      ", df = ", fit$k - 1, ", ", p_words(fit$QEp)
    ),
    paste0(
      "Test of overall effect: t = ", shown(fit$zval, 2),
      ", df = ", fit$ddf, ", ", p_words(fit$pval)
    )
  )
}

under <- function(lines) {
  for (i in seq_along(lines)) {
    mtext(lines[i], side = 1, line = 2.6 + i, adj = 0, cex = 0.75, outer = FALSE)
  }
}

label <- "Random effects, REML, Hartung-Knapp"

# Continuous: standardized differences of five trials, with their people.
pain <- read.csv(file.path(folder, "pain_across_conditions.csv"))
fit <- rma(yi = effect, sei = standard_error, data = pain, slab = trial,
  method = "REML", test = "knha"
)
page("continuous", 420)
par(mar = c(6.2, 0.5, 0.5, 0.5))
forest(fit,
  xlim = c(-4.2, 2.8), ylim = c(-1.8, 8), alim = c(-1.2, 1), at = seq(-1, 1, 0.5),
  ilab = pain$n, ilab.xpos = -1.6, showweights = TRUE, addpred = TRUE,
  header = c("Trial", "Weight   SMD [95% CI]"), mlab = label,
  xlab = "Standardized mean difference", cex = 0.9
)
text(-1.6, 7, "n", font = 2, cex = 0.9)
under(about(fit))
invisible(dev.off())

# Binary: counts of both arms on a log axis.
magnesium <- read.csv(file.path(examples, "magnesium.csv"))
fit <- rma(
  measure = "OR", ai = deaths_magnesium, n1i = patients_magnesium,
  ci = deaths_control, n2i = patients_control, data = magnesium, slab = study,
  method = "REML", test = "knha", to = "only0", add = 0.5
)
page("binary", 720)
par(mar = c(6.2, 0.5, 0.5, 0.5))
forest(fit,
  atransf = exp, at = log(c(0.01, 0.1, 1, 10)), xlim = c(-16, 9), ylim = c(-1.8, 19.5),
  ilab = with(magnesium, cbind(
    deaths_magnesium, patients_magnesium, deaths_control, patients_control
  )),
  ilab.xpos = c(-10.4, -9, -7.4, -6), showweights = TRUE, addpred = TRUE,
  header = c("Trial", "Weight   OR [95% CI]"), mlab = label,
  xlab = "Odds ratio (log scale)", cex = 0.9
)
text(c(-10.4, -9, -7.4, -6), 18.5, c("Died", "n", "Died", "n"), font = 2, cex = 0.9)
text(c(-9.7, -6.7), 19.5, c("Magnesium", "Placebo"), font = 2, cex = 0.9)
under(about(fit))
invisible(dev.off())

# Subgroups: a model for each group, put between the rows by hand.
bcg <- read.csv(file.path(examples, "bcg_vaccine.csv"))
bcg$allocation <- factor(bcg$allocation, levels = unique(bcg$allocation))
bcg <- bcg[order(bcg$allocation), ]
pooled <- function(part) {
  rma(
    measure = "RR", ai = cases_vaccinated, bi = no_cases_vaccinated,
    ci = cases_control, di = no_cases_control, data = part, slab = study,
    method = "REML", test = "knha"
  )
}
fit <- pooled(bcg)
groups <- levels(bcg$allocation)
rows <- c()
heads <- c()
sums <- c()
at <- 23
for (group in groups) {
  k <- sum(bcg$allocation == group)
  heads <- c(heads, at)
  rows <- c(rows, at - seq_len(k))
  sums <- c(sums, at - k - 1)
  at <- at - k - 4
}
page("subgroups", 860)
par(mar = c(6.6, 0.5, 0.5, 0.5))
forest(fit,
  atransf = exp, at = log(c(0.1, 0.2, 0.5, 1, 2, 5)), xlim = c(-12, 6.5),
  ylim = c(-1.8, 27), rows = rows,
  ilab = with(bcg, cbind(
    cases_vaccinated, cases_vaccinated + no_cases_vaccinated,
    cases_control, cases_control + no_cases_control
  )),
  ilab.xpos = c(-7.6, -6.5, -5.2, -4.1), showweights = TRUE, addpred = TRUE,
  header = c("Trial", "Weight   RR [95% CI]"), mlab = label,
  xlab = "Risk ratio (log scale)", cex = 0.85
)
text(c(-7.6, -6.5, -5.2, -4.1), 26, c("Cases", "n", "Cases", "n"), font = 2, cex = 0.85)
text(c(-7.05, -4.65), 27, c("BCG vaccine", "No vaccination"), font = 2, cex = 0.85)
apart <- list()
for (i in seq_along(groups)) {
  own <- pooled(bcg[bcg$allocation == groups[i], ])
  apart[[i]] <- own
  text(-12, heads[i], paste("Allocation:", groups[i]), pos = 4, font = 4, cex = 0.85)
  addpoly(own, row = sums[i], atransf = exp, cex = 0.85, mlab = paste0(
    "Subtotal (I^2 = ", shown(own$I2, 0), "%, tau^2 = ", shown(own$tau2, 2), ")"
  ))
}
estimates <- sapply(apart, function(x) x$b[1])
weights <- sapply(apart, function(x) 1 / x$se^2)
between <- sum(weights * (estimates - sum(weights * estimates) / sum(weights))^2)
p <- pchisq(between, length(groups) - 1, lower.tail = FALSE)
under(c(about(fit), paste0(
  "Test of subgroup differences: Q = ", shown(between, 2), ", df = ",
  length(groups) - 1, ", ", p_words(p)
)))
invisible(dev.off())

# Funnel plot with contours of significance around no effect.
smoking <- read.csv(file.path(examples, "passive_smoking.csv"))
fit <- rma(
  yi = log(odds_ratio), sei = (log(upper) - log(lower)) / (2 * qnorm(0.975)),
  data = smoking, method = "DL"
)
page("funnel", 640, width = 900)
funnel(fit,
  refline = 0, level = c(90, 95, 99), shade = c("white", "gray75", "gray60"),
  atransf = exp, at = log(c(0.25, 0.5, 1, 2, 4)), legend = TRUE, back = "gray95",
  xlab = "Odds ratio (log scale)"
)
invisible(dev.off())

cat(as.character(packageVersion("metafor")), "\n")
