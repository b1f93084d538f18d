# The README's commands. `make study` makes the numbers and the book, `make test` proves the code.
PYTHON ?= python3
SEEDS ?= 1
# the longest runs first, so that none is left alone at the end
TABLES ?= corine landcover table1 controls rendering size \
          sen12ms sen12ms_fusion sen12ms_single sen12ms_sr
BIN := .venv/bin
READY := .venv/ready
BOOK := book/_build/html/index.html
export OMP_NUM_THREADS ?= 2
export PYDEVD_DISABLE_FILE_VALIDATION := 1
# or every process would compile torch's Python again: five seconds each
unexport PYTHONDONTWRITEBYTECODE

.PHONY: study real test fuzz faults check imports fast readme outputs look book bench clean
study: $(READY)
	@$(BIN)/srstudy study $(TABLES) --seeds $(SEEDS)
	@$(MAKE) --no-print-directory book

# Real images and published networks: `srstudy data list` and `srstudy weights list` say where they come from.
REAL ?= real_ucmerced real_eurosat_wald real_dose real_eurosat real_ucmerced_resnet50
real: $(READY)
	@test -d "$$SRSTUDY_REALDATA" && test -d "$$SRSTUDY_REALWEIGHTS" || { echo "set SRSTUDY_REALDATA to the folder of \
	ucmerced_multilabel and eurosat_rgb_5600, and SRSTUDY_REALWEIGHTS to that of the published networks"; exit 1; }
	@$(BIN)/srstudy weights add --installed
	@$(BIN)/srstudy weights add "$$SRSTUDY_REALWEIGHTS"
	@for table in $(REAL); do $(BIN)/srstudy plan $$table || exit 1; done
	@$(BIN)/srstudy study $(REAL)
	@$(BIN)/python -c 'import os; from srstudy.study.facts import make_facts; make_facts(os.environ["SRSTUDY_REALDATA"])'
	@$(MAKE) --no-print-directory book

book: $(READY)
	@$(MAKE) --no-print-directory $(BOOK)
	@echo "The book is at file://$(CURDIR)/$(BOOK)"

# All pages are executed again whenever anything that one of them reads has changed.
$(BOOK): $(wildcard book/*.md book/*.yml book/*.csv book/reference/* book/results/* book/bench/* book/_static/* book/_static/*/* results/*.json srstudy/*.py srstudy/*/*.py params/*/* nbs/*.ipynb nbs/*/*.ipynb)
	@echo "Building the book"
	@$(BIN)/srstudy book > /dev/null
	@touch $@

# Cleaning and exporting must leave the notebooks and the library as they are.
FINGERPRINT = git ls-files -co --exclude-standard nbs srstudy | sort | xargs cksum | cksum
check: $(READY)
	@before=$$($(FINGERPRINT)); $(BIN)/nbdev_clean && $(BIN)/nbdev_export && after=$$($(FINGERPRINT)); \
	 test "$$before" = "$$after" || { git status --short nbs srstudy; \
	 echo "nbdev_clean and nbdev_export changed nbs/ or srstudy/: look at git diff and commit what they made"; exit 1; }
	@$(BIN)/ruff check --quiet
	@$(MAKE) --no-print-directory imports

# Every import is declared; what only `dev` brings is imported by notebooks and tests only.
imports: $(READY)
	@$(BIN)/deptry --no-ansi srstudy
	@$(BIN)/deptry --no-ansi nbs tests --exclude '\.ipynb_checkpoints' --ignore DEP002,DEP004

# run.ipynb is proven by pytest, through papermill and in a scratch folder.
test: check
	OMP_NUM_THREADS=1 $(BIN)/nbdev_test --n_workers 2 --timing --do_print --skip_file_re '^([_.]|run)'
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile tests

# Every field of an experiment with any value, 2,000 times; one of twenty is run.
fuzz: $(READY)
	OMP_NUM_THREADS=1 SRSTUDY_FUZZ=2000 $(BIN)/pytest -q tests/test_fuzz.py

# More than 1,000 faults are injected, and what came of them becomes book/faults.csv; a quarter of an hour on two cores.
faults: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore tests/faults/test_faults.py --out book/faults.csv

# While editing: one wing (make fast WING=4_sr), or the root notebooks and the tests that take seconds.
fast: check
ifdef WING
	OMP_NUM_THREADS=1 $(BIN)/nbdev_test --n_workers 2 --do_print --path nbs/$(WING)
else
	OMP_NUM_THREADS=1 $(BIN)/nbdev_test --n_workers 2 --do_print --file_re '^0'
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile -m 'not slow' tests
endif

# The README is the prose of nbs/index.ipynb.
readme: $(READY)
	@$(BIN)/python -c 'from srstudy.book.readme import write_readme; print(write_readme())'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v in [(3, 11), (3, 12)] else f"srstudy needs Python 3.11 or 3.12, but $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "Installing what requirements.lock names into .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python .venv --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation --reinstall-package srstudy -e .
	@touch $@

# What the notebooks show is stored in them: those whose cells have changed, or all (FORCE=1), or one (NB=nbs/01_cards.ipynb).
outputs: $(READY)
	@OMP_NUM_THREADS=1 $(BIN)/python -W ignore -c 'from srstudy.book.outputs import make_outputs; import sys; \
	 sys.exit(int(make_outputs("$(NB)".split(), force=bool("$(FORCE)")).failed.any()))'

# Pictures of all pages, wide and narrow, light and dark (needs Chromium); BEFORE=FOLDER compares them with earlier ones.
LOOK ?= book/_build/look
look: $(BOOK)
	@$(BIN)/python -c 'from srstudy.book.look import look; print(look("book/_build/html", "$(LOOK)", "$(BEFORE)" or None).round(3).to_string())'

# Speed is measured on request: the numbers belong to the machine that measured them.
bench: $(READY)
	@$(BIN)/python -c 'from srstudy.bench.sr import bench; print(bench())'
	@$(BIN)/python -c 'from srstudy.bench.stats import bench_stats; print(bench_stats())'
	@$(BIN)/python -c 'from srstudy.bench.reading import reading_proof, save_reading; print(save_reading(reading_proof()))'

clean:
	rm -rf book/_build results .cache
