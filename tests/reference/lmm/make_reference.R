# Rscript tests/reference/lmm/make_reference.R: writes reference.json beside this file.
# lme4 maximises; lmerTest and pbkrtest give Satterthwaite and Kenward-Roger.
suppressMessages({library(lmerTest); library(pbkrtest); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
read <- function(name) read.csv(file.path(here, paste0(name, ".csv")),
                                colClasses = if (name == "replicate")
                                  c(rep("character", 4), "numeric") else NA)
control <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE,
                       optCtrl = list(rhoend = 1e-11, maxfun = 1e5))
frames <- list(centres = read("centres"), raters = read("raters"),
               replicate = read("replicate"))
case <- function(data, formula, id, reml = TRUE) {
  d <- frames[[data]]
  m <- lmer(as.formula(formula), d, REML = reml, control = control)
  terms <- function(ddf) {
    a <- as.data.frame(anova(m, type = 3, ddf = ddf))
    list(term = rownames(a), num_df = a$NumDF, den_df = a$DenDF, f = a$"F value")
  }
  fixed <- function(ddf) {
    s <- coef(summary(m, ddf = ddf))
    list(term = rownames(s), estimate = s[, 1], se = s[, 2], df = s[, 3])
  }
  v <- as.data.frame(VarCorr(m))
  out <- list(id = id, data = data, formula = formula, reml = reml,
              logLik = as.numeric(logLik(m)), AIC = AIC(m), BIC = BIC(m),
              varcorr = v[, c("grp", "var1", "var2", "vcov")],
              satterthwaite = fixed("Satterthwaite"),
              anova_satterthwaite = terms("Satterthwaite"),
              ranef = lapply(ranef(m, condVar = FALSE),
                             function(r) c(list(level = rownames(r)), as.list(r))))
  if (reml) {
    out$kenward_roger <- fixed("Kenward-Roger")
    out$anova_kenward_roger <- terms("Kenward-Roger")
  }
  out
}
cases <- list(
  case("centres", "y ~ arm*week + age + (1 | centre) + (1 | centre:subject)", "nested"),
  case("centres", "y ~ arm*week + age + (1 | centre) + (1 | centre:subject)",
       "nested_ml", FALSE),
  case("centres", "y ~ arm*week + age + (1 + week | centre:subject)", "slopes"),
  case("centres", "y ~ arm*week + age + (1 + week || centre:subject)", "diagonal"),
  case("centres", "y ~ arm*week + age + (1 | centre) + (1 + week | centre:subject)",
       "nested_slopes"),
  case("centres", "y ~ factor(week) + arm + (1 | centre)", "clusters"),
  case("raters", "y ~ mode + (1 | subject) + (1 | rater)", "crossed"),
  case("raters", "y ~ mode + (1 | subject) + (1 | rater)", "crossed_ml", FALSE),
  case("replicate", "y ~ sequence + period + treatment + (1 | subject)", "replicate"))
versions <- sapply(c("lme4", "lmerTest", "pbkrtest"), function(p) as.character(packageVersion(p)))
write(toJSON(list(r = R.version.string, packages = as.list(versions), cases = cases),
             digits = NA, auto_unbox = TRUE, pretty = TRUE), file.path(here, "reference.json"))
