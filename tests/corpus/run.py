"""Trace the whole corpus and print a table; exit status 1 if a function is wrong or an error.

Functions that compute in compiled code are ``beyond`` tracing: that tracegrad says so in an error is what is expected
of them.

python tests/corpus/run.py [WORD ...]     only entries whose package or name contains one of the words
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter

from corpus import entries_of, judge, packages


def main(words: list[str]) -> int:
    """The table and the total; packages that are not installed are listed and count as errors."""
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    for file in packages():
        try:
            entries = entries_of(file)
        except ImportError as error:
            print(f"{'absent':6}  {file}: {error}")
            counts["error"] += 1
            continue
        for entry in entries:
            if words and not any(word in str(entry) for word in words):
                continue
            begin = time.perf_counter()
            verdict = judge(entry)
            counts[verdict.outcome] += 1
            print(f"{verdict.outcome:6}  {entry}  ({time.perf_counter() - begin:.2f} s)")
            if verdict.detail:
                print(f"        {verdict.detail}")
    total = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("right", "wrong", "error", "beyond"))
    print(f"\n{counts.total()} functions: {total}")
    return int(counts["wrong"] + counts["error"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
