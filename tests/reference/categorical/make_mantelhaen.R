# Prints the results of mantelhaen.json: Rscript make_mantelhaen.R
lines <- c()
add <- function(name, call, values) {
  pairs <- sprintf('"%s": %.15g', names(values), values)
  lines <<- c(lines, sprintf('  {"name": "%s", "call": "%s", "values": {%s}}',
                             name, call, paste(pairs, collapse = ", ")))
}
test <- function(found) c(statistic = unname(found$statistic),
                          df = unname(found$parameter), p_value = found$p.value)
one_df <- function(x) c(statistic = x, df = 1, p_value = pchisq(x, 1, lower.tail = FALSE))
rows <- function(t) rep(row(t), t)
columns <- function(t) rep(col(t), t)

migraine <- array(c(16, 5, 11, 20, 12, 7, 16, 19), c(2, 2, 2))
arthritis <- array(c(6, 19, 5, 7, 16, 6, 7, 10, 2, 0, 5, 1), c(2, 3, 2))
satisfaction <- array(c(1, 2, 0, 0, 3, 3, 1, 2, 11, 17, 8, 4, 2, 3, 5, 2,
                        1, 0, 0, 0, 1, 3, 0, 1, 2, 5, 7, 9, 1, 1, 3, 6), c(4, 4, 2))

two <- list(migraine = migraine, UCBAdmissions = UCBAdmissions)
for (name in names(two)) {
  found <- mantelhaen.test(two[[name]], correct = FALSE)
  add(name, "mantelhaen.test(x, correct = FALSE)",
      c(test(found), odds_ratio = unname(found$estimate),
        ci_lower = found$conf.int[1], ci_upper = found$conf.int[2]))
}
add("arthritis", "mantelhaen.test(x)", test(mantelhaen.test(arthritis)))
add("satisfaction", "mantelhaen.test(x)", test(mantelhaen.test(satisfaction)))

several <- list(satisfaction = satisfaction, arthritis = arthritis)
for (name in names(several)) {
  t <- several[[name]][, , 1]
  add(paste0("kruskal_", name), "kruskal.test(column, row) of stratum 1",
      test(kruskal.test(columns(t), factor(rows(t)))))
}
blocks <- matrix(c(4, 2, 5, 3, 1, 3, 4, 4, 2, 2, 5, 1,
                   5, 3, 4, 4, 1, 2, 2, 3, 3, 1, 5, 4), 6, byrow = TRUE)
add("friedman", "friedman.test(y)", test(friedman.test(blocks)))

# van Elteren: rank-sum statistics about their means over N + 1, added over strata.
away <- spread <- 0
for (h in 1:2) {
  t <- arthritis[, , h]
  y <- columns(t); g <- rows(t); n <- length(y); n1 <- sum(g == 1); n2 <- n - n1
  w <- wilcox.test(y[g == 1], y[g == 2], exact = FALSE, correct = FALSE)$statistic
  ties <- table(y)
  away <- away + (w - n1 * n2 / 2) / (n + 1)
  spread <- spread + n1 * n2 / 12 *
    ((n + 1) - sum(ties^3 - ties) / (n * (n - 1))) / (n + 1)^2
}
add("van_elteren_arthritis",
    "sum of wilcox.test statistics about their means, over N + 1",
    one_df(unname(away^2 / spread)))
for (h in 1:2) {
  t <- satisfaction[, , h]
  n <- sum(t)
  add(paste0("correlation_satisfaction_", h), "(N - 1) * cor(row, column)^2",
      one_df((n - 1) * cor(rows(t), columns(t))^2))
  add(paste0("spearman_satisfaction_", h),
      "(N - 1) * cor(row, column, method = 'spearman')^2",
      one_df((n - 1) * cor(rows(t), columns(t), method = "spearman")^2))
}
cat(sprintf('"engine": "%s"\n"results": [\n', R.version.string),
    paste(lines, collapse = ",\n"), "\n]\n", sep = "")
