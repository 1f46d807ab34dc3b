# Multilevel, multivariate, robust and location-scale models of made-up data.
# Rscript make_rma_mv.R > rma_mv.json; needs metafor, minqa, nlme, clubSandwich, jsonlite.
suppressPackageStartupMessages({library(metafor); library(nlme); library(jsonlite)})
suppressPackageStartupMessages(library(clubSandwich))

set.seed(20261128)
tight <- list(optimizer = "bobyqa", rhoend = 1e-12, maxfun = 1e5)
sharp <- list(tol = 1e-10, maxiter = 5000)

# Three levels: effects in trials in regions, errors of a trial correlated.
trials <- data.frame(region = rep(c("n", "s", "w", "e", "x"), c(9, 6, 4, 8, 5)))
trials$trial <- c(1,1,1,2,2,3,4,4,4, 1,2,2,3,3,4, 1,1,1,2, 1,1,2,3,4,4,4,5, 1,2,3,3,3)
k <- nrow(trials)
trials$dose <- round(runif(k, 0, 2), 2)
trials$kind <- sample(c("a", "b", "c"), k, TRUE)
trials$vi <- round(runif(k, .02, .2), 4)
region_effect <- rnorm(5, 0, .35); names(region_effect) <- unique(trials$region)
trials$id <- paste(trials$region, trials$trial)
trial_effect <- rnorm(length(unique(trials$id)), 0, .25); names(trial_effect) <- unique(trials$id)
trials$yi <- round(.3 + .2 * trials$dose + region_effect[trials$region] +
                   trial_effect[trials$id] + rnorm(k, 0, sqrt(trials$vi)), 4)
V <- vcalc(vi, cluster = id, obs = seq_along(id), rho = .5, data = trials)

# Crossed: readers and scanners.
crossed <- expand.grid(reader = 1:6, scanner = c("p", "q", "r", "t"))
crossed <- crossed[-c(3, 11, 20), ]
n <- nrow(crossed)
crossed$vi <- round(runif(n, .01, .1), 4)
crossed$yi <- round(.1 + rnorm(6, 0, .3)[crossed$reader] + rnorm(4, 0, .2)[crossed$scanner] +
                    rnorm(n, 0, sqrt(crossed$vi)), 4)

# Three outcomes, some missing; times are uneven.
outcomes <- expand.grid(outcome = c("pain", "sleep", "work"), study = 1:14)
outcomes <- outcomes[-c(2, 8, 15, 22, 27, 36), ]
outcomes$time <- c(pain = 0, sleep = 1, work = 2.5)[as.character(outcomes$outcome)]
L <- chol(matrix(c(.09, .05, .03, .05, .16, .06, .03, .06, .12), 3))
u <- matrix(rnorm(14 * 3), 14) %*% L
m <- nrow(outcomes)
outcomes$vi <- round(runif(m, .01, .08), 4)
outcomes$yi <- round(c(.2, .5, .1)[as.integer(outcomes$outcome)] +
  u[cbind(outcomes$study, as.integer(outcomes$outcome))] + rnorm(m, 0, sqrt(outcomes$vi)), 4)
outcomes$outcome <- as.character(outcomes$outcome)
W <- vcalc(vi, cluster = study, obs = outcome, rho = .4, data = outcomes)

numbers <- function(fit, ...) c(list(
  beta = c(fit$beta), se = fit$se, statistic = fit$zval, p_value = fit$pval,
  df = fit$ddf, vcov = unname(fit$vb),
  sigma2 = fit$sigma2, tau2 = fit$tau2, rho = fit$rho,
  q = fit$QE, q_df = fit$QEdf, q_p_value = fit$QEp,
  test = c(fit$QM, fit$QMdf, fit$QMp),
  ML = unname(fit$fit.stats$ML), REML = unname(fit$fit.stats$REML)), list(...))
limits <- function(...) { found <- confint(..., control = sharp)$random; unname(found[1, ]) }
club <- function(fit, cluster, which, type = "CR2") {
  v <- vcovCR(fit, cluster = cluster, type = type)
  coef <- coef_test(fit, vcov = v, cluster = cluster)
  wald <- Wald_test(fit, constraints = constrain_zero(which), vcov = v)
  list(se = coef$SE, df = coef$df_Satt, p_value = coef$p_Satt, vcov = unname(as.matrix(v)),
       test = c(wald$Fstat, wald$df_num, wald$df_denom, wald$p_val))
}

found <- list()
fit <- rma.mv(yi, V, mods = ~ dose + kind, random = ~ 1 | region/trial, data = trials, control = tight)
found$nested.REML <- numbers(fit, limits1 = limits(fit, sigma2 = 1), limits2 = limits(fit, sigma2 = 2),
  ranef = lapply(ranef(fit), function(x) list(x$intrcpt, x$se)),
  robust = with(robust(fit, cluster = region), list(se = se, df = ddf, test = c(QM, QMdf, QMp))),
  CR0 = with(robust(fit, cluster = region, adjust = FALSE), list(se = se)),
  CR2 = club(fit, trials$region, 2:4))
fit <- rma.mv(yi, V, mods = ~ dose + kind, random = ~ 1 | region/trial, data = trials,
              method = "ML", test = "t", dfs = "contain", control = tight)
found$nested.ML.contain <- numbers(fit, limits1 = limits(fit, sigma2 = 1), limits2 = limits(fit, sigma2 = 2))
fit <- rma.mv(yi, vi, random = ~ 1 | region/trial, data = trials, test = "t", control = tight)
p <- predict(fit)
found$nested.independent <- numbers(fit, predict = c(p$pred, p$se, p$ci.lb, p$ci.ub, p$pi.lb, p$pi.ub),
  CR2 = club(fit, trials$region, 1))
# By ML: the REML of lme() with a fixed sigma is not that of the model.
g <- lme(yi ~ 1, random = ~ 1 | region/trial, weights = varFixed(~ vi), data = trials, method = "ML",
         control = lmeControl(sigma = 1, tolerance = 1e-12, msTol = 1e-12, niterEM = 200, msMaxIter = 500))
found$nlme <- list(beta = unname(fixef(g)), sigma2 = as.numeric(VarCorr(g)[c(2, 4), 1]))
fit <- rma.mv(yi, vi, random = list(~ 1 | reader, ~ 1 | scanner), data = crossed, test = "t", control = tight)
found$crossed <- numbers(fit, limits1 = limits(fit, sigma2 = 1), limits2 = limits(fit, sigma2 = 2),
  ranef = lapply(ranef(fit), function(x) list(x$intrcpt, x$se)))
for (struct in c("UN", "CS", "HCS", "DIAG", "ID", "AR", "HAR")) {
  for (method in c("REML", "ML")) {
    fit <- rma.mv(yi, W, mods = ~ outcome - 1, random = ~ outcome | study, struct = struct, data = outcomes,
                  method = method, test = "t", control = tight)
    found[[paste0(struct, ".", method)]] <- numbers(fit, ranef = list(ranef(fit)[[1]]$intrcpt, ranef(fit)[[1]]$se))
  }
}
fit <- rma.mv(yi, W, mods = ~ outcome - 1, random = ~ outcome | study, struct = "CS", data = outcomes, control = tight)
# confint() ends at 0.256, where the fall is 3.66; 0.2604841193 is the limit.
held <- rma.mv(yi, W, mods = ~ outcome - 1, random = ~ outcome | study, struct = "CS", data = outcomes,
               tau2 = 0.2604841193)
found$CS.limits <- list(tau2 = limits(fit, tau2 = 1), fall = 2 * c(logLik(fit) - logLik(held)), rho = limits(fit, rho = 1), CR2 = club(fit, outcomes$study, 1:3))
fit <- rma.mv(yi, W, mods = ~ outcome - 1, random = ~ outcome | study, struct = "HCS", data = outcomes, control = tight)
found$HCS.limits <- list(tau2 = limits(fit, tau2 = 2), rho = limits(fit, rho = 1))
fit <- rma.mv(yi, W, mods = ~ outcome - 1, random = ~ time | study, struct = "CAR", data = outcomes, control = tight)
found$CAR.REML <- numbers(fit)
fit <- rma.mv(yi, W, mods = ~ outcome - 1, random = list(~ 1 | study, ~ outcome | study), struct = "DIAG",
              data = outcomes, control = tight)
found$DIAG.with.intercept <- numbers(fit)

# Weights that are not the inverse variances; one random effect a trial.
fit <- rma(yi, vi, mods = ~ dose, data = trials, weights = rep(1:4, 8),
           control = list(threshold = 1e-14, maxiter = 10000))
found$given.weights <- list(tau2 = fit$tau2, CR2 = club(fit, trials$region, 1:2))

# Location-scale: the restricted likelihood written out, numerically differentiated.
X <- model.matrix(~ dose, trials); Z <- model.matrix(~ dose + kind, trials)
regression <- function(a) {
  w <- 1 / (trials$vi + exp(c(Z %*% a)))
  cross <- t(X) %*% (w * X)
  list(w = w, cross = cross, beta = c(solve(cross, t(X) %*% (w * trials$yi))))
}
restricted <- function(a) with(regression(a), c(-(sum(log(1 / w)) + log(det(cross)) - log(det(t(X) %*% X)) +
  (k - 2) * log(2 * pi) + sum(w * (trials$yi - X %*% beta)^2)) / 2))
best <- list(par = c(-2, 0, 0, 0))
for (again in 1:6) best <- optim(best$par, restricted, method = "BFGS",
                                 control = list(fnscale = -1, reltol = 1e-15, maxit = 5000, ndeps = rep(1e-5, 4)))
hessian <- optimHess(best$par, restricted, control = list(ndeps = rep(1e-4, 4)))
with(regression(best$par), found$location.scale <<- list(beta = beta, se = sqrt(diag(solve(cross))),
  alpha = best$par, se_alpha = sqrt(diag(solve(-hessian))), ll = best$value))

cat(toJSON(list(
  source = list(metafor = as.character(packageVersion("metafor")), clubSandwich = "0.6.0, commit 7cc5060",
    nlme = as.character(packageVersion("nlme")), R = R.version.string, data = "made up by make_rma_mv.R"),
  data = list(trials = trials[c("region", "trial", "id", "dose", "kind", "yi", "vi")],
              crossed = crossed, outcomes = outcomes),
  cases = found), digits = NA, auto_unbox = TRUE, na = "null", dataframe = "columns"))
