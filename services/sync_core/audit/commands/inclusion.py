"""``audit inclusion`` and ``audit checkpoint-key``: what third parties need to hold us to it."""

import base64
import secrets
from typing import Annotated, Final
from uuid import UUID

import typer

from services.sync_core.audit.commands.output import (
    FOUND_A_DIFFERENCE,
    Json,
    console,
    errors,
    finish,
    print_json,
    reading,
    usage_error,
    warn_that_signatures_are_not_checked,
)
from services.sync_core.checkpoints.inclusion import Inclusion, as_json, verify_inclusion
from services.sync_core.checkpoints.note import NoteError, Signer
from services.sync_core.checkpoints.store import (
    checkpoint_numbered,
    inclusion_of,
    last_checkpoint,
)
from services.sync_core.settings import Audit, Checkpoints
from shared.settings import load

_HIGHEST: Final = 2**31 - 1
"""Ten-minute checkpoints take forty thousand years to get there."""


def inclusion(
    account: Annotated[UUID, typer.Argument(metavar="ACCOUNT", help="The account's id.")],
    checkpoint: Annotated[
        int | None,
        typer.Option(
            min=1, max=_HIGHEST, help="The checkpoint's number; without it, the last one."
        ),
    ] = None,
) -> None:
    """Print the proof that a checkpoint states where an account's log ended (JSON)."""
    finish(_inclusion(account, checkpoint))


async def _inclusion(account_id: UUID, number: int | None) -> int:
    async with reading() as pool:
        stored = await (
            last_checkpoint(pool) if number is None else checkpoint_numbered(pool, number)
        )
        if stored is None:
            asked = "yet" if number is None else number
            return usage_error(f"There is no checkpoint {asked}")
        proof = await inclusion_of(pool, account_id, stored)
    if proof is None:
        return usage_error(f"Account {account_id} is not in checkpoint {stored.number}")
    print_json(as_json(proof))
    return _tell(proof)


def _tell(proof: Inclusion) -> int:
    verifiers = load(Audit).verifiers
    if not verifiers:
        warn_that_signatures_are_not_checked()
        return 0
    try:
        checkpoint = verify_inclusion(proof, verifiers)
    except NoteError as error:
        errors.print(f"the proof does not hold: {error}", style="red")
        return FOUND_A_DIFFERENCE
    errors.print(f"checkpoint {checkpoint.number} of {checkpoint.at} states this", style="green")
    return 0


def checkpoint_key(as_json: Json = False) -> None:
    """Make a key that signs checkpoints, and the verifier line for third parties."""
    seed = secrets.token_bytes(32)
    verifier = Signer(load(Checkpoints).checkpoint_origin, seed).verifier.line
    spelt = base64.b64encode(seed).decode()
    if as_json:
        print_json({"key": spelt, "verifier": verifier})
        return
    console.print("Keep secret, in front of older ones in SYNC_CORE_CHECKPOINT_KEY:")
    typer.echo(spelt)
    console.print("Hand out, to everybody who is to check our checkpoints:")
    typer.echo(verifier)
