# Influence, subsets, permutations, profiles and subgroups of made-up trials, and
# bootstrap intervals of made-up replicates, by metafor and boot.
# Usage, from the repository: Rscript tests/reference/metafor/make_resampling.R
# It writes tests/reference/metafor/resampling.json.

suppressPackageStartupMessages({ library(metafor); library(boot); library(jsonlite) })
control <- list(threshold = 1e-13, maxiter = 100000, tol = 1e-14)

# Nine trials of a made-up treatment: effect, variance, dose, site, weight.
trials <- data.frame(
  yi = c(-0.62, -0.11, 0.35, -0.48, 0.08, -0.93, 0.21, -0.27, -0.71),
  vi = c(0.042, 0.018, 0.095, 0.061, 0.027, 0.110, 0.054, 0.033, 0.150),
  dose = c(10, 2.5, 1, 7.5, 3, 12, 2, 5, 20),
  site = c("a", "b", "b", "a", "c", "a", "b", "c", "a"),
  weight = c(3, 8, 1, 2, 5, 1.5, 2.5, 4, 0.5))
fit <- function(data, mods = ~ 1, ...)
  do.call(rma, list(yi = data$yi, vi = data$vi, mods = mods, data = data,
                    control = control, ...))

as_columns <- function(x) lapply(as.list(as.data.frame(x)), as.vector)
influence_of <- function(x) {
  found <- influence(x)
  columns <- c("rstudent", "dffits", "cook.d", "cov.r", "tau2.del", "QE.del", "hat",
               "weight")
  deleted <- rstudent(x)
  standard <- rstandard(x)
  pdf(NULL); on.exit(dev.off())
  plotted <- baujat(x)
  list(inf = lapply(unclass(found$inf)[columns], as.vector), is_infl = as.vector(found$is.infl),
       dfbs = lapply(unclass(found$dfbs)[rownames(x$beta)], as.vector),
       rstudent = list(resid = deleted$resid, se = deleted$se, z = deleted$z),
       rstandard = list(resid = standard$resid, se = standard$se, z = standard$z),
       baujat = list(x = plotted$x, y = plotted$y))
}
conditional_of <- function(x) {
  found <- rstandard(x, type = "conditional")
  list(resid = found$resid, se = found$se, z = found$z)
}

models <- list(
  list(moderators = "dose", method = "REML", test = "z"),
  list(moderators = "dose", method = "REML", test = "knha"),
  list(moderators = "dose", method = "DL", test = "t"),
  list(moderators = "site", method = "REML", test = "knha"),
  list(moderators = "dose + site", method = "ML", test = "z"),
  list(moderators = NULL, method = "PM", test = "adhoc"),
  list(moderators = NULL, method = "SJ", test = "t"))
fit_of <- function(model, data, ...) {
  mods <- if (is.null(model$moderators)) ~ 1 else
    as.formula(paste("~", model$moderators))
  fit(data, mods = mods, method = model$method, test = model$test, ...)
}
influences <- lapply(models, function(model) {
  x <- fit_of(model, trials)
  c(model, list(results = influence_of(x), conditional = conditional_of(x)))
})
weighted <- lapply(c("z", "t"), function(test) {
  x <- rma(yi, vi, weights = weight, data = trials, method = "REML", test = test,
           control = control)
  y <- rma(yi, vi, mods = ~ dose, weights = weight, data = trials, method = "DL",
           test = test, control = control)
  list(test = test, mean = influence_of(x), dose = influence_of(y))
})

# A trial whose removal leaves the coefficient of site c out, and one with a leverage
# of one.
lonely <- trials; lonely$site[5] <- "a"
alone <- influence_of(fit(lonely, mods = ~ site, method = "REML", test = "z"))

subsets <- lapply(models[c(1, 7)], function(model) {
  few <- trials[1:6, ]
  found <- gosh(fit_of(model, few), progbar = FALSE)
  order <- order(found$res$k, apply(found$incl, 1, function(r) sum(r * 2^(5:0))))
  c(model, list(res = as_columns(found$res[order, ]),
                incl = unname(found$incl[order, ] + 0)))
})

permutations <- list()
permute <- function(id, x, ...) {
  found <- permutest(x, exact = TRUE, progbar = FALSE, ...)
  permutations[[length(permutations) + 1]] <<-
    list(id = id, pval = found$pval, QMp = found$QMp, QM = as.vector(found$QM),
         zval = as.vector(found$zval), iter = found$exact.iter)
}
seven <- trials[1:7, ]
for (test in c("z", "knha")) {
  for (alternative in c("two.sided", "less", "greater"))
    permute(paste("mean", test, alternative), fit(trials, method = "REML", test = test),
            control = list(alternative = alternative))
  permute(paste("site", test, "two.sided"),
          fit(trials, mods = ~ site, method = "DL", test = test))
  permute(paste("site", test, "less"),
          fit(trials, mods = ~ site, method = "DL", test = test),
          control = list(alternative = "less"))
  permute(paste("dose", test, "two.sided"),
          fit(seven, mods = ~ dose, method = "REML", test = test))
}

# Limits where permutation tests pass the level, found by halving to 1e-7.
eight <- cbind(trials[1:8, ], late = c(1, 0, 0, 1, 0, 1, 0, 0))
limits <- lapply(list(list("mean", "z", 90), list("mean", "knha", 90),
                      list("late", "z", 80)), function(what) {
  mods <- if (what[[1]] == "mean") ~ 1 else ~ late
  x <- fit(eight, mods = mods, method = "DL", test = what[[2]], level = what[[3]])
  found <- permutest(x, exact = TRUE, permci = TRUE, progbar = FALSE,
                     control = list(tol = 1e-7))
  list(model = what[[1]], test = what[[2]], level = what[[3]] / 100,
       ci_lower = as.vector(found$ci.lb), ci_upper = as.vector(found$ci.ub))
})

at <- c(0, 0.01, 0.05, 0.1, 0.4, 2)
profiled <- lapply(list(models[[1]], models[[5]],
                        list(moderators = NULL, method = "REML", test = "z")),
  function(model) {
    found <- lapply(at, function(tau2) fit_of(model, trials, tau2 = tau2))
    c(model, list(tau2 = at, ll = sapply(found, function(x) c(logLik(x))),
                  beta = lapply(found, function(x) as.vector(x$beta)),
                  maximum = c(logLik(fit_of(model, trials))),
                  estimate = fit_of(model, trials)$tau2))
  })

subgrouped <- lapply(c("DL", "REML"), function(method) {
  within <- lapply(c(a = "a", b = "b", c = "c"), function(site) {
    x <- fit(trials[trials$site == site, ], method = method, test = "knha")
    list(k = x$k, estimate = as.vector(x$beta), se = x$se, tau2 = x$tau2, Q = x$QE,
         ci_lower = x$ci.lb, ci_upper = x$ci.ub, I2 = x$I2)
  })
  f <- fit(trials, mods = ~ site, method = method, test = "knha")
  estimates <- sapply(within, `[[`, "estimate")
  errors <- sapply(within, `[[`, "se")
  between <- rma(estimates, errors^2, method = "FE")
  equal <- fit(trials, mods = ~ site, method = "FE")
  common <- lapply(c("a", "b", "c"), function(site)
    fit(trials[trials$site == site, ], method = method, tau2 = f$tau2, test = "knha"))
  list(method = method, within = within, between = between$QE, between_p = between$QEp,
       common_between = as.vector(equal$QM), common_between_p = equal$QMp,
       within_q = equal$QE, within_df = equal$k - equal$p, within_p = equal$QEp,
       f = as.vector(f$QM), f_p = f$QMp, f_df = as.vector(f$QMdf), residual = f$tau2,
       R2 = f$R2,
       shared = list(estimate = sapply(common, function(x) as.vector(x$beta)),
                     se = sapply(common, function(x) x$se)))
})

# Bootstrap: 199 made-up replicates of an estimate of 1.3, and jackknife influences.
set.seed(20)
replicates <- round(1.25 + 0.4 * (rexp(199) - 0.8) + 0.2 * rnorm(199), 6)
values <- c(0.9, -0.3, 0.2, -0.8, 0.5, -0.1, 1.9, -1.2, -1.1)
object <- structure(list(t0 = 1.3, t = matrix(replicates), R = 199, data = 1:9,
                         sim = "ordinary", stype = "i", weights = rep(1 / 9, 9),
                         strata = rep(1, 9), call = quote(boot(1:9, mean, 199))),
                    class = "boot")
intervals <- boot.ci(object, conf = c(0.8, 0.9), type = c("perc", "bca"), t0 = 1.3,
                     t = replicates, L = values)

source <- list(R = R.version.string, metafor = as.character(packageVersion("metafor")),
               boot = as.character(packageVersion("boot")), data = "made up here")
write_json(list(
  source = source, trials = as.list(trials), influence = influences,
  weighted = weighted, alone = alone, gosh = subsets, permutation = permutations,
  permutation_limits = limits,
  profile = profiled, subgroups = subgrouped,
  bootstrap = list(estimate = 1.3, replicates = replicates, jackknife = values,
                   level = c(0.8, 0.9), percentile = unname(intervals$percent[, 4:5]),
                   bca = unname(intervals$bca[, 4:5]))),
  "tests/reference/metafor/resampling.json", digits = NA, auto_unbox = TRUE,
  null = "null", na = "null", pretty = FALSE)
