"""Every message type by its name."""

import inspect
from typing import Any, Final

from shared.contracts import bling_gateway, hub_gateway, sync_core
from shared.contracts.envelope import Message
from shared.contracts.model import Contract
from shared.contracts.upcasting import UPCASTERS


def _types() -> dict[str, type[Contract]]:
    found: dict[str, type[Contract]] = {}
    for module in (bling_gateway, hub_gateway, sync_core):
        for _, model in inspect.getmembers(module, inspect.isclass):
            if issubclass(model, Contract) and "TYPE" in model.__dict__:
                found[model.TYPE] = model
    return found


CONTRACTS: Final = _types()
"""``type`` → model, for all types that any of our services sends or logs."""


class UnknownTypeError(Exception):
    """The message type is not one of ours."""


class UnknownVersionError(Exception):
    """The data is of a version that this code does not know: probably a newer release's."""


def upcast(message_type: str, version: int, data: dict[str, Any]) -> dict[str, Any]:
    """Bring data of an earlier version up to the version of its type's model.

    Raises :class:`UnknownTypeError` and :class:`UnknownVersionError`.
    """
    model = CONTRACTS.get(message_type)
    if model is None:
        raise UnknownTypeError(message_type)
    if not 1 <= version <= model.VERSION:
        raise UnknownVersionError(f"{message_type}:{version}")
    for earlier in range(version, model.VERSION):
        data = UPCASTERS[message_type, earlier](data)
    return data


def parse_data(message_type: str, version: int, data: dict[str, Any]) -> Contract:
    """Parse ``data`` of any version by the model of its type.

    Raises as :func:`upcast` does, and pydantic's ``ValidationError`` for data of a wrong shape.
    """
    current = upcast(message_type, version, data)
    return CONTRACTS[message_type].model_validate(current)


def parse_message(message: Message) -> Contract:
    """Parse what a message says. Raises as :func:`parse_data` does."""
    return parse_data(message.type, message.version, message.data)
