"""What an account's filter can choose from: sales channels, and services that parcels go by."""

from services.bling_gateway import wire
from services.bling_gateway.client import BlingClient, Caller, Clients
from services.bling_gateway.setup.follow_situations import SituationLists, if_shown
from shared.contracts.bling_gateway import (
    BusinessUnit,
    EntryOptionsObserved,
    LogisticsService,
    Store,
)
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue

_DISABLED = 2


class EntryOptionsReader:
    """Carries out ``bling.read_entry_options``."""

    def __init__(self, clients: Clients, queue: WorkQueue, lists: SituationLists) -> None:
        self._clients = clients
        self._queue = queue
        self._lists = lists

    async def read(self, work: Work) -> None:
        """Publish what the filter can choose from, and the situações with it."""
        before = await self._lists.told(work)
        client = self._clients(Caller(work.account_id, work.priority))
        options = EntryOptionsObserved(
            stores=await if_shown(_stores(client), "sales channels"),
            services=await if_shown(_services(client), "logistics services"),
        )
        situations = await self._lists.look(client, work, before)
        async with self._queue.completing(work) as conn:
            purpose = f"{work.asked_by.id}|entry_options"
            await self._lists.publish(conn, work, options, purpose=purpose)
            await self._lists.tell(conn, work, before, situations)


async def _stores(client: BlingClient) -> tuple[Store, ...]:
    return tuple([await _store(client, channel) for channel in await client.channels()])


async def _store(client: BlingClient, channel: wire.Channel) -> Store:
    enabled = channel.situacao != _DISABLED
    return Store(
        id=channel.id,
        name=channel.descricao,
        kind=channel.tipo,
        enabled=enabled,
        # Only its own page names its branches. No new orders come from a disabled one.
        business_units=await _business_units(client, channel.id) if enabled else (),
    )


async def _business_units(client: BlingClient, channel_id: int) -> tuple[BusinessUnit, ...]:
    detail = await if_shown(client.channel(channel_id), "a sales channel")
    named = {
        branch.idUnidadeNegocio: branch.unidadeNegocio
        for branch in (detail.filiais if detail else ())
        if branch.idUnidadeNegocio is not None
    }
    return tuple(BusinessUnit(id=id_, name=name) for id_, name in named.items())


async def _services(client: BlingClient) -> tuple[LogisticsService, ...]:
    services = await client.logistics_services()
    logistics = await if_shown(client.logistics(), "logistics") or []
    names = {each.id: each.descricao for each in logistics}
    return tuple(_service(each, names.get(each.logistica or 0)) for each in services)


def _service(service: wire.LogisticsService, logistics: str | None) -> LogisticsService:
    return LogisticsService(
        id=service.id,
        name=service.descricao,
        code=service.codigo or None,
        aliases=tuple(alias for alias in service.aliases if alias),
        logistics=logistics or None,
        enabled=service.ativo,
    )
