"""What both gateways tell of commands, of accounts that rest, and of people they forgot.

Both gateways publish these shapes under their own names (``bling.command.parked``,
``hub.command.parked``, …).
"""

from uuid import UUID

from shared.contracts.model import Contract


class CommandOutcome(Contract):
    """Which command is meant, and which shipment it was about (None: no shipment's)."""

    command_id: UUID
    command_type: str
    shipment: int | None = None


class CommandParked(CommandOutcome):
    """The command cannot go on by itself. It is kept and retried on request."""

    cause: str
    shown: int | None = None


class CommandSuperseded(CommandOutcome):
    """A newer command made this one void before it started."""

    superseded_by: UUID


class CommandDiscarded(CommandOutcome):
    """A person gave the parked command up."""

    cause: str


class SubjectErased(Contract):
    """What the gateway held of the subject is gone. ``erased``: table → rows that held something.

    Whatever it learns of the subject later it neither keeps nor tells.
    """

    command_id: UUID
    subject: str
    erased: dict[str, int]


class AccountPaused(Contract):
    """Somebody stopped the account's work at this gateway; what comes in is kept."""

    by: str
    reason: str


class AccountResumed(Contract):
    """The account's work goes on."""

    by: str
