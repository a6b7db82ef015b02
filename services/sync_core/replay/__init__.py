"""Replay: every state folded from the log again beside the live ones, compared, and put live.

``shadow.py`` makes the tables beside the live ones, ``fold.py`` fills them from the log in bounded
memory, ``compare.py`` tells what differs, and ``rebuild.py`` is the whole story, with its swap.
"""

from services.sync_core.replay.compare import Difference
from services.sync_core.replay.fold import BrokenLogError
from services.sync_core.replay.rebuild import Replay, TablesInUseError, Watch
from services.sync_core.replay.shadow import shadow_tables

__all__ = [
    "BrokenLogError",
    "Difference",
    "Replay",
    "TablesInUseError",
    "Watch",
    "shadow_tables",
]
