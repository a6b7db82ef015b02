"""A state directory of the test's own, in place of .run/."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import servers


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Lend a directory, and stop and remove whatever a test leaves below it, links followed."""
    yield tmp_path
    servers.stop_left_over(tmp_path)
    for path in tmp_path.iterdir():
        if path.is_symlink():
            shutil.rmtree(path.resolve())
