"""The entries import packages that may be absent: they are loaded by the corpus, not collected as tests."""

collect_ignore = ["entries", "run.py"]
