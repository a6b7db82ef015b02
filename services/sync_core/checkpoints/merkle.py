"""Merkle trees (RFC 6962, section 2.1): a root over all leaves, and proofs that one is there."""

import hashlib
from collections.abc import Sequence
from typing import Final

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of a zero byte and the leaf."""
    return hashlib.sha256(_LEAF + leaf).digest()


class Tree:
    """A tree over leaves whose order is theirs; single leaves can be replaced."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [[leaf_hash(leaf) for leaf in leaves]]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            self._levels.append([_node(below, at) for at in range(0, len(below), 2)])

    @property
    def root(self) -> bytes:
        """The tree's root; without leaves, the hash of nothing."""
        return self._levels[-1][0] if self._levels[0] else hashlib.sha256().digest()

    def replace(self, index: int, leaf: bytes) -> None:
        """Put another leaf in the place of one that is there."""
        self._levels[0][index] = leaf_hash(leaf)
        for below, above in zip(self._levels, self._levels[1:], strict=False):
            index //= 2
            above[index] = _node(below, 2 * index)

    def path(self, index: int) -> list[bytes]:
        """Return the proof that the leaf is in the tree: its siblings, the lowest first."""
        siblings = []
        for level in self._levels[:-1]:
            if (sibling := index ^ 1) < len(level):
                siblings.append(level[sibling])
            index //= 2
        return siblings


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root of the tree of ``size`` leaves that has ``leaf`` there, by its proof.

    None if the proof is not one of such a place. The steps are those of RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    last, root = size - 1, leaf_hash(leaf)
    for sibling in path:
        if last == 0:
            return None
        if index % 2 or index == last:
            root = hashlib.sha256(_NODE + sibling + root).digest()
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            root = hashlib.sha256(_NODE + root + sibling).digest()
        index, last = index // 2, last // 2
    return root if last == 0 else None


def _node(below: Sequence[bytes], at: int) -> bytes:
    """Return the node over two hashes; the last of an odd number goes up as it is."""
    if at + 1 == len(below):
        return below[at]
    return hashlib.sha256(_NODE + below[at] + below[at + 1]).digest()
