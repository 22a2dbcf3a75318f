# Short names for what `python3 manage.py --help` lists.
python = .veloflux/venv/bin/python

.PHONY: up test check fix bench

up:
	python3 manage.py up

test:
	python3 manage.py test

# ruff, mypy and the floors (import-linter); no tests.
check:
	python3 manage.py test --checks

fix:
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

bench:
	python3 manage.py bench
