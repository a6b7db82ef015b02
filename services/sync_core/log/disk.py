"""What makes a new file outlast a power cut."""

import os
from pathlib import Path


def sync_directory(path: Path) -> None:
    """Return when the directory's entries are on disk. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
