# Fits of R's mmrm on visits.csv, next to it as results.json.
# Rscript make_reference.R   (packages mmrm 0.3.18, jsonlite)
suppressPackageStartupMessages({ library(mmrm); library(jsonlite) })
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
d <- read.csv(file.path(here, "visits.csv"), stringsAsFactors = FALSE)
d$ARM <- factor(d$ARM, levels = c("Placebo", "Low", "High"))
d$AWK <- d$ADY / 7  # mmrm does not find its way in days with sp_gau
for (v in c("USUBJID", "SEX", "AVISIT")) d[[v]] <- factor(d[[v]])

# The package's optimiser, then Newton steps on its own derivatives until the gradient
# is rounding.
polish <- function(par, fn, gr, ...) {
  found <- stats::nlminb(par, fn, gr, control = list(rel.tol = 1e-14, iter.max = 2000, eval.max = 4000))
  theta <- found$par
  for (i in 1:6) {
    g <- as.vector(gr(theta))
    k <- length(theta); h <- matrix(0, k, k)
    for (j in 1:k) {
      e <- rep(0, k); e[j] <- 1e-5 * max(1, abs(theta[j]))
      h[, j] <- (as.vector(gr(theta + e)) - as.vector(gr(theta - e))) / (2 * e[j])
    }
    theta <- theta - solve((h + t(h)) / 2, g)
  }
  list(par = theta, objective = fn(theta), convergence = 0, message = "polished")
}
fit <- function(formula, reml, method, vcov, weights = NULL) {
  mmrm(formula, data = d, reml = reml, weights = weights,
       control = mmrm_control(method = method, vcov = vcov, optimizers = list(polish = polish)))
}
of <- function(m) {
  s <- summary(m)$coefficients
  list(log_likelihood = as.numeric(logLik(m)), n_observations = component(m, "n_obs"),
       estimate = as.vector(s[, "Estimate"]), standard_error = as.vector(s[, "Std. Error"]),
       df = as.vector(s[, "df"]), gradient = max(abs(m$tmb_object$gr(component(m, "theta_est")))))
}
fixed <- "CHG ~ BASE + SEX + ARM * AVISIT"
kinds <- c("us", "toep", "toeph", "ar1", "ar1h", "cs", "csh", "ad", "adh", "sp_exp", "sp_gau")
cases <- list()
add <- function(id, ...) {
  found <- tryCatch(of(fit(...)), error = function(e) { cat(id, "left out:", conditionMessage(e), "\n"); NULL })
  if (!is.null(found)) cases[[id]] <<- found
}
w <- d$WEIGHT
for (kind in kinds) {
  time <- if (startsWith(kind, "sp_")) "AWK" else "AVISIT"
  model <- as.formula(sprintf("%s + %s(%s | USUBJID)", fixed, kind, time))
  grouped <- as.formula(sprintf("%s + %s(%s | SEX/USUBJID)", fixed, kind, time))
  for (reml in c(TRUE, FALSE)) {
    name <- paste(kind, if (reml) "reml" else "ml", sep = ".")
    add(paste0(name, ".satterthwaite"), model, reml, "Satterthwaite", "Asymptotic")
    add(paste0(name, ".weights"), model, reml, "Satterthwaite", "Asymptotic", weights = w)
  }
  add(paste0(kind, ".reml.kenward_roger_linear"), model, TRUE, "Kenward-Roger", "Kenward-Roger-Linear")
  # mmrm forms sandwiches with weights as ours are.
  for (v in c(CR0 = "Empirical", CR2 = "Empirical-Bias-Reduced", CR3 = "Empirical-Jackknife")) {
    label <- names(which(c(CR0 = "Empirical", CR2 = "Empirical-Bias-Reduced", CR3 = "Empirical-Jackknife") == v))
    add(paste0(kind, ".reml.", label), model, TRUE, "Satterthwaite", v)
  }
  add(paste0(kind, ".reml.weights_CR2"), model, TRUE, "Satterthwaite", "Empirical-Bias-Reduced", weights = w)
  if (!kind %in% c("us", "toeph", "sp_gau"))
    add(paste0(kind, ".reml.group"), grouped, TRUE, "Satterthwaite", "Asymptotic")
}
out <- list(source = list(R = as.character(getRversion()), mmrm = as.character(packageVersion("mmrm")),
                          TMB = as.character(packageVersion("TMB"))), cases = cases)
writeLines(toJSON(out, auto_unbox = TRUE, digits = I(13), pretty = FALSE), file.path(here, "results.json"))
cat(length(cases), "cases, largest gradient", max(sapply(cases, `[[`, "gradient")), "\n")
