"""Every pitfall in docs/bling-pitfalls.md has a test, and the files that it names exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (\d+) \|.*\| ([^|]+) \|$", (ROOT / "docs/bling-pitfalls.md").read_text(), re.MULTILINE
)
CLAIM = re.compile(r"Pitfalls? ((?:\d+(?:, | and )?)+)")
ROOMS = ("services/bling_gateway", "services/sync_core/domain", "docs", ".")


def claimed() -> set[int]:
    """The pitfalls that tests name. Those of the double prove the double, not the remedy."""
    texts = (
        path.read_text()
        for path in (ROOT / "tests").rglob("test_*.py")
        if "sandbox" not in path.parts and path != Path(__file__)
    )
    return {
        int(number)
        for text in texts
        for claim in CLAIM.findall(text)
        for number in re.findall(r"\d+", claim)
    }


def test_the_table_is_numbered_without_gaps() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 35))


@pytest.mark.parametrize("number", [int(number) for number, _ in ROWS])
def test_every_pitfall_has_a_test(number: int) -> None:
    assert number in claimed()


def test_the_files_named_exist() -> None:
    named = {name for _, where in ROWS for name in re.findall(r"`([\w/.]+)`", where)}

    missing = [name for name in named if not any((ROOT / room / name).exists() for room in ROOMS)]

    assert missing == []
