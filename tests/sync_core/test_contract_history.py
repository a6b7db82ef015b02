"""What any commit published stays published: who changes code and file at once is seen."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.contract_lock.history import NoHistoryError, withdrawn
from shared.contract_lock.published import Published, read, text_of
from shared.contracts.schema import Schema

Commit = Callable[[Published | None], None]

NUMBER = {"type": "integer"}


def parcel(**fields: Schema) -> Schema:
    return {"type": "object", "required": sorted(fields), "properties": fields}


def optional(schema: Schema, **fields: Schema) -> Schema:
    return schema | {"properties": schema["properties"] | fields}


ONE = {"parcel.weighed:1": parcel(weight=NUMBER)}
OTHER = {"parcel.lost:1": parcel(day=NUMBER)}
WIDER = {"parcel.weighed:1": optional(ONE["parcel.weighed:1"], note={"type": "string"})}
RENAMED = {"parcel.weighed:1": parcel(grams=NUMBER)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The published file's place in a new repository."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    folder = tmp_path / "shared" / "contracts"
    folder.mkdir(parents=True)
    return folder / "published.json"


@pytest.fixture
def commit(file: Path) -> Commit:
    """Commit what the file says, or its removal."""

    def committed(published: Published | None) -> None:
        if published is None:
            file.unlink()
        else:
            file.write_text(text_of(published), encoding="utf-8")
        git(file.parent, "add", "--all", ".")
        git(file.parent, "commit", "--quiet", "--allow-empty", "--message=Contracts")

    return committed


def git(folder: Path, *arguments: str) -> None:
    nobody = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.com"]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(
        ["git", *nobody, "-C", str(folder), *arguments], env=environment, check=True, timeout=60
    )


def test_what_readers_bear_passes(file: Path, commit: Commit) -> None:
    commit(ONE)
    commit(WIDER)

    assert list(withdrawn(WIDER | OTHER, file)) == []


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (OTHER, "parcel.weighed:1 was published by"),
        (RENAMED | OTHER, "parcel.weighed:1 weight: removed"),
        (ONE | OTHER, "parcel.weighed:1 note: removed"),
    ],
    ids=["an entry is gone", "an entry says another thing", "a field that came later is gone"],
)
def test_a_file_that_was_changed_with_the_code_is_refused(
    file: Path, commit: Commit, now: Published, told: str
) -> None:
    """Also when the change is committed, and others came upon it."""
    commit(ONE)
    commit(WIDER)
    commit(now)
    commit(now | {"parcel.found:1": parcel()})

    reasons = list(withdrawn(read(file), file))

    assert any(reason.startswith(told) for reason in reasons), reasons


def test_a_file_that_was_removed_and_made_anew_is_refused(file: Path, commit: Commit) -> None:
    commit(ONE)
    commit(None)
    commit(OTHER)

    assert len(list(withdrawn(OTHER, file))) == 1


def test_what_only_a_merged_line_published_counts(file: Path, commit: Commit) -> None:
    """The merge took the other line's file: plain ``git log`` no longer names that commit."""
    commit(OTHER)
    git(file.parent, "switch", "--quiet", "--create", "beside")
    commit(ONE | OTHER)
    git(file.parent, "switch", "--quiet", "main")
    commit(OTHER)
    git(file.parent, "merge", "--quiet", "--no-edit", "--strategy=ours", "beside")

    assert len(list(withdrawn(OTHER, file))) == 1


def test_a_shallow_clone_is_no_history(file: Path, commit: Commit, tmp_path: Path) -> None:
    commit(ONE)
    commit(OTHER)
    git(tmp_path, "clone", "--quiet", "--depth=1", tmp_path.as_uri(), "shallow")
    cloned = tmp_path / "shallow" / "shared" / "contracts" / "published.json"

    with pytest.raises(NoHistoryError, match="shallow"):
        list(withdrawn(OTHER, cloned))


def test_a_file_of_no_commit_has_no_history(file: Path) -> None:
    git(file.parent, "commit", "--quiet", "--allow-empty", "--message=Before the contracts")

    with pytest.raises(NoHistoryError, match="no commit"):
        list(withdrawn(ONE, file))


def test_a_folder_outside_of_git_has_no_history(tmp_path: Path) -> None:
    with pytest.raises(NoHistoryError, match="not a git repository"):
        list(withdrawn(ONE, tmp_path / "published.json"))


def test_without_git_there_is_no_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoHistoryError, match="no git"):
        list(withdrawn(ONE, tmp_path / "published.json"))
