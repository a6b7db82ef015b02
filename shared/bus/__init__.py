"""The bus: what is declared on RabbitMQ, publishing with confirms, and consuming in order."""

from shared.bus.broker_check import SelfTestError, self_test
from shared.bus.connection import connect
from shared.bus.leases import PartitionLeases
from shared.bus.partition_loop import Consumer, DeadlyDelivery, PartitionLoop
from shared.bus.publisher import NotConfirmed, Publisher, PublishError, Unroutable
from shared.bus.subscription import Delivery
from shared.bus.topology import ExchangeName, Group, Topology

__all__ = [
    "Consumer",
    "DeadlyDelivery",
    "Delivery",
    "ExchangeName",
    "Group",
    "NotConfirmed",
    "PartitionLeases",
    "PartitionLoop",
    "PublishError",
    "Publisher",
    "SelfTestError",
    "Topology",
    "Unroutable",
    "connect",
    "self_test",
]
