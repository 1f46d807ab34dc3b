# Means and tests of R on visits.csv. Usage: Rscript make_reference.R visits.csv out.json
suppressMessages({library(emmeans); library(car); library(lmerTest); library(jsonlite)})
emm_options(lmer.df = "asymptotic")
args <- commandArgs(trailingOnly = TRUE)
d <- read.csv(args[1], stringsAsFactors = TRUE)
# R takes the basis of poly() from all rows, missing response or not; trialstats from the
# rows used.
d <- droplevels(d[!is.na(d$y), ])
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))

formulas <- list(
  additive = y ~ base + arm + sex + site + visit,
  two_way = y ~ base + sex + arm * visit,
  three_way = y ~ arm * sex * visit + base,
  slopes = y ~ base * arm + visit,
  within_visits = y ~ sex + visit + base:visit + arm:visit,
  curved = y ~ log(base) + poly(age, 2) + arm * sex
)
terms_of <- function(a, statistic) {
  keep <- !(rownames(a) %in% c("(Intercept)", "Residuals"))
  list(term = rownames(a)[keep], f = a[keep, statistic])
}
means <- function(fit, specs, ...) {
  e <- as.data.frame(emmeans(fit, specs, ...))
  c(lapply(e[specs], as.character), list(estimate = e$emmean, standard_error = e$SE))
}
out <- lapply(names(formulas), function(name) {
  f <- formulas[[name]]
  fit <- lmer(update(f, . ~ . + (1 | id)), d, control = control)
  plain <- lm(f, d, contrasts = NULL)
  sums <- lapply(Filter(is.factor, model.frame(plain)), function(x) "contr.sum")
  centred <- lm(f, d, contrasts = sums)
  X <- model.matrix(plain)
  result <- list(
    id = name, formula = paste(deparse(f), collapse = ""),
    lm = list(
      beta = as.list(coef(plain)),
      type3 = terms_of(Anova(centred, type = 3), "F value"),
      type1 = terms_of(anova(plain), "F value"),
      type2 = terms_of(Anova(plain, type = 2), "F value")
    ),
    lmer = list(
      names = names(fixef(fit)), beta = unname(fixef(fit)),
      covariance = unname(as.matrix(vcov(fit)))
    )
  )
  for (type in 1:3) {
    result$lmer[[paste0("type", type)]] <- tryCatch(
      terms_of(anova(fit, type = type), "F value"), error = function(e) NULL)
  }
  result$means <- list(
    arm = means(fit, "arm"),
    arm_proportional = means(fit, "arm", weights = "proportional"),
    arm_visit = if ("visit" %in% all.vars(f)) means(fit, c("arm", "visit")),
    arm_at_base_25 = means(fit, "arm", at = list(base = 25)),
    arm_sex_M_proportional = if ("sex" %in% all.vars(f))
      means(fit, "arm", at = list(sex = "M"), weights = "proportional")
  )
  result
})
source <- paste(R.version.string, "emmeans", packageVersion("emmeans"), "car",
  packageVersion("car"), "lme4", packageVersion("lme4"), "lmerTest", packageVersion("lmerTest"))
write_json(list(source = source, cases = out), args[2], digits = NA, auto_unbox = TRUE, null = "null")
