"""What git's history says was published: who changes code and file at once is seen all the same."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson

from shared.contract_lock.compatibility import breaks
from shared.contract_lock.published import PUBLISHED, Published
from shared.contracts.schema import Schema

_LIMIT_S = 60


class NoHistoryError(Exception):
    """Git cannot tell everything that was ever published."""


def withdrawn(published: Published, path: Path = PUBLISHED) -> Iterator[str]:
    """Say what some commit published that is no longer there, or that breaks its readers.

    Raises:
        NoHistoryError: without git, in a shallow clone, or where the file was never committed.
    """
    for key, held in _ever_published(path).items():
        if key not in published:
            yield f"{key} was published by {held[0][0]:.12}, and is no longer there"
            continue
        for commit, schema in held:
            for broken in breaks(schema, published[key]):
                yield f"{key} {broken} (since {commit:.12} published it)"


def _ever_published(path: Path) -> dict[str, list[tuple[str, Schema]]]:
    """Return each schema that an entry ever had, with the first commit that held it."""
    known: dict[str, list[tuple[str, Schema]]] = {}
    for commit in _commits(path):
        for key, schema in _held(path, commit).items():
            held = known.setdefault(key, [])
            if all(schema != each for _, each in held):
                held.append((commit, schema))
    return known


def _commits(path: Path) -> list[str]:
    """Return the commits that touched the file, in any line of history, oldest first."""
    if _git(path, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise NoHistoryError("a shallow clone has no earlier revisions (git fetch --unshallow)")
    listed = _git(path, "rev-list", "--reverse", "--full-history", "HEAD", "--", path.name)
    if not listed:
        raise NoHistoryError(f"no commit holds {path.name}")
    return listed.decode().split()


def _held(path: Path, commit: str) -> Published:
    """Return what the file said at that commit; a commit that removed it said nothing."""
    if not _git(path, "ls-tree", commit, "--", path.name):
        return {}
    published: Published = orjson.loads(_git(path, "show", f"{commit}:./{path.name}"))
    return published


def _git(path: Path, *arguments: str) -> bytes:
    # A git hook says in GIT_* which repository it is about: here the file's own is meant.
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - nothing of it comes from outside
            ["git", "-C", str(path.parent), *arguments],  # noqa: S607 - whichever git there is
            env=environment,
            check=True,
            capture_output=True,
            timeout=_LIMIT_S,
        )
    except FileNotFoundError as error:
        raise NoHistoryError("there is no git") from error
    except subprocess.CalledProcessError as error:
        raise NoHistoryError(error.stderr.decode(errors="replace").strip()) from error
    return done.stdout
