# Everything that a user or a reviewer runs. Each target makes the environment it needs
# (.venv, from a lock with hashes) and does nothing where nothing has changed.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

RUN := .venv/bin/python

# Bytecode is kept: every rule starts Python anew, and compiling costs more than the step.
export PYTHONDONTWRITEBYTECODE :=
# One thread a step (Snakemake runs steps side by side), and sums in one order.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export PYTHONHASHSEED := 0
export MPLBACKEND := Agg
export LC_ALL := C.UTF-8
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Another library on the user's path must not be taken for this one.
unexport PYTHONPATH PYTHONHOME

SET_UP = @PYTHON="$(PYTHON)" sh scripts/with_python.sh scripts/set_up_environment.py

.PHONY: help
help:
	@echo "make report    run the pipeline: data/ -> results/report.html"
	@echo "make pdf       write results/report.pdf beside it (needs the system library pango)"
	@echo "make test      run the tests"
	@echo "make examples  run the example dossiers of config/examples/"
	@echo "make verify    rerun in a fresh folder and compare every digest with results/manifest.json"
	@echo "make bench     time pooling and mixed models against R, cleaning, and the report"
	@echo "make validate  run the long simulations: known effects recovered, type-I error held"
	@echo "make validate-type-one  its longest part alone: the mixed model (half an hour)"
	@echo "make validate-small-k   intervals of few trials alone (half an hour)"
	@echo "make docs      write config/README.md, the outputs of docs/tutorial.md, and the pictures of README.md"
	@echo "make images    draw the pictures of README.md"
	@echo "make lint      check style, types, workflow and spelling"
	@echo "make clean     remove what rules made: results/ (but its README), logs/, .snakemake/"
	@echo "make lock      renew the locks from pyproject.toml (needs uv)"

.PHONY: environment
environment:
	$(SET_UP) requirements.lock

.PHONY: dev-environment
dev-environment:
	$(SET_UP) requirements-dev.lock

.PHONY: report
report: environment
	@$(RUN) scripts/run_pipeline.py

.PHONY: pdf
pdf: report
	@$(RUN) -m snakemake --cores 1 --quiet all -- results/report.pdf
	@echo "written: results/report.pdf"

.PHONY: examples
examples: environment
	@$(RUN) scripts/run_pipeline.py config/examples/meta_analysis
	@$(RUN) scripts/run_pipeline.py config/examples/shapes
	@$(RUN) scripts/run_pipeline.py config/examples/gallery
	@$(RUN) scripts/fetch_example_trials.py config/examples/trials
	@test ! -d config/examples/trials/data/raw || \
	  $(RUN) scripts/run_pipeline.py config/examples/trials

.PHONY: verify
verify: environment
	@$(RUN) scripts/verify_dossier.py

.PHONY: test
test: dev-environment
	@$(RUN) -m pytest -n 2 --dist worksteal

.PHONY: validate
validate: dev-environment
	@$(RUN) -m pytest -m validation
	@$(RUN) scripts/validate_type_one.py
	@$(RUN) scripts/validate_small_k.py

# Half an hour on two processors: type-I error and coverage of the mixed model.
.PHONY: validate-type-one
validate-type-one: dev-environment
	@$(RUN) scripts/validate_type_one.py

# Which interval holds with few trials: about half an hour on two processors.
.PHONY: validate-small-k
validate-small-k: dev-environment
	@$(RUN) scripts/validate_small_k.py

.PHONY: bench
bench: environment
	@$(RUN) scripts/bench_pooling.py
	@$(RUN) scripts/bench_mixed_models.py
	@$(RUN) scripts/bench_cleaning.py
	@$(RUN) scripts/bench_report.py

.PHONY: docs
docs: environment images
	@$(RUN) -m trialstats.config.document >config/README.md.part
	@mv config/README.md.part config/README.md
	@echo "written: config/README.md"
	@$(RUN) scripts/write_tutorial.py
	@$(RUN) scripts/write_gallery.py

.PHONY: images
images: report
	@$(RUN) scripts/draw_readme_images.py
	@echo "drawn: docs/images/"

.PHONY: lint
lint: dev-environment
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy
	$(RUN) -m snakefmt --check Snakefile workflow
	$(RUN) -m snakemake --lint
	$(RUN) -m codespell_lib

.PHONY: clean
clean:
	@find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	@rm -rf logs .snakemake

.PHONY: lock
lock:
	@command -v uv >/dev/null || { echo "make lock needs uv" >&2; exit 1; }
	sh scripts/lock.sh
