"""How the suite is spread over several workers (`pytest -n`)."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

STAGES_OF_THEIR_OWN = (
    "tests/life/test_faults.py",
    "tests/life/test_crashes.py",
    "tests/life/test_poorer_hub.py",
)
"""Whole systems that one file alone stands on; all other files of the folder share one."""

LONGEST_FIRST = (*STAGES_OF_THEIR_OWN[:2], "tests/life/", "tests/bling_gateway/test_fairness.py")
"""What takes longest, in the order of its start: what starts last must not be waited for alone."""


class OneStageEach(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps together what stands on one stage: a file, and the folder of the whole system."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        is_shared = file.startswith("tests/life/") and file not in STAGES_OF_THEIR_OWN
        return "tests/life/" if is_shared else file


def make_scheduler(config: pytest.Config, log: Any) -> OneStageEach:
    # Otherwise it begins with the files of most tests, which are the quickest.
    config.option.loadscopereorder = False
    return OneStageEach(config, log)


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests for a worker."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    places = (i for i, start in enumerate(LONGEST_FIRST) if nodeid.startswith(start))
    return next(places, len(LONGEST_FIRST))
