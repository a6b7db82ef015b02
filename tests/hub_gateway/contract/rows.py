"""The rows of docs/hub-contract.md, and who plays them."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tests.hub_gateway.system import Seller

_ROOT = Path(__file__).parents[3]
_TABLE_ROW = re.compile(r"^\| ([A-Z]\d+) \| (.*) \|$", re.MULTILINE)
_MARK = re.compile(r"mark\.row\(([^)]*)\)")

Steps = Callable[..., Awaitable[None]]
S = TypeVar("S", bound=Steps)


@dataclass(frozen=True)
class Play:
    """Steps that show some rows to hold, for a connected seller of their own."""

    name: str
    rows: tuple[str, ...]
    steps: Callable[[Seller], Awaitable[None]]


PLAYS: list[Play] = []


def row(*rows: str, **given: Any) -> Callable[[S], S]:
    """Let the function play these rows, called with the seller and what is given."""

    def keep(steps: S) -> S:
        name = f"{steps.__name__}-{'-'.join(rows)}"
        PLAYS.append(Play(name, rows, partial(steps, **given)))
        return steps

    return keep


def written() -> dict[str, tuple[str, ...]]:
    """Return the cells of each row of the document."""
    text = (_ROOT / "docs/hub-contract.md").read_text()
    return {found[1]: tuple(found[2].split(" | ")) for found in _TABLE_ROW.finditer(text)}


def marked() -> set[str]:
    """Return the rows that tests elsewhere play, by their marks."""
    tests = Path(__file__).parents[1].rglob("test_*.py")
    marks = (mark for test in tests for mark in _MARK.findall(test.read_text()))
    return {name for mark in marks for name in re.findall(r'"([A-Z]\d+)"', mark)}
