# Trials with several treatments against one control, pooled with their covariance.
# Rscript make_several_arms.R > several_arms.json; needs metafor, minqa, jsonlite.
suppressPackageStartupMessages({library(metafor); library(jsonlite)})
tight <- list(optimizer = "bobyqa", rhoend = 1e-12, maxfun = 1e5)

# Made up: trial, treatment, difference, its error; covariance of the two of a trial.
two <- data.frame(trial = c("doses", "doses", "single"),
                  contrast = c("LDN 3 mg", "LDN 6 mg", ""),
                  yi = c(-.45, -.98, -.2), sei = c(.31, .29, .22))
five <- data.frame(trial = c("doses", "doses", "single", "three", "three", "three", "other"),
                   contrast = c("LDN 3 mg", "LDN 6 mg", "", "LDN 2 mg", "LDN 4 mg", "LDN 6 mg", ""),
                   yi = c(-.45, -.98, -.2, .15, -.3, -1.2, .35),
                   sei = c(.31, .29, .22, .25, .26, .24, .18))
shared <- c(doses = .041, three = .03)

covariance <- function(data) {
  V <- diag(data$sei^2)
  for (t in names(shared)) {
    own <- which(data$trial == t)
    for (i in own) for (j in own) if (i != j) V[i, j] <- shared[[t]]
  }
  V
}

told <- function(fit, q) {
  list(estimate = fit$beta[[1]], standard_error = fit$se, df = fit$ddf,
       ci_lower = fit$ci.lb, ci_upper = fit$ci.ub, statistic = fit$zval, p_value = fit$pval,
       sigma2 = fit$sigma2, q = fit$QE, q_p_value = fit$QEp, log_likelihood = as.numeric(logLik(fit)),
       weights = colSums(weights(fit, type = "matrix")) / sum(weights(fit, type = "matrix")))
}

pooled <- function(data, ...) {
  told(rma.mv(yi, covariance(data), data = data, ...))
}

nested <- ~ 1 | trial/contrast
alone <- two[two$trial == "doses", ]
cases <- list(
  two_trials = pooled(two, random = nested, test = "t", dfs = "contain", control = tight),
  two_trials_wald = pooled(two, random = nested, control = tight),
  four_trials = pooled(five, random = nested, test = "t", dfs = "contain", control = tight),
  four_trials_ml = pooled(five, random = nested, method = "ML", test = "t", dfs = "contain", control = tight),
  four_trials_equal = pooled(five),
  one_trial = pooled(alone)
)
out <- list(
  source = paste("metafor", packageVersion("metafor"), R.version.string),
  data = list(two = two, four = five), shared = as.list(shared), cases = cases
)
cat(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "\n")
