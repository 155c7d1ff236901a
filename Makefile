# Thin aliases of dev.py, which also works where there is no make. `exec`, so that signals arrive.
PYTHON ?= python3

.PHONY: run test sure guide faults bench venv doctor
run: ; @exec $(PYTHON) dev.py run
test: ; @exec $(PYTHON) dev.py test
sure: ; @exec $(PYTHON) dev.py sure
guide: ; @exec $(PYTHON) dev.py guide
faults: ; @exec $(PYTHON) dev.py faults
bench: ; @exec $(PYTHON) dev.py bench
venv: ; @exec $(PYTHON) dev.py venv
doctor: ; @exec $(PYTHON) dev.py doctor
