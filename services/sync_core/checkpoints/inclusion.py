"""Inclusion proofs: where an account's log ended when a checkpoint was signed."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from services.sync_core.checkpoints.checkpoint import AccountHead, Checkpoint, parse_checkpoint
from services.sync_core.checkpoints.merkle import root_of_path
from services.sync_core.checkpoints.note import NoteError, Verifier, checked_text
from shared.contracts import Frozen


class Inclusion(Frozen):
    """A proof as it is handed out; hashes are in hexadecimal, ``checkpoint`` is the signed note."""

    account_id: UUID
    position: int
    hash: str
    index: int
    path: tuple[str, ...]
    checkpoint: str


def verify_inclusion(proof: Inclusion, verifiers: Collection[Verifier]) -> Checkpoint:
    """Return the checkpoint if the proof holds. Raises `NoteError`.

    ``hash`` is that of the account's event at ``position``: whoever holds the account's events up
    to there can compute it.
    """
    checkpoint = parse_checkpoint(checked_text(proof.checkpoint, verifiers))
    try:
        head = AccountHead(proof.account_id, proof.position, bytes.fromhex(proof.hash))
        path = [bytes.fromhex(sibling) for sibling in proof.path]
        leaf = head.leaf
    except (ValueError, OverflowError):
        raise NoteError("the proof is not spelt as one") from None
    if root_of_path(leaf, proof.index, checkpoint.size, path) != checkpoint.root:
        raise NoteError("the account's head is not in the checkpoint")
    return checkpoint


def as_json(proof: Inclusion) -> dict[str, Any]:
    """Return the proof as JSON values."""
    return proof.model_dump(mode="json")
