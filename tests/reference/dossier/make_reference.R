# Computes the dossier's results in R, from the cleaned datasets of the trials and from
# data/published, and writes them under the row_id of the row that they are compared
# with. Usage, from the repository:
#   .venv/bin/python tests/reference/dossier/write_inputs.py build/inputs
#   Rscript tests/reference/dossier/make_reference.R build/inputs

suppressPackageStartupMessages({
  library(metafor); library(lme4); library(emmeans); library(jsonlite); library(mmrm)
})
folder <- commandArgs(trailingOnly = TRUE)[1]
options(digits = 17, stringsAsFactors = FALSE)

rows <- list()
slug <- function(x) gsub("^-|-$", "", gsub("[^a-z0-9]+", "-", tolower(x)))
put <- function(parts, ...) {
  key <- paste(slug(parts[nzchar(parts)]), collapse = ".")
  stopifnot(is.null(rows[[key]]))
  rows[[key]] <<- list(...)
}
t_row <- function(estimate, error, df, test = TRUE) {
  half <- qt(0.975, df) * error
  row <- list(estimate = estimate, standard_error = error, df = df,
              ci_lower = estimate - half, ci_upper = estimate + half)
  if (test) row <- c(row, test_statistic = estimate / error,
                     p_value = 2 * pt(-abs(estimate / error), df))
  row
}
z_row <- function(estimate, error) {
  half <- qnorm(0.975) * error
  list(estimate = estimate, standard_error = error,
       ci_lower = estimate - half, ci_upper = estimate + half)
}
put_row <- function(parts, row) do.call(put, c(list(parts), row))

# ---- trials -----------------------------------------------------------------------
read_trial <- function(trial) {
  datasets <- lapply(c(adsl = "adsl", bds = "bds", adae = "adae"), function(d)
    read.csv(file.path(folder, paste0(trial, "_", d, ".csv")), na.strings = ""))
  c(list(name = trial), datasets)
}
analysed <- function(trial, parameter, visit = NULL) {
  members <- trial$adsl$USUBJID[trial$adsl$RANDFL %in% "Y"]
  b <- subset(trial$bds, PARAMCD == parameter & ANL01FL %in% "Y" & USUBJID %in% members)
  if (is.null(visit)) subset(b, AVISITN > 0) else subset(b, AVISIT == visit)
}
observed <- function(b) b[!is.na(b$AVAL) & (is.na(b$DTYPE) | b$DTYPE == "AVERAGE"), ]

ancova <- function(trial, name, parameter, visit, active) {
  b <- analysed(trial, parameter, visit)
  used <- b[!is.na(b$CHG) & !is.na(b$BASE), ]
  used$arm <- factor(used$TRT01P, c("Placebo", active))
  fit <- lm(CHG ~ arm + BASE, used)
  means <- emmeans(fit, "arm")
  table <- as.data.frame(means)
  key <- c(trial$name, name, visit)
  moments <- list()
  for (arm in c("Placebo", active)) {
    y <- used$CHG[used$arm == arm]
    moments[[arm]] <- c(mean(y), sd(y), length(y))
    m <- table[table$arm == arm, ]
    put_row(c(key, arm, "ls_mean"), t_row(m$emmean, m$SE, m$df, test = FALSE))
    put(c(key, arm, "mean"), estimate = mean(y), n_subjects = length(y))
    put(c(key, arm, "standard_deviation"), estimate = sd(y))
    put(c(key, arm, "n_analysed"), estimate = length(y))
    put(c(key, arm, "n_with_data"),
        estimate = length(unique(observed(b)$USUBJID[observed(b)$TRT01P == arm])))
  }
  d <- as.data.frame(contrast(means, "revpairwise"))
  contrast_name <- paste(active, "versus Placebo")
  put_row(c(key, contrast_name, "difference"), t_row(d$estimate, d$SE, d$df))
  g <- escalc("SMD", m1i = moments[[active]][1], sd1i = moments[[active]][2],
              n1i = moments[[active]][3], m2i = moments$Placebo[1],
              sd2i = moments$Placebo[2], n2i = moments$Placebo[3])
  put_row(c(key, contrast_name, "standardized_mean_difference"),
          z_row(c(g$yi), sqrt(g$vi)))
  invisible(c(d$estimate, d$SE))
}

# ---- models over visits and crossovers --------------------------------------------
# mmrm's own optimiser stops about 1e-4 away from the maximum: it goes on by Newton
# steps on mmrm's derivatives until the gradient is rounding.
polish <- function(par, fn, gr, ...) {
  theta <- stats::nlminb(par, fn, gr, control = list(rel.tol = 1e-14, iter.max = 2000,
                                                     eval.max = 4000))$par
  for (i in 1:6) {
    g <- as.vector(gr(theta))
    k <- length(theta)
    h <- matrix(0, k, k)
    for (j in 1:k) {
      e <- rep(0, k)
      e[j] <- 1e-5 * max(1, abs(theta[j]))
      h[, j] <- (as.vector(gr(theta + e)) - as.vector(gr(theta - e))) / (2 * e[j])
    }
    theta <- theta - solve((h + t(h)) / 2, g)
  }
  list(par = theta, objective = fn(theta), convergence = 0, message = "polished")
}
# Kenward-Roger without second derivatives is SAS's for unstructured and for compound
# symmetry, whose covariances are linear in SAS's parameters.
fit_visits <- function(formula, used, vcov) mmrm(
  formula, data = used, reml = TRUE,
  control = mmrm_control(method = if (vcov == "Asymptotic") "Satterthwaite" else
    "Kenward-Roger", vcov = vcov, optimizers = list(polish = polish)))

# Means and differences are contrasts `mean_of(visit, arm)` of the coefficients; the
# visit of an average is "Average over visits".
put_visits <- function(key, fixed, structure, used, observed_rows, active, mean_of,
                       visits, after, tests) {
  formula <- as.formula(paste(fixed, "+", structure, "(visit | USUBJID)"))
  fit <- fit_visits(formula, used, "Kenward-Roger-Linear")
  plain <- fit_visits(formula, used, "Asymptotic")
  stopifnot(max(abs(fit$tmb_object$gr(component(fit, "theta_est")))) < 1e-6)
  of <- function(w, test) { f <- df_1d(fit, w); t_row(f$est, f$se, f$df, test) }
  error <- function(w) df_1d(plain, w)$se
  versus <- paste(active, "versus Placebo")
  for (arm in c("Placebo", active))
    put(c(key, arm, "n_analysed"),
        estimate = length(unique(used$USUBJID[used$arm == arm])))
  for (visit in c(visits, "Average over visits")) {
    for (arm in c("Placebo", active)) {
      w <- mean_of(visit, arm)
      put_row(c(key, visit, arm, "ls_mean"), of(w, FALSE))
      put(c(key, visit, arm, "standard_error_of_mean"), estimate = error(w))
      if (visit == "Average over visits") next
      put(c(key, visit, arm, "n_analysed"),
          estimate = sum(used$visit == visit & used$arm == arm))
      put(c(key, visit, arm, "n_with_data"),
          estimate = sum(observed_rows$AVISIT == visit & observed_rows$TRT01P == arm))
    }
    if (!visit %in% c(after, "Average over visits")) next
    w <- mean_of(visit, active) - mean_of(visit, "Placebo")
    found <- of(w, TRUE)
    put_row(c(key, visit, versus, "difference"), found)
    put(c(key, visit, versus, "standard_error_of_difference"), estimate = error(w))
  }
  for (term in names(tests)) {
    f <- df_md(fit, tests[[term]])
    put(c(key, term, "type_3_test"), estimate = f$f_stat, numerator_df = f$num_df,
        df = f$denom_df, test_statistic = f$f_stat, p_value = f$p_val)
  }
  sigma <- component(fit, "varcor")
  words <- c(us = "unstructured", cs = "compound symmetry")[[structure]]
  put(c(key, words, "covariance_structure"), estimate = component(fit, "n_theta"))
  # Structures of the default ladder that are not needed.
  if (structure == "us")
    for (spare in c("heterogeneous Toeplitz", "heterogeneous first-order autoregressive",
                    "heterogeneous compound symmetry", "compound symmetry"))
      put(c(key, spare, "covariance_structure"), not_estimable = 1)
  if (structure == "us") {
    for (i in seq_along(visits)) for (j in 1:i)
      put(c(key, paste0("covariance ", visits[i], ", ", visits[j]),
            "covariance_parameter"), estimate = sigma[i, j])
  } else {
    put(c(key, "variance", "covariance_parameter"), estimate = sigma[1, 1])
    put(c(key, "covariance", "covariance_parameter"), estimate = sigma[1, 2])
  }
  put(c(key, "log_likelihood"), estimate = as.numeric(logLik(fit)))
  put(c(key, "aic"), estimate = AIC(fit))
  put(c(key, "bic"), estimate = BIC(fit))
  put(c(key, "n_subjects"), estimate = component(fit, "n_subjects"))
  put(c(key, "n_observations"), estimate = component(fit, "n_obs"))
  invisible(of)
}

over_visits <- function(trial, name, parameter, active, structure = "us") {
  b <- analysed(trial, parameter)
  used <- b[!is.na(b$CHG) & !is.na(b$BASE), ]
  visits <- unique(used$AVISIT[order(used$AVISITN)])
  used$visit <- factor(used$AVISIT, visits)
  used$arm <- factor(used$TRT01P, c("Placebo", active))
  used$USUBJID <- factor(used$USUBJID)
  # In sum-to-zero contrasts a type III hypothesis is that coefficients are zero; the
  # fit is in treatment contrasts, on which its restricted likelihood depends.
  right <- ~ arm * visit + BASE * visit
  zero <- list(arm = "contr.sum", visit = "contr.sum")
  summed <- model.matrix(right, used, contrasts.arg = zero)
  to_summed <- qr.solve(summed, model.matrix(right, used))
  columns <- attr(summed, "assign")
  labels <- attr(terms(right), "term.labels")
  named <- c(arm = "TRT01P", visit = "AVISIT", BASE = "BASE",
             "arm:visit" = "TRT01P:AVISIT", "visit:BASE" = "BASE:AVISIT")
  tests <- list()
  for (i in seq_along(labels))
    tests[[named[[labels[i]]]]] <- to_summed[columns == i, , drop = FALSE]
  mean_of <- function(visit, arm) {
    at <- if (visit == "Average over visits") visits else visit
    grid <- data.frame(arm = factor(arm, levels(used$arm)),
                       visit = factor(at, visits), BASE = mean(used$BASE))
    colMeans(model.matrix(right, grid))
  }
  key <- c(trial$name, name)
  put_visits(key, "CHG ~ arm * visit + BASE * visit", structure, used, observed(b),
             active, mean_of, visits, visits, tests)
  last <- paste(visits[length(visits)])
  found <- rows[[paste(slug(c(key, last, paste(active, "versus Placebo"), "difference")),
                       collapse = ".")]]
  invisible(c(found$estimate, found$standard_error))
}

# The baseline as a response: arms share its mean, so treatment has a column a visit
# after it.
constrained <- function(trial, name, parameter, active) {
  members <- trial$adsl$USUBJID[trial$adsl$RANDFL %in% "Y"]
  b <- subset(trial$bds, PARAMCD == parameter & ANL01FL %in% "Y" & USUBJID %in% members &
                (AVISITN > 0 | ABLFL %in% "Y"))
  used <- b[!is.na(b$AVAL), ]
  visits <- unique(used$AVISIT[order(used$AVISITN)])
  after <- visits[-1]
  used$visit <- factor(used$AVISIT, visits)
  used$arm <- factor(used$TRT01P, c("Placebo", active))
  used$USUBJID <- factor(used$USUBJID)
  columns <- paste0("treated", seq_along(after))
  for (i in seq_along(after))
    used[[columns[i]]] <- as.numeric(used$arm == active & used$visit == after[i])
  size <- length(visits) + length(after)
  mean_of <- function(visit, arm) {
    at <- if (visit == "Average over visits") after else visit
    rowMeans(sapply(at, function(v) {
      w <- rep(0, size)
      w[1] <- 1
      if (v != visits[1]) w[match(v, visits)] <- 1
      if (v != visits[1] && arm == active) w[length(visits) + match(v, after)] <- 1
      w
    }))
  }
  tests <- list("TRT01P:AVISIT" = diag(size)[length(visits) + seq_along(after), ])
  put_visits(c(trial$name, name), paste("AVAL ~ visit +", paste(columns, collapse = "+")),
             "us", used, observed(b), active, mean_of, visits, after, tests)
}

strict <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e5),
                      calc.derivs = FALSE)
crossover <- function(trial, name, parameter, visit, active) {
  used <- analysed(trial, parameter, visit)
  used <- used[!is.na(used$AVAL), ]
  used$treatment <- factor(used$TRTP, c("Placebo", active))
  used$period <- factor(used$APERIOD)
  used$sequence <- factor(used$TRTSEQP, sort(unique(used$TRTSEQP)))
  fit <- lmerTest::lmer(AVAL ~ treatment + period + sequence + (1 | USUBJID), used,
                        REML = TRUE, control = strict)
  table <- coef(summary(fit, ddf = "Kenward-Roger"))
  means <- as.data.frame(emmeans(fit, "treatment", lmer.df = "kenward-roger"))
  plain <- as.matrix(vcov(fit))
  key <- c(trial$name, name, visit)
  # Equal weight on periods and sequences.
  mean_of <- function(arm) c(1, as.numeric(arm == active), 0.5, 0.5)
  error <- function(w) sqrt(c(w %*% plain %*% w))
  for (arm in c("Placebo", active)) {
    m <- means[means$treatment == arm, ]
    put_row(c(key, arm, "ls_mean"), t_row(m$emmean, m$SE, m$df, FALSE))
    put(c(key, arm, "standard_error_of_mean"), estimate = error(mean_of(arm)))
    put(c(key, arm, "n_analysed"), estimate = sum(used$TRTP == arm))
    put(c(key, arm, "n_with_data"), estimate = sum(observed(used)$TRTP == arm))
  }
  versus <- paste(active, "versus Placebo")
  effect <- function(i) t_row(table[i, "Estimate"], table[i, "Std. Error"], table[i, "df"])
  sequences <- levels(used$sequence)
  put_row(c(key, versus, "difference"), effect(2))
  put(c(key, versus, "standard_error_of_difference"),
      estimate = error(mean_of(active) - mean_of("Placebo")))
  put_row(c(key, "Period 2 versus period 1", "period_effect"), effect(3))
  put_row(c(key, paste(sequences[2], "versus", sequences[1]), "sequence_effect"), effect(4))
  tests <- anova(fit, type = 3, ddf = "Kenward-Roger")
  for (term in rownames(tests))
    put(c(key, term, "type_3_test"), estimate = tests[term, "F value"],
        numerator_df = tests[term, "NumDF"], df = tests[term, "DenDF"],
        test_statistic = tests[term, "F value"], p_value = tests[term, "Pr(>F)"])
  first <- summary(lm(AVAL ~ treatment, used[used$APERIOD == 1, ]))
  put_row(c(key, versus, "first_period_difference"),
          t_row(coef(first)[2, 1], coef(first)[2, 2], first$df[2]))
  v <- as.data.frame(VarCorr(fit))$vcov
  put(c(key, "variance_between_subjects"), estimate = v[1])
  put(c(key, "variance_within_subjects"), estimate = v[2])
  put(c(key, "log_likelihood"), estimate = as.numeric(logLik(fit)))
  put(c(key, "aic"), estimate = AIC(fit))
  put(c(key, "bic"), estimate = BIC(fit))
  put(c(key, "n_subjects"), estimate = length(unique(used$USUBJID)))
  put(c(key, "n_observations"), estimate = nrow(used))
  invisible(c(table[2, "Estimate"], table[2, "Std. Error"]))
}

# Score limits of Miettinen and Nurminen: the constrained likelihood is maximised
# numerically, the statistic solved by uniroot.
loglik <- function(x, n, p) {
  a <- if (x > 0) x * log(p) else 0
  b <- if (x < n) (n - x) * log1p(-p) else 0
  a + b
}
slope <- function(x, n, p) (if (x > 0) x / p else 0) - (if (x < n) (n - x) / (1 - p) else 0)
constrained_risk <- function(f, low, high) {
  e <- (high - low) * 1e-13
  if (f(low + e) <= 0) return(low)
  if (f(high - e) >= 0) return(high)
  uniroot(f, c(low + e, high - e), tol = 1e-16, maxiter = 10000)$root
}
z_difference <- function(d, x1, n1, x0, n0) {
  p0 <- constrained_risk(function(p) slope(x0, n0, p) + slope(x1, n1, p + d),
                    max(0, -d), min(1, 1 - d))
  p1 <- p0 + d
  N <- n1 + n0
  v <- (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * N / (N - 1)
  e <- x1 / n1 - x0 / n0 - d
  if (v <= 0) sign(e) * 1e8 * (e != 0) else e / sqrt(v)
}
z_ratio <- function(log_r, x1, n1, x0, n0) {
  r <- exp(log_r)
  p0 <- constrained_risk(function(p) slope(x0, n0, p) + r * slope(x1, n1, r * p), 0, min(1, 1 / r))
  p1 <- r * p0
  N <- n1 + n0
  v <- (p1 * (1 - p1) / n1 + r^2 * p0 * (1 - p0) / n0) * N / (N - 1)
  (x1 / n1 - r * x0 / n0) / sqrt(v)
}
solve_for <- function(f, target, from, to)
  uniroot(function(v) f(v) - target, sort(c(from, to)), tol = 1e-14, maxiter = 10000)$root
risk_difference <- function(x1, n1, x0, n0) {
  p1 <- x1 / n1
  p0 <- x0 / n0
  q <- qnorm(0.975)
  f <- function(d) z_difference(d, x1, n1, x0, n0)
  z <- f(0)
  list(estimate = p1 - p0,
       standard_error = if (p1 * (1 - p1) + p0 * (1 - p0) > 0)
         sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) else NULL,
       test_statistic = z, p_value = 2 * pnorm(-abs(z)),
       ci_lower = solve_for(f, q, -1 + 1e-9, p1 - p0),
       ci_upper = solve_for(f, -q, p1 - p0, 1 - 1e-9))
}
conditional_limit <- function(x1, n1, x0, n0, lower) {
  total <- x1 + x0
  support <- max(0, total - n0):min(n1, total)
  base <- lchoose(n1, support) + lchoose(n0, total - support)
  tail <- function(log_odds) {
    w <- base + support * log_odds
    w <- exp(w - max(w))
    sum(w[if (lower) support >= x1 else support <= x1]) / sum(w) - 0.025
  }
  uniroot(tail, c(-30, 30), tol = 1e-14, maxiter = 10000)$root
}

put_difference <- function(parts, found) put_row(parts, Filter(Negate(is.null), found))

proportions <- function(trial, name, parameter, visit, active) {
  b <- analysed(trial, parameter, visit)
  key <- c(trial$name, name, visit)
  count <- list()
  for (arm in c("Placebo", active)) {
    y <- b$AVAL[b$TRT01P == arm]
    count[[arm]] <- c(sum(y), length(y))
    exact <- binom.test(sum(y), length(y))$conf.int
    put(c(key, arm, "risk"), estimate = mean(y), ci_lower = exact[1], ci_upper = exact[2])
    put(c(key, arm, "events"), estimate = sum(y))
    put(c(key, arm, "n_analysed"), estimate = length(y))
    put(c(key, arm, "n_with_data"), estimate = sum(observed(b)$TRT01P == arm))
  }
  x1 <- count[[active]][1]; n1 <- count[[active]][2]
  x0 <- count$Placebo[1]; n0 <- count$Placebo[2]
  versus <- paste(active, "versus Placebo")
  rd <- risk_difference(x1, n1, x0, n0)
  put_difference(c(key, versus, "risk_difference"), rd)
  q <- qnorm(0.975)
  f <- function(r) z_ratio(r, x1, n1, x0, n0)
  rr <- escalc("RR", ai = x1, n1i = n1, ci = x0, n2i = n0)
  put(c(key, versus, "risk_ratio"), estimate = c(rr$yi), standard_error = sqrt(rr$vi),
      test_statistic = rd$test_statistic, p_value = rd$p_value,
      ci_lower = solve_for(f, q, -10, c(rr$yi)), ci_upper = solve_for(f, -q, c(rr$yi), 10))
  or <- escalc("OR", ai = x1, n1i = n1, ci = x0, n2i = n0)
  fisher <- fisher.test(rbind(c(x1, n1 - x1), c(x0, n0 - x0)))
  limits <- c(conditional_limit(x1, n1, x0, n0, TRUE), conditional_limit(x1, n1, x0, n0, FALSE))
  # fisher.test solves to 1e-4 only: a check of ours, not the reference.
  stopifnot(max(abs(limits - log(fisher$conf.int))) < 1e-3)
  put(c(key, versus, "odds_ratio"), estimate = c(or$yi), standard_error = sqrt(or$vi),
      p_value = fisher$p.value, ci_lower = limits[1], ci_upper = limits[2])
}

adverse_events <- function(trial, arms, at_risk, parallel) {
  safe <- trial$adsl$USUBJID[trial$adsl$SAFFL %in% "Y"]
  e <- subset(trial$adae, TRTEMFL %in% "Y" & USUBJID %in% safe)
  kinds <- list("Any adverse event" = rep(TRUE, nrow(e)),
                "Any serious adverse event" = e$AESER %in% "Y",
                "Any related adverse event" = e$AEREL %in% "RELATED",
                "Any severe adverse event" = e$AESEV %in% "SEVERE")
  for (term in unique(e$AETERM)) kinds[[term]] <- e$AETERM == term
  key <- c(trial$name, "adverse_events")
  for (kind in names(kinds)) {
    who <- sapply(arms, function(arm)
      length(unique(e$USUBJID[kinds[[kind]] & e$TRTP == arm])))
    for (arm in arms) {
      put(c(key, arm, kind, "subjects_with_event"), estimate = who[[arm]],
          n_subjects = at_risk[[arm]])
      put(c(key, arm, kind, "events"), estimate = sum(kinds[[kind]] & e$TRTP == arm))
    }
    if (parallel && startsWith(kind, "Any "))
      put_difference(c(key, paste(arms[1], "versus Placebo"), kind, "risk_difference"),
          risk_difference(who[[1]], at_risk[[1]], who[[2]], at_risk[[2]]))
  }
}
baseline <- function(trial, column, groups, variables, parameters) {
  subjects <- subset(trial$adsl, !is.na(RANDDT))
  b <- subset(trial$bds, ABLFL %in% "Y")
  for (group in c(groups, "Total")) {
    chosen <- if (group == "Total") TRUE else subjects[[column]] == group
    for (name in c(variables, parameters)) {
      y <- if (name %in% variables) subjects[[name]][chosen] else {
        of <- b[b$PARAMCD == name, ]
        of$AVAL[match(subjects$USUBJID[chosen], of$USUBJID)]
      }
      key <- c(trial$name, "baseline", group, name)
      seen <- y[!is.na(y)]
      put(c(key, "n"), estimate = length(seen))
      put(c(key, "n_missing"), estimate = sum(is.na(y)))
      put(c(key, "mean"), estimate = mean(seen))
      put(c(key, "standard_deviation"), estimate = sd(seen))
      put(c(key, "median"), estimate = median(seen))
    }
  }
}
safety <- function(trial, arms) sapply(arms, function(arm)
  sum(trial$adsl$SAFFL %in% "Y" & trial$adsl$TRT01P == arm))

fm <- read_trial("fm_parallel_synthetic")
cd <- read_trial("crohn_parallel_synthetic")
xo <- read_trial("fm_crossover_synthetic")
fm_pain <- over_visits(fm, "pain_week12", "PAINNRS", "LDN 6 mg")
ancova(fm, "pain_week12_ancova", "PAINNRS", "Week 12", "LDN 6 mg")
over_visits(fm, "pain_week12_compound_symmetry", "PAINNRS", "LDN 6 mg", "cs")
over_visits(fm, "impact_week12", "FIQR", "LDN 6 mg")
proportions(fm, "pain_responders", "PAIN30", "Week 12", "LDN 6 mg")
arms <- c("LDN 6 mg", "Placebo")
adverse_events(fm, arms, safety(fm, arms), TRUE)
over_visits(cd, "cdai_week12", "CDAI", "LDN 4.5 mg")
ancova(cd, "cdai_week12_ancova", "CDAI", "Week 12", "LDN 4.5 mg")
constrained(cd, "cdai_week12_constrained", "CDAI", "LDN 4.5 mg")
proportions(cd, "remission_week12", "REMISS", "Week 12", "LDN 4.5 mg")
proportions(cd, "response_70_week12", "RESP70", "Week 12", "LDN 4.5 mg")
proportions(cd, "response_100_week12", "RESP100", "Week 12", "LDN 4.5 mg")
arms <- c("LDN 4.5 mg", "Placebo")
adverse_events(cd, arms, safety(cd, arms), TRUE)
xo_pain <- crossover(xo, "pain_week6", "PAINWK", "Week 6", "LDN 4.5 mg")
crossover(xo, "impact_week6", "FIQR", "Week 6", "LDN 4.5 mg")
first <- subset(xo$adsl, SAFFL %in% "Y" & !is.na(AP01SDT))$TRTSEQP
second <- subset(xo$adsl, SAFFL %in% "Y" & !is.na(AP02SDT))$TRTSEQP
begun <- c(sum(first == "LDN then placebo") + sum(second == "Placebo then LDN"),
           sum(first == "Placebo then LDN") + sum(second == "LDN then placebo"))
adverse_events(xo, arms, setNames(begun, arms), FALSE)

measured <- c("AGE", "WEIGHTBL", "DISDUR")
baseline(fm, "TRT01P", c("LDN 6 mg", "Placebo"), c(measured, "HEIGHTBL"), c("PAINNRS", "FIQR"))
baseline(cd, "TRT01P", arms, measured, c("CDAI", "CRP", "STOOLS"))
baseline(xo, "TRTSEQP", c("LDN then placebo", "Placebo then LDN"), measured,
         c("PAINWK", "FIQR"))

# ---- syntheses --------------------------------------------------------------------
continuous <- read.csv("data/published/outcomes_continuous.csv", na.strings = "")
binary <- read.csv("data/published/outcomes_binary.csv", na.strings = "")
mean_row <- function(trial, outcome = NULL, endpoint = NULL) {
  r <- subset(continuous, trial_id == trial)
  r <- if (is.null(endpoint)) r[r$outcome == outcome, ] else r[r$endpoint %in% endpoint, ]
  stopifnot(nrow(r) == 1)
  r
}
count_rows <- function(endpoint, trials) {
  r <- binary[binary$endpoint %in% endpoint & binary$use == "ship", ]
  r[match(trials, r$trial_id), ]
}

models <- list("REML.knapp_hartung" = c("REML", "knha"),
               "REML.knapp_hartung_adhoc" = c("REML", "adhoc"),
               "EE.wald" = c("EE", "z"), "DL.knapp_hartung" = c("DL", "knha"),
               "REML.wald" = c("REML", "z"))
put_model <- function(synthesis, model, yi, vi, trials, how = models[[model]]) {
  key <- c(synthesis, model)
  k <- length(yi)
  if (k == 1) {
    row <- z_row(yi, sqrt(vi))
    put_row(c(key, "pooled_effect"),
            c(row, test_statistic = yi / sqrt(vi), p_value = 2 * pnorm(-abs(yi / sqrt(vi)))))
    put(c(key, trials, "weight"), estimate = 1)
    for (absent in c("prediction_interval", "tau_squared", "i_squared", "h_squared", "q"))
      put(c(key, absent), not_estimable = 1)
    return(invisible())
  }
  fit <- rma(yi, vi, method = how[1], test = how[2],
             control = list(threshold = 1e-14, maxiter = 1e5, tol = 1e-14))
  row <- list(estimate = c(fit$beta), standard_error = fit$se, test_statistic = fit$zval,
              p_value = fit$pval, ci_lower = fit$ci.lb, ci_upper = fit$ci.ub)
  if (how[2] != "z") row$df <- k - 1
  put_row(c(key, "pooled_effect"), row)
  put(c(key, "q"), estimate = fit$QE, p_value = fit$QEp, df = k - 1)
  put(c(key, "i_squared"), estimate = fit$I2 / 100)
  put(c(key, "h_squared"), estimate = fit$H2)
  share <- weights(fit) / 100
  for (i in seq_len(k)) put(c(key, trials[[i]], "weight"), estimate = share[[i]])
  if (how[1] == "EE") {
    put(c(key, "tau_squared"), estimate = 0)
    put(c(key, "prediction_interval"), not_estimable = 1)
    return(invisible())
  }
  limits <- confint(fit, type = "QP", control = list(tol = 1e-12, maxiter = 1e5, tau2.max = 1e6))$random
  put(c(key, "tau_squared"), estimate = fit$tau2, ci_lower = limits[1, "ci.lb"],
      ci_upper = limits[1, "ci.ub"])
  reach <- qt(0.975, k - 1) * sqrt(fit$se^2 + fit$tau2)
  ahead <- c(fit$beta) + c(-1, 1) * reach
  if (how[2] != "z") {
    # metafor's own prediction interval has k - 1 df under these tests.
    theirs <- predict(fit)
    stopifnot(max(abs(ahead - c(theirs$pi.lb, theirs$pi.ub))) < 1e-10)
  }
  put(c(key, "prediction_interval"), ci_lower = ahead[1], ci_upper = ahead[2], df = k - 1)
}
put_effects <- function(synthesis, keys, yi, vi, model = "", statistic = "effect")
  for (i in seq_along(yi))
    put_row(c(synthesis, model, keys[[i]], statistic), z_row(yi[i], sqrt(vi[i])))

counts <- function(synthesis, endpoint, trials, ids = "REML.knapp_hartung") {
  r <- count_rows(endpoint, trials)
  e <- escalc("RR", ai = events_ldn, n1i = n_ldn, ci = events_placebo, n2i = n_placebo,
              data = r, add = 0.5, to = "only0", drop00 = TRUE)
  kept <- !is.na(e$yi)
  yi <- as.numeric(e$yi)[kept]
  put_effects(synthesis, trials[kept], yi, e$vi[kept])
  for (trial in trials[!kept]) put(c(synthesis, trial, "effect"), not_estimable = 1)
  for (model in ids) put_model(synthesis, model, yi, e$vi[kept], trials[kept])
}
usual <- c("REML.knapp_hartung", "REML.knapp_hartung_adhoc", "EE.wald", "DL.knapp_hartung")
two <- c("DUEBRUUN2024_FINAL", "INNOVA_FM")
counts("fibromyalgia_adverse_events", "any adverse event", two, usual)
counts("fibromyalgia_discontinuations", "discontinuation due to adverse events", two[1])
counts("fibromyalgia_pain_responders", "pain responder", two[1])
for (s in list(c("crohn_remission", "clinical remission"),
               c("crohn_response_70", "clinical response (70 points)"),
               c("crohn_response_100", "clinical response (100 points)"),
               c("crohn_endoscopic_response", "endoscopic response"),
               c("crohn_endoscopic_remission", "endoscopic remission")))
  counts(s[1], s[2], "SMITH2011_CD_ADULT")

three <- c("SMITH2013_CD_PED", two)
counts("serious_adverse_events", "serious adverse events", three)
rd <- escalc("RD", ai = events_ldn, n1i = n_ldn, ci = events_placebo, n2i = n_placebo,
             data = count_rows("serious adverse events", three), add = 0.5, to = "only0")
for (m in list(c("risk-difference", "knha"), c("risk-difference-adhoc", "adhoc"))) {
  put_effects("serious_adverse_events", three, as.numeric(rd$yi), rd$vi, m[1],
              "sensitivity_effect")
  put_model("serious_adverse_events", m[1], as.numeric(rd$yi), rd$vi, three, c("REML", m[2]))
}

# Mean differences: the published adjusted difference with its derived error.
pain <- lapply(two, mean_row, endpoint = "pain intensity")
yi <- sapply(pain, function(r) r$published_diff)
vi <- sapply(pain, function(r) r$derived_se)^2
put_effects("fibromyalgia_pain", two, yi, vi)
for (model in names(models)) put_model("fibromyalgia_pain", model, yi, vi, two)

# Standardized: d as published (two parallel trials); crossover trials paired at r, by
# SMD = difference / (SE sqrt(n) / sqrt(2 (1 - r))), SE = sqrt((1/n + SMD^2/(2n)) 2 (1 - r))
# (Cochrane Handbook 23.2.7.1), with the exact correction for n - 1 df. J is metafor's:
# a raw d of 1 in escalc gives it.
J <- function(df) c(escalc("SMD", m1i = 1, sd1i = 1, n1i = df, m2i = 0, sd2i = 1, n2i = 2)$yi)
published_d <- function(r) {
  d <- as.numeric(r$published_effect)
  e <- escalc("SMD", m1i = d, sd1i = 1, n1i = r$n_ldn, m2i = 0, sd2i = 1, n2i = r$n_placebo)
  c(e$yi, e$vi)
}
paired <- function(difference, error, n, r) {
  shared <- 2 * (1 - r)
  g <- difference / (error * sqrt(n) / sqrt(shared)) * J(n - 1)
  c(g, (1 / n + g^2 / (2 * n)) * shared)
}
younger <- mean_row("YOUNGER2013_FM", endpoint = "pain intensity")
cree <- mean_row("CREE2010_MS", endpoint = "pain intensity")
arthritis <- mean_row("BEAUDETTE2023_ARTHRITIS", endpoint = "pain intensity")
from_p <- function(r) {
  d <- r$mean_ldn - r$mean_placebo
  c(d, abs(d) / qt(1 - as.numeric(r$p) / 2, r$n_ldn - 1))
}
in_smd <- function(r) rbind(
  published_d(pain[[1]]), published_d(pain[[2]]),
  # Higher is better for the percent fall and for the Pain Effects Scale as published.
  paired(-(younger$mean_ldn - younger$mean_placebo), younger$derived_se, younger$n_ldn, r),
  paired(-cree$published_diff, cree$derived_se, cree$n_ldn, r),
  paired(from_p(arthritis)[1], from_p(arthritis)[2], arthritis$n_ldn, r))
five <- c(two, "YOUNGER2013_FM", "CREE2010_MS", "BEAUDETTE2023_ARTHRITIS")
smd <- in_smd(0.5)
synthesis <- "pain_across_conditions"
put_effects(synthesis, five, smd[, 1], smd[, 2])
for (model in usual) put_model(synthesis, model, smd[, 1], smd[, 2], five)
main <- c("REML", "knha")
for (r in c(0.3, 0.7)) {
  other <- in_smd(r)
  model <- paste0("paired-r-", r)
  put_effects(synthesis, five, other[, 1], other[, 2], model, "sensitivity_effect")
  put_model(synthesis, model, other[, 1], other[, 2], five, main)
}
put_model(synthesis, "without-crossover", smd[1:2, 1], smd[1:2, 2], two, main)

# Outcomes side by side, never pooled.
for (outcome in c("HAM-D-17 (primary)", "HAM-D-28", "MADRS-10", "MADRS-15", "CGI-Severity")) {
  r <- mean_row("MISCHOULON2017_MDD", outcome)
  e <- escalc("SMD", m1i = mean_ldn, sd1i = sd_ldn, n1i = n_ldn, m2i = mean_placebo,
              sd2i = sd_placebo, n2i = n_placebo, data = r)
  put_row(c("depression_scales", r$trial_id, outcome, "3 weeks", "effect"),
          z_row(c(e$yi), sqrt(e$vi)))
}
for (outcome in c("SF-36 mental component summary", "Pain Effects Scale",
                  "Perceived Deficits Questionnaire")) {
  r <- mean_row("CREE2010_MS", outcome)
  put_row(c("multiple_sclerosis_quality_of_life", r$trial_id, outcome, "8 weeks", "effect"),
          z_row(r$published_diff, r$derived_se))
}
for (outcome in c("pain severity", "painDETECT", "depression")) {
  r <- mean_row("BEAUDETTE2023_ARTHRITIS", outcome)
  d <- from_p(r)
  put_row(c("arthritis", r$trial_id, outcome, "8 weeks", "effect"), z_row(d[1], d[2]))
}
for (outcome in c("pain, LDN v AMITRIPTYLINE (ITT)",
                  "pain, LDN v AMITRIPTYLINE (per protocol)")) {
  r <- mean_row("SRINIVASAN2021_PDN", outcome)
  put_row(c("neuropathic_pain_active_control", r$trial_id, outcome, "6 weeks", "effect"),
          z_row(r$published_diff, r$derived_se))
}

# The two synthetic trials, by R's own fits.
synthesis <- "synthetic_fibromyalgia_pain"
fitted <- c("fm_parallel_synthetic", "fm_crossover_synthetic")
yi <- c(fm_pain[1], xo_pain[1])
vi <- c(fm_pain[2], xo_pain[2])^2
label <- list(c(fitted[1], "pain_week12"), c(fitted[2], "pain_week6"))
put_effects(synthesis, label, yi, vi)
for (model in usual) put_model(synthesis, model, yi, vi, label)

# ---- write ------------------------------------------------------------------------
version <- function(p) as.character(packageVersion(p))
source_line <- paste0(R.version.string, "; metafor ", version("metafor"), ", mmrm ",
                      version("mmrm"), ", lme4 ", version("lme4"), ", lmerTest ",
                      version("lmerTest"), ", pbkrtest ", version("pbkrtest"),
                      ", emmeans ", version("emmeans"))
one <- function(key) paste0(
  toJSON(key, auto_unbox = TRUE), ": ",
  toJSON(lapply(rows[[key]], as.numeric), auto_unbox = TRUE, digits = I(12)))
lines <- sapply(sort(names(rows), method = "radix"), one)
writeLines(c("{", paste0('"source": ', toJSON(source_line, auto_unbox = TRUE), ","),
             '"rows": {', paste0(lines, c(rep(",", length(lines) - 1), "")), "}", "}"),
           "tests/reference/dossier/results.json")
cat(length(rows), "rows;", source_line, "\n")
