"""How data of an earlier version of a message type becomes data of the next.

What is logged is never rewritten: it is brought up to the version that the code knows whenever it
is read, one version at a time.
"""

from collections.abc import Callable
from typing import Any, Final

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""A pure function from a version's data, as JSON, to the next version's.

In the log the personal part stands sealed beside the data, so a step must do without it; where a
command's content is put in, the step gets both parts joined, as the version before knew them.
"""

UPCASTERS: Final[dict[tuple[str, int], Upcaster]] = {}
"""(type, version) → the step to the version after it: one for every version before the model's."""
