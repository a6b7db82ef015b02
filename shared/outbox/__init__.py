"""The outbox: what was committed and is not yet on the bus, published in order."""

from shared.outbox.relay import OutboxEntry, OutboxSource, Relay

__all__ = ["OutboxEntry", "OutboxSource", "Relay"]
