# Posteriors of the R package bayesmeta for the sets of sets.json.
# Rscript make_reference.R writes bayesmeta.json. BAYESMETA_SOURCE may name the file
# R/bayesmeta.R of its sources where the package is not installed.
suppressMessages(library(metafor))
if (nzchar(Sys.getenv("BAYESMETA_SOURCE"))) source(Sys.getenv("BAYESMETA_SOURCE")) else
  library(bayesmeta)
sets <- jsonlite::fromJSON("sets.json", simplifyVector = TRUE)
# Its grid of tau takes minutes or fails where effects or variances are far apart.
slow <- c(
  "eight_far_apart", "forty_far_apart", "five_contradict_the_prior",
  "six_span_twelve", "four_span_twelve_cauchy"
)
sets <- sets[setdiff(names(sets), slow)]

prior_of <- function(s) {
  force(s)
  switch(s$prior,
    half_normal = function(t) dhalfnormal(t, scale = s$scale),
    half_cauchy = function(t) dhalfcauchy(t, scale = s$scale),
    half_t = function(t) dhalft(t, df = s$df, scale = s$scale),
    exponential = function(t) dexp(t, rate = 1 / s$scale),
    uniform = if (is.null(s$scale)) "uniform" else function(t) dunif(t, 0, s$scale)
  )
}

case <- function(name) {
  s <- sets[[name]]
  message(name)
  mean_prior <- if (is.null(s$mean_prior)) c(NA, NA) else s$mean_prior
  fit <- function(type) {
    # Bounds on the error of the grid of tau far below its defaults (0.01, 0.0001).
    bayesmeta(
      y = s$effect, sigma = sqrt(s$variance), tau.prior = prior_of(s),
      mu.prior.mean = mean_prior[1], mu.prior.sd = mean_prior[2],
      interval.type = type, delta = 1e-3, epsilon = 1e-5
    )
  }
  out <- tryCatch({
    central <- suppressWarnings(fit("central"))
    shortest <- suppressWarnings(fit("shortest"))
    list(
      central = as.data.frame(central$summary),
      shortest = as.data.frame(shortest$summary),
      theta = as.data.frame(central$theta),
      below_zero = central$pposterior(mu = 0),
      bayes_factor_tau = central$bayesfactor[1, "tau=0"],
      weights = central$weights
    )
  }, error = function(e) list(failed = conditionMessage(e)))
  out
}

result <- list(
  source = list(bayesmeta = Sys.getenv("BAYESMETA_VERSION", "installed"), R = R.version.string),
  cases = setNames(lapply(names(sets), case), names(sets))
)
writeLines(jsonlite::toJSON(result, digits = NA, auto_unbox = TRUE, na = "null", dataframe = "columns"), "bayesmeta.json")
