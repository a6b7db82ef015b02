"""The language on the bus: one envelope, and one model for each message type.

One module per owner: what the Bling gateway publishes, what the 360Hub gateway publishes, and
what the sync core logs and sends. Nothing here does any I/O or imports other code of ours.
"""

from shared.contracts.canonical import canonical
from shared.contracts.envelope import PARTITIONS, Message, derived_id, partition_of
from shared.contracts.model import Contract, Frozen, Personal, join_personal, split_personal
from shared.contracts.registry import (
    CONTRACTS,
    UnknownTypeError,
    UnknownVersionError,
    parse_data,
    parse_message,
    upcast,
)

__all__ = [
    "CONTRACTS",
    "PARTITIONS",
    "Contract",
    "Frozen",
    "Message",
    "Personal",
    "UnknownTypeError",
    "UnknownVersionError",
    "canonical",
    "derived_id",
    "join_personal",
    "parse_data",
    "parse_message",
    "partition_of",
    "split_personal",
    "upcast",
]
