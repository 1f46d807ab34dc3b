# Answers bench_pooling.py: one request a line on standard input, one line of JSON for
# each. A request is a task, a file of sets of trials (columns set, yi, vi) and a number
# of repetitions, separated by tabs. The seconds are processor time of this process for
# one repetition, without reading the file:
#   fit    rma(test = "knha") and its confint of tau-squared, of every set
#   rma    rma(test = "knha") of every set
#   gosh   gosh of the first set, with as many subsets as repetitions

suppressWarnings(suppressMessages(library(metafor)))

processor_time <- function() sum(proc.time()[c("user.self", "sys.self")])

last <- 1
failed <- 0

tasks <- list(
  fit = function(sets, n) {
    for (i in seq_len(n)) for (set in sets) {
      fit <- rma(yi, vi, data = set, test = "knha")
      confint(fit)
    }
    fit
  },
  rma = function(sets, n) {
    # Fisher scoring does not converge in a few sets per thousand: these are left out.
    for (i in seq_len(n)) for (j in seq_along(sets)) {
      found <- tryCatch(rma(yi, vi, data = sets[[j]], test = "knha"), error = function(e) NULL)
      if (!is.null(found)) { fit <- found; last <<- j } else if (i == 1) failed <<- failed + 1
    }
    fit
  },
  gosh = function(sets, n) {
    fit <- rma(yi, vi, data = sets[[1]], test = "knha")
    invisible(gosh(fit, subsets = n, progbar = FALSE))
    fit
  }
)

respond <- function(task, path, n) {
  data <- read.csv(path)
  sets <- split(data, data$set)
  last <<- 1
  failed <<- 0
  gc()
  start <- processor_time()
  fit <- tasks[[task]](sets, n)
  seconds <- processor_time() - start
  if (task != "gosh") seconds <- seconds / n
  sprintf('{"seconds": %.17g, "estimate": %.17g, "standard_error": %.17g, "last": %d, "failed": %d}',
          seconds, fit$beta[1], fit$se[1], as.integer(last), as.integer(failed))
}

cat(sprintf('{"metafor": "%s"}\n', packageVersion("metafor")))
flush(stdout())
input <- file("stdin", "r")
while (length(line <- readLines(input, n = 1)) > 0) {
  request <- strsplit(line, "\t", fixed = TRUE)[[1]]
  answer <- tryCatch(
    respond(request[1], request[2], as.integer(request[3])),
    error = function(e) sprintf('{"error": %s}', encodeString(conditionMessage(e), quote = '"'))
  )
  cat(answer, "\n", sep = "")
  flush(stdout())
}
