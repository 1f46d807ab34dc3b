# What stands beside the main models of the dossier, by metafor: the grid of estimators
# and intervals, leave-one-out, influence, small-study effects, and risks.
#
# Rscript tests/reference/dossier/make_beside.R <effects.csv> > tests/reference/dossier/beside.json
suppressPackageStartupMessages(library(metafor))
library(jsonlite)
pdf(NULL)
tight <- list(threshold = 1e-14, maxiter = 100000, tau2.max = 1e6, tol = 1e-14)
all <- read.csv(commandArgs(trailingOnly = TRUE)[1])
rows <- list()
put <- function(synthesis, statistic, columns, trial = NA, model = NA) {
  columns <- columns[!vapply(columns, function(x) length(x) == 0 || is.na(x), TRUE)]
  if (!length(columns)) columns <- list(not_estimable = 1)
  rows[[length(rows) + 1]] <<- c(list(synthesis = synthesis, statistic = statistic,
    trial = trial, model_id = model), columns)
}
tested <- function(f) list(estimate = c(f$beta), standard_error = f$se,
  df = if (is.na(f$ddf[1])) NA else f$ddf[1], test_statistic = f$zval, p_value = f$pval,
  ci_lower = f$ci.lb, ci_upper = f$ci.ub)
fit_of <- function(yi, vi, method, test) {
  f <- rma(yi, vi, method = method, test = test, control = tight)
  if (test == "z") f$ddf <- NA
  f
}
names_of <- c(z = "wald", knha = "knapp_hartung", adhoc = "knapp_hartung_adhoc")

for (name in unique(all$synthesis)) {
  d <- all[all$synthesis == name, ]
  k <- nrow(d)
  if (k < 2) next
  main <- fit_of(d$yi, d$vi, d$method[1], d$test[1])
  for (method in c("EE", "DL", "PM", "REML", "ML", "HE", "SJ"))
    for (test in if (method == "EE") "z" else names(names_of)) {
      model <- paste0(method, ".", names_of[test])
      f <- fit_of(d$yi, d$vi, method, test)
      put(name, "grid_effect", tested(f), model = model)
      put(name, "grid_i_squared", list(estimate = f$I2 / 100), model = model)
      if (method == "EE") {
        put(name, "grid_tau_squared", list(estimate = 0), model = model)
      } else {
        ci <- confint(f, type = "QP", control = list(tau2.max = 1e6, tol = 1e-14))$random["tau^2", ]
        put(name, "grid_tau_squared", list(estimate = f$tau2, ci_lower = ci[["ci.lb"]],
          ci_upper = ci[["ci.ub"]]), model = model)
      }
    }
  for (i in seq_len(k)) {
    left <- d[-i, ]
    if (nrow(left) == 1) {
      z <- left$yi / sqrt(left$vi)
      half <- qnorm(0.975) * sqrt(left$vi)
      put(name, "leave_one_out_effect", list(estimate = left$yi,
        standard_error = sqrt(left$vi), test_statistic = z, p_value = 2 * pnorm(-abs(z)),
        ci_lower = left$yi - half, ci_upper = left$yi + half), d$trial[i])
      for (s in c("tau_squared", "i_squared"))
        put(name, paste0("leave_one_out_", s), list(), d$trial[i])
    } else {
      f <- fit_of(left$yi, left$vi, d$method[1], d$test[1])
      put(name, "leave_one_out_effect", tested(f), d$trial[i])
      put(name, "leave_one_out_tau_squared", list(estimate = f$tau2), d$trial[i])
      put(name, "leave_one_out_i_squared", list(estimate = f$I2 / 100), d$trial[i])
    }
  }
  excess <- tes(d$yi, d$vi, theta = c(main$beta), tau2 = main$tau2, test = "exact")
  put(name, "excess_significance", list(estimate = excess$OEratio, p_value = excess$pval))
  put(name, "fail_safe_n", list(estimate = fsn(d$yi, d$vi)$fsnum))
  if (k < 3) next
  inf <- influence(main)
  places <- baujat(main)
  columns <- c(rstudent = "studentized_residual", dffits = "dffits",
    cook.d = "cook_distance", cov.r = "covariance_ratio", tau2.del = "tau_squared_deleted",
    QE.del = "q_deleted", hat = "hat")
  for (i in seq_len(k)) {
    trial <- d$trial[i]
    for (n in names(columns))
      put(name, columns[[n]], list(estimate = inf$inf[[n]][i]), trial)
    put(name, "influence_weight", list(estimate = inf$inf$weight[i] / 100), trial)
    put(name, "dfbetas", list(estimate = inf$dfbs[[1]][i]), trial)
    put(name, "influential", list(estimate = as.numeric(inf$is.infl[i])), trial)
    put(name, "baujat_heterogeneity", list(estimate = places$x[i]), trial)
    put(name, "baujat_influence", list(estimate = places$y[i]), trial)
  }
  egger <- summary(lm(yi ~ sqrt(vi), data = d, weights = 1 / vi))$coefficients[2, ]
  put(name, "egger_test", list(estimate = egger[[1]], standard_error = egger[[2]],
    df = k - 2, test_statistic = egger[[3]], p_value = egger[[4]]))
  begg <- ranktest(d$yi, d$vi)
  put(name, "begg_test", list(estimate = c(begg$tau), p_value = begg$pval))
  filled <- trimfill(main)
  put(name, "trim_and_fill_missing", list(estimate = filled$k0, standard_error = filled$se.k0))
  again <- fit_of(c(filled$yi), filled$vi, d$method[1], d$test[1])
  put(name, "trim_and_fill_effect", tested(again))
}
for (name in unique(all$synthesis)) {
  d <- all[all$synthesis == name, ]
  if (d$measure[1] != "RR" || anyNA(d$events_control)) next
  risk <- median(d$events_control / d$n_control)
  if (risk <= 0) {
    put(name, "risk_with_treatment", list())
    next
  }
  put(name, "risk_with_control", list(estimate = risk))
  if (nrow(d) == 1) {
    ends <- d$yi + c(0, -1, 1) * qnorm(0.975) * sqrt(d$vi)
  } else {
    main <- fit_of(d$yi, d$vi, d$method[1], d$test[1])
    ends <- c(main$beta, main$ci.lb, main$ci.ub)
  }
  treated <- pmin(1, risk * exp(ends))
  put(name, "risk_with_treatment", list(estimate = treated[1], ci_lower = treated[2],
    ci_upper = treated[3]))
  put(name, "risk_change", list(estimate = treated[1] - risk, ci_lower = treated[2] - risk,
    ci_upper = treated[3] - risk))
}
writeLines(toJSON(list(source = list(R = as.character(getRversion()),
  metafor = as.character(packageVersion("metafor"))), rows = rows),
  digits = I(12), auto_unbox = TRUE, na = "null", pretty = FALSE))
