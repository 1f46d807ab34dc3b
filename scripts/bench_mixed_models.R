# Answers bench_mixed_models.py: one request a line on standard input, one line of JSON
# for each. A request is the model and the file, separated by a tab: a formula of lmer,
# or the covariance of the coefficients that mmrm is to report. The seconds are processor
# time of this process for fit and summary, without reading the file.

suppressWarnings(suppressMessages({
  library(mmrm)
  library(lmerTest)
  library(pbkrtest)
}))

as_json <- function(values) {
  pairs <- mapply(function(name, value) {
    text <- if (is.character(value)) encodeString(value, quote = '"') else sprintf("%.17g", value)
    sprintf('"%s": [%s]', name, paste(text, collapse = ", "))
  }, names(values), values)
  paste0("{", paste(pairs, collapse = ", "), "}")
}

estimates <- function(table) {
  list(term = rownames(table), estimate = table[, "Estimate"],
       standard_error = table[, "Std. Error"], df = table[, "df"])
}

processor_time <- function() sum(proc.time()[c("user.self", "sys.self")])

respond <- function(model, data) {
  gc()
  start <- processor_time()
  if (grepl("~", model, fixed = TRUE)) {
    fit <- lmerTest::lmer(as.formula(model), data = data)
    table <- summary(fit, ddf = "Kenward-Roger")$coefficients
  } else {
    fit <- mmrm(CHG ~ BASE + ARMCD * AVISIT + us(AVISIT | USUBJID), data = data,
                method = "Kenward-Roger", vcov = model)
    table <- summary(fit)$coefficients
  }
  c(list(seconds = processor_time() - start), estimates(table))
}

cat(as_json(c(r = paste(R.version$major, R.version$minor, sep = "."),
              sapply(c("mmrm", "TMB", "lme4", "lmerTest", "pbkrtest"),
                     function(name) as.character(packageVersion(name))))), "\n", sep = "")
flush(stdout())

input <- file("stdin", open = "r")
known <- list()
while (length(line <- readLines(input, n = 1)) > 0) {
  request <- strsplit(line, "\t", fixed = TRUE)[[1]]
  if (is.null(known[[request[2]]])) {
    known[[request[2]]] <- read.csv(request[2], stringsAsFactors = TRUE)
  }
  answer <- tryCatch(
    suppressWarnings(suppressMessages(respond(request[1], known[[request[2]]]))),
    error = function(problem) list(error = conditionMessage(problem))
  )
  cat(as_json(answer), "\n", sep = "")
  flush(stdout())
}
