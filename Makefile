# The developer's menu. `make run` and `make test` set up all they need.

VENV   := .venv
PYTHON := $(VENV)/bin/python
MANAGE := $(PYTHON) manage.py
# Compiling every module again at each start of a process costs the tests minutes.
unexport PYTHONDONTWRITEBYTECODE

# One more than there are cores: tests of real processes mostly wait.
WORKERS := $(shell python3 -c 'import os; print(os.cpu_count() + 1)')

.PHONY: run test test-postgresql test-everything faults pictures lint lint-layout lint-imports lint-types lint-django audit
.PHONY: format check docs bench bench-regions bench-bundle-s3 clean

run: $(VENV)/runtime            ## web server and workers, http://127.0.0.1:8000 (PORT=8001 make run)
	@exec $(MANAGE) run

test: $(VENV)/development $(VENV)/emulator $(VENV)/s3rver  ## the whole suite
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

test-postgresql: $(VENV)/development $(VENV)/emulator $(VENV)/s3rver  ## again on a PostgreSQL of its own: what touches the database, and real processes without a browser
	.ci/with-postgresql $(PYTHON) -m pytest -n $(WORKERS) --dist loadgroup --database-only $(ARGS)

test-everything: $(VENV)/development $(VENV)/emulator $(VENV)/s3rver  ## every seed and case, and archives beyond 4 GiB: an hour, and 10 GB of disk
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadgroup -m "not readme" --hypothesis-profile=everything $(ARGS)

faults: $(VENV)/development     ## a bad day: 62 kills and every other fault while 2,400 photos come in (SEED=9: another order, PHOTOS=500: a quarter of it)
	FAULTS_SEED=$(SEED) FAULTS_PHOTOS=$(PHOTOS) $(PYTHON) -m pytest tests/live/test_faults.py -m "everything or not everything" -rP $(ARGS)

pictures: $(VENV)/development   ## the pictures of the README, and of every page for people to look at
	$(PYTHON) -m pytest tests/live --screenshots -m "not everything" -k "readme or fits_the_screen" $(ARGS)

lint: lint-layout lint-imports lint-types lint-django  ## what CI checks besides the tests (at once: make -j lint)

lint-layout: $(VENV)/development
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

lint-imports: $(VENV)/development
	$(VENV)/bin/lint-imports

lint-types: $(VENV)/development
	$(PYTHON) -m mypy

lint-django: $(VENV)/development
	$(PYTHON) -W error manage.py makemigrations --check --dry-run
	$(PYTHON) -W error manage.py check

audit: $(VENV)/audit $(VENV)/runtime  ## known vulnerabilities of what is installed; needs the index of advisories
	.ci/audit $(VENV)/audit-env/bin/pip-audit "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

format: $(VENV)/development     ## lay the code out
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

check: $(VENV)/runtime          ## do rows, counts and files agree?
	$(MANAGE) check --deploy
	$(MANAGE) check_counts
	$(MANAGE) check_storage

docs: $(VENV)/runtime           ## docs/settings.md and .env.example from photomgr/environment.toml
	$(PYTHON) -m photomgr.environment

bench: $(VENV)/development      ## the figures of benchmarks/README.md
	$(PYTHON) -m benchmarks

bench-regions: $(VENV)/development  ## 16 workers against a fake of Rekognition: 15 minutes (BENCH_POSTGRES_URL: there as well)
	$(PYTHON) -m benchmarks regions

bench-bundle-s3: $(VENV)/development  ## archives from S3 into S3, against a plain script
	$(PYTHON) -m benchmarks bundle_s3

clean:                          ## the virtual environment and caches; never the data in var/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A marker is younger than its requirements when they are installed.
$(VENV)/runtime: requirements.txt
	@python3 -c 'import sys; sys.exit("photomgr needs Python 3.11 or newer; this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(PYTHON) || python3 -m venv $(VENV)
	@echo "Installing what photomgr needs (once) …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/development: requirements.txt requirements-dev.txt
	@test -x $(PYTHON) || python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/emulator: requirements-emulator.txt $(VENV)/development
	@test -x $(VENV)/ministack/bin/python || python3 -m venv $(VENV)/ministack
	@$(VENV)/ministack/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-emulator.txt
	@touch $@

$(VENV)/audit: requirements-audit.txt
	@test -x $(VENV)/audit-env/bin/python || python3 -m venv $(VENV)/audit-env
	@$(VENV)/audit-env/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-audit.txt
	@touch $@

# Without npm its tests are skipped, and fail in CI.
$(VENV)/s3rver: tests/storage/package.json
	@mkdir -p $(VENV)/npm && cp $< $(VENV)/npm/
	@! command -v npm >/dev/null || npm install --prefix $(VENV)/npm --silent --no-audit --no-fund
	@touch $@
