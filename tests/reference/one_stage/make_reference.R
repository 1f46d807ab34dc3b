# One-stage models of lme4 with tight controls: Rscript make_reference.R <shared> > glmer.json
#
# glmer's default stops the search for the modes when the penalised deviance changes by
# less than 1e-7 of itself: modes off by 1e-4 enter Laplace's log determinant in first
# order. Here that tolerance is the smallest of 1e-13, 1e-12, 1e-11 with which the search
# does not fail, and the optimiser's 1e-9. `shared` is the folder of the reference data,
# which hold the published trials; the synthetic ones stand below.

suppressWarnings(suppressMessages(library(lme4)))

shared <- commandArgs(trailingOnly = TRUE)[1]
published <- function(csv) read.csv(file.path(shared, "reference", "data", csv))

bcg <- published("dat.bcg.csv")
bcg <- data.frame(ai = bcg$tpos, n1i = bcg$tpos + bcg$tneg, ci = bcg$cpos, n2i = bcg$cpos + bcg$cneg)
catheters <- published("dat.nielweise2007.csv")[, c("ai", "n1i", "ci", "n2i")]
catheters <- catheters[catheters$ai + catheters$ci > 0, ]
rates <- published("dat.nielweise2008.csv")[, c("x1i", "t1i", "x2i", "t2i")]
single <- published("dat.pritz1997.csv")[, c("xi", "ni")]
# Synthetic: rare events, unequal arms, zero cells on either side.
rare <- data.frame(
  ai = c(0, 2, 1, 5, 0, 3, 9, 1), n1i = c(40, 120, 65, 210, 33, 80, 150, 58),
  ci = c(3, 1, 4, 11, 2, 0, 14, 6), n2i = c(42, 60, 64, 199, 30, 81, 75, 61)
)

controls <- function(tolerance) glmerControl(
  optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5), tolPwrss = tolerance,
  check.conv.grad = "ignore", check.conv.hess = "ignore", check.conv.singular = "ignore"
)

tightest <- function(fit_with) {
  for (tolerance in c(1e-13, 1e-12, 1e-11)) {
    m <- try(suppressMessages(fit_with(controls(tolerance))), silent = TRUE)
    if (!inherits(m, "try-error")) return(m)
  }
  stop("no tolerance works")
}

arms <- function(data, measure) {
  k <- nrow(data)
  long <- data.frame(
    study = factor(rep(seq_len(k), each = 2)), treated = rep(c(1, 0), k),
    group = rep(c(0.5, -0.5), k), const = 1
  )
  if (measure == "OR") {
    long$x <- c(rbind(data$ai, data$ci))
    long$rest <- c(rbind(data$n1i, data$n2i)) - long$x
  } else {
    long$x <- c(rbind(data$x1i, data$x2i))
    long$offset <- log(c(rbind(data$t1i, data$t2i)))
  }
  long
}

one_arm <- function(data, measure) {
  k <- nrow(data)
  if (measure == "OR") {
    data.frame(x = data$ai, rest = data$ci, offset = log(data$n1i / data$n2i), study = factor(seq_len(k)))
  } else if (measure == "IRR") {
    data.frame(x = data$x1i, rest = data$x2i, offset = log(data$t1i / data$t2i), study = factor(seq_len(k)))
  } else {
    data.frame(x = data$xi, rest = data$ni - data$xi, offset = 0, study = factor(seq_len(k)))
  }
}

terms <- c(
  UM.FS = "0 + treated + study + (0 + group | study)",
  UM.RS = "0 + treated + const + (group || study)",
  UM.RS.correlated = "0 + treated + const + (group | study)",
  UM.RS.equal = "0 + treated + const + (1 | study)",
  conditional = "1 + (1 | study)"
)

fit <- function(data, measure, kind, points) {
  long <- if (kind == "conditional") one_arm(data, measure) else arms(data, measure)
  if (is.null(long$offset)) long$offset <- 0
  binomial <- !is.null(long$rest)
  left <- if (binomial) "cbind(x, rest)" else "x"
  model <- as.formula(paste(left, "~", terms[[kind]]))
  family <- if (binomial) stats::binomial() else stats::poisson()
  offset <- long$offset
  m <- tightest(function(control) {
    do.call(glmer, list(model, long, family, offset = offset, nAGQ = points, control = control))
  })
  variances <- as.data.frame(VarCorr(m))
  diagonal <- variances$vcov[is.na(variances$var2)]
  list(
    estimate = unname(fixef(m)[1]),
    standard_error = sqrt(as.matrix(vcov(m, use.hessian = TRUE))[1, 1]),
    tau_squared = if (kind == "UM.RS.equal") 0 else tail(diagonal, 1),
    sigma_squared = if (grepl("RS", kind)) diagonal[1] else NA
  )
}

number <- function(x) if (is.na(x)) "null" else sprintf("%.12g", x)
entry <- function(id, data, measure, model, kind, points, synthetic) {
  found <- fit(data, measure, kind, points)
  values <- paste0('"', names(found), '": ', vapply(found, number, ""), collapse = ", ")
  counts <- if (synthetic) {
    columns <- vapply(data, function(x) paste0("[", paste(x, collapse = ", "), "]"), "")
    paste0("{", paste0('"', names(columns), '": ', columns, collapse = ", "), "}")
  } else "null"
  sprintf(
    '  {"id": "%s", "data": "%s", "counts": %s, "measure": "%s", "model": "%s", "kind": "%s", "n_quadrature": %d, %s}',
    paste(id, measure, kind, model, points), id, counts, measure, model, kind, points, values
  )
}

entries <- character()
for (d in list(list("bcg", bcg, FALSE), list("nielweise2007", catheters, FALSE), list("rare", rare, TRUE))) {
  for (each in list(
    c("UM.FS", "UM.FS", 1), c("UM.FS", "UM.FS", 7), c("UM.RS", "UM.RS", 1),
    c("UM.RS", "UM.RS.correlated", 1), c("UM.RS", "UM.RS.equal", 7),
    c("CM.AL", "conditional", 1), c("CM.AL", "conditional", 7)
  )) {
    entries <- c(entries, entry(d[[1]], d[[2]], "OR", each[1], each[2], as.integer(each[3]), d[[3]]))
  }
}
for (each in list(
  c("UM.FS", "UM.FS", 7), c("UM.RS", "UM.RS", 1), c("UM.RS", "UM.RS.equal", 7), c("CM.EL", "conditional", 7)
)) entries <- c(entries, entry("nielweise2008", rates, "IRR", each[1], each[2], as.integer(each[3]), FALSE))
entries <- c(entries, entry("pritz1997", single, "PLO", "UM.FS", "conditional", 7L, FALSE))

cat("{\n", sprintf('"source": {"R": "%s", "lme4": "%s"},\n', getRversion(), packageVersion("lme4")), '"cases": [\n', sep = "")
cat(paste(entries, collapse = ",\n"), "\n]}\n", sep = "")
