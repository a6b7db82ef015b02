"""How the suite is spread over several workers (`pytest -n`)."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

SHARED = "tests/life/"
"""Where files stand on one whole system together."""

STAGES_OF_THEIR_OWN = (
    "tests/life/test_faults.py",
    "tests/life/test_crashes.py",
    "tests/life/test_poorer_hub.py",
)
"""Files of that folder with a whole system of their own."""

LONGEST_FIRST = ("tests/life/test_faults.py", SHARED, "tests/bling_gateway/test_fairness.py")
"""What takes longest, in the order of its start: what starts last must not be waited for alone.

The other whole systems come in their turn, for more than two at once keep two cores too busy.
"""


class OneStageEach(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps together what stands on one stage: a file, and the folder of the whole system."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def make_scheduler(config: pytest.Config, log: Any) -> OneStageEach:
    # Otherwise it begins with the files of most tests, which are the quickest.
    config.option.loadscopereorder = False
    return OneStageEach(config, log)


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests for a worker."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    scope = _scope(nodeid)
    return LONGEST_FIRST.index(scope) if scope in LONGEST_FIRST else len(LONGEST_FIRST)


def _scope(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    is_shared = file.startswith(SHARED) and file not in STAGES_OF_THEIR_OWN
    return SHARED if is_shared else file
