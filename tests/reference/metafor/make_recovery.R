# Reference numbers for effect sizes and recovered inputs that no committed case has:
# every variance formula, stand-ins (d, t, p, r), recovered tables, means from medians,
# errors from intervals, ways back. All data are made up here.
#
#   Rscript make_recovery.R recovery.json        (metafor 5.1-12, jsonlite)
suppressMessages({ library(metafor); library(jsonlite) })

cases <- list()
case <- function(fun, call, args, results) {
   cases[[length(cases) + 1]] <<- list(fun = fun, options = call, data = args, results = results)
}
escalc_case <- function(measure, data, ...) {
   options <- list(...)
   got <- suppressWarnings(do.call(escalc, c(list(measure = measure), data, options)))
   case("effect_sizes", c(list(measure = measure), options), data,
        list(effect = as.numeric(got$yi), variance = as.numeric(got$vi)))
}

t22 <- list(ai = c(12, 0, 30, 7, 55), bi = c(88, 40, 20, 3, 145), ci = c(20, 4, 25, 9, 60), di = c(75, 36, 30, 2, 130))
for (m in c("RR", "OR", "RD")) for (v in c("LS", "AV", "H0")) escalc_case(m, t22, vtype = v)
for (m in c("OR2D", "OR2DN")) for (v in c("AV", "H0")) escalc_case(m, t22, vtype = v)
for (v in c("LS", "ST", "CS")) escalc_case("ZPHI", t22, vtype = v)

pair22 <- list(ai = c(30, 12, 40), bi = c(20, 28, 10), ci = c(25, 15, 35), di = c(25, 25, 15))
escalc_case("MPORM", c(pair22, list(ri = c(0.5, 0.2, 0.7))))
escalc_case("MPORM", c(pair22, list(pi = c(0.4, 0.25, 0.65))))

means <- list(m1i = c(10.2, 55, 3.1, 1.25), sd1i = c(2.5, 47, 0.9, 0.4), n1i = c(25, 155, 6, 12),
              m2i = c(8.7, 75, 2.2, 1.75), sd2i = c(3, 64, 1.4, 0.35), n2i = c(27, 156, 5, 10))
for (v in c("LS", "LS2", "UB", "AV", "H0")) for (m in c("SMD", "SMD1")) escalc_case(m, means, vtype = v)
for (v in c("LS", "LS2", "LS3")) escalc_case("SMDH", means, vtype = v)
for (v in c("LS", "LS2", "HO", "AV", "AVHO")) escalc_case("ROM", means, vtype = v)
for (v in c("LS", "LS2")) for (m in c("VR", "CVR")) escalc_case(m, means, vtype = v)
for (v in c("LS", "LS2", "LS3", "H0")) escalc_case("CLESN", means, vtype = v)
for (v in c("ST", "CS")) for (m in c("RPB", "ZPB")) escalc_case(m, means, vtype = v)
sizes <- means[c("n1i", "n2i")]
for (m in c("SMD", "RPB", "ZPB", "RBIS", "ZBIS", "D2OR", "D2ORN", "CLESN")) {
   escalc_case(m, c(sizes, list(di = c(0.5, -0.2, 0, 1.1))))
   escalc_case(m, c(sizes, list(ti = c(2.1, -0.7, 0.3, 1.4))))
   escalc_case(m, c(sizes, list(pi = c(0.04, -0.5, 0.7, 0.012))))
   if (m != "CLESN") escalc_case(m, c(sizes, list(ri = c(0.3, -0.05, 0.1, 0.4))))
}
escalc_case("CLESN", c(sizes, list(ai = c(0.6, 0.4, 0.5, 0.8))))
escalc_case("AUC", c(sizes, list(ai = c(0.6, 0.4, 0.5, 0.8), mi = c(0.1, 0, 0.2, 0))), vtype = "LS2")

change <- list(m1i = c(30.6, 23.5, 0.5, 0.6), m2i = c(38.5, 26.8, 0.7, 0.2), sd1i = c(15, 3.1, 0.1, 0.5),
               sd2i = c(11.6, 4.1, 0.1, 0.7), ni = c(20, 50, 9, 12), ri = c(0.47, 0.64, 0.77, 0.1))
for (v in c("LS", "LS2", "UB", "H0")) escalc_case("SMCC", change, vtype = v)
for (v in c("LS", "LS2")) for (m in c("SMCR", "SMCRH", "SMCRPH", "ROMC", "VRC", "CVRC"))
   escalc_case(m, change, vtype = v)
escalc_case("SMCC", list(ni = change$ni, ti = c(2.2, -1.1, 0.4, 3)))
escalc_case("SMCC", list(ni = change$ni, pi = c(0.04, -0.3, 0.7, 0.01)))
escalc_case("SMCC", list(ni = change$ni, di = c(0.4, -0.3, 0.7, 0.01)))

cors <- list(ri = c(0.187, -0.5, 0, 0.93, 0.32), ni = c(109, 20, 50, 12, 6))
for (v in c("LS", "AV", "H0", "H0b")) escalc_case("COR", cors, vtype = v)
escalc_case("ZCOR", list(ni = cors$ni, ti = c(1.2, -2, 0.1, 6, 0.4)))
escalc_case("COR", list(ni = cors$ni, pi = c(0.2, -0.02, 0.9, 0.001, 0.6)))
regr <- list(ti = c(2.1, -1.4, 0.3), mi = c(3, 5, 2), ni = c(40, 80, 25), r2i = c(0.3, 0.12, 0.5))
for (m in c("PCOR", "ZPCOR")) escalc_case(m, regr[c("ti", "mi", "ni")])
for (m in c("SPCOR", "ZSPCOR")) escalc_case(m, regr)
for (m in c("PCOR", "SPCOR")) escalc_case(m, regr, vtype = "AV")
escalc_case("PCOR", c(regr[c("mi", "ni")], list(pi = c(0.04, -0.2, 0.8))))
for (v in c("LS", "AV", "LS2", "AV2")) escalc_case("R2", regr[c("mi", "ni", "r2i")], vtype = v)
escalc_case("ZR2", regr[c("mi", "ni", "r2i")])
escalc_case("R2", c(regr[c("mi", "ni")], list(fi = c(3.2, 1.1, 9))))
escalc_case("R2", c(regr[c("mi", "ni")], list(pi = c(0.03, 0.4, 0.001))))
escalc_case("MN", list(mi = c(10, 12, 9), sdi = c(2, 3, 2.5), ni = c(20, 30, 15)), vtype = "HO")

# -- tables
margins <- list(ni = c(100, 90, 120, 60), n1i = c(50, 40, 70, 30), n2i = c(30, 45, 35, 20))
table_case <- function(name, values, ...) {
   args <- margins; args[[name]] <- values
   got <- suppressWarnings(do.call(conv.2x2, c(args, list(...))))
   case("recover_tables", c(list(name = name), list(...)), args, as.list(got))
}
table_case("ori", c(0.375, 1, 2.5, 0.8))
table_case("ri", c(-0.218, 0.1, 0.05, 0))
table_case("x2i", c(-4.7, 0.9, 0.3, 1.2), correct = FALSE)
table_case("x2i", c(-3.8, 0.5, 0.2, 0.9), correct = TRUE)

# -- means from medians
five <- list(min = c(2, NA, 2, 1.1, NA), q1 = c(NA, 4, 4, 2.0, 3), median = c(6, 6, 6, 3.1, 5),
             q3 = c(NA, 10, 9, 5.2, 6.5), max = c(14, NA, 14, 14, NA), n = c(20, 20, 25, 60, 150))
for (test in c(TRUE, FALSE)) for (dist in c("norm", "lnorm")) {
   got <- suppressWarnings(do.call(conv.fivenum, c(five, list(dist = dist, test = test))))
   case("recover_means", list(distribution = dist, test = test), five,
        list(mean = as.numeric(got$mean), standard_deviation = as.numeric(got$sd),
             skewness = attr(got$mean, "tval"), critical = attr(got$mean, "crit")))
}
one <- function(method, rows) {
   part <- lapply(five, function(x) x[rows])
   got <- do.call(conv.fivenum, c(part, list(method = method, test = FALSE)))
   case("recover_means", list(method = method, distribution = "norm", test = FALSE), part,
        list(mean = as.numeric(got$mean), standard_deviation = as.numeric(got$sd)))
}
one("wan2014", 1:5); one("hozo2005", 1); one("bland2015", 3:4)
part <- list(min = c(1, 2, 3), median = c(5, 5, 6), max = c(10, 11, 12), n = c(12, 40, 100))
got <- do.call(conv.fivenum, c(part, list(method = "hozo2005", test = FALSE)))
case("recover_means", list(method = "hozo2005", distribution = "norm", test = FALSE), part,
     list(mean = as.numeric(got$mean), standard_deviation = as.numeric(got$sd)))

# -- errors
wald <- list(out = c(0.66, 1.4, 0.9, 2.1), ci.lb = c(0.53, 1.1, NA, NA), ci.ub = c(0.81, 1.78, NA, NA),
             zval = c(NA, NA, -1.3, NA), pval = c(NA, NA, NA, 0.03))
got <- conv.wald(out = out, ci.lb = ci.lb, ci.ub = ci.ub, zval = zval, pval = pval,
                 data = as.data.frame(wald), transf = log)
case("wald", list(level = 0.95), wald, list(effect = as.numeric(got$yi), variance = as.numeric(got$vi)))

# -- ways back
y <- c(-0.4, 0.1, 0.6, 1.2, 1.5)
n <- c(12, 20, 35, 50, 80)
back <- function(measure, values, results, sizes = NULL)
   case("back_transform", list(measure = measure), c(list(values = values), if (!is.null(sizes)) list(n = sizes)),
        list(values = as.numeric(results)))
back("PLO", y, transf.ilogit(y)); back("PAS", y, transf.iarcsin(y)); back("ZCOR", y, transf.ztor(y))
back("PFT", y, transf.ipft(y, n), n); back("PRZ", y, pnorm(y)); back("ABT", y, transf.iabt(y))
back("AHW", y, transf.iahw(y)); back("IRS", y, transf.isqrt(y)); back("ZR2", y, transf.ztor2(pmax(y, 0)))
back("IRFT", c(0.05, 0.4, 0.9, 1.2), transf.iirft(c(0.05, 0.4, 0.9, 1.2), n[1:4]), n[1:4])

source <- list(metafor = as.character(packageVersion("metafor")), R = R.version.string, script = "make_recovery.R")
write_json(list(source = source, cases = cases), commandArgs(TRUE)[1], digits = NA, auto_unbox = FALSE, na = "null", pretty = FALSE)
cat(length(cases), "cases\n")
