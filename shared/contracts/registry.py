"""Every message type by its name."""

import inspect
from typing import Any, Final

from shared.contracts import bling_gateway, hub_gateway, sync_core
from shared.contracts.model import Contract


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


def parse_data(message_type: str, data: dict[str, Any]) -> Contract:
    """Parse ``data`` by the model of its type.

    Raises :class:`UnknownTypeError`, and pydantic's ``ValidationError`` for data of a wrong shape.
    """
    model = CONTRACTS.get(message_type)
    if model is None:
        raise UnknownTypeError(message_type)
    return model.model_validate(data)
