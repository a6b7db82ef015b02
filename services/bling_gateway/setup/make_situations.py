"""Making sure that the situações that we write exist."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from services.bling_gateway.client import BlingClient, Caller, Clients
from services.bling_gateway.errors import NotFoundError, RefusedError
from services.bling_gateway.setup import roles
from services.bling_gateway.setup.follow_situations import (
    SituationLists,
    definition,
    listed_by,
    refusal_to_read,
)
from services.bling_gateway.store.situations import Told
from shared.contracts.bling_gateway import (
    Role,
    SituationDefinition,
    SituationsObserved,
    SituationsRefused,
)
from shared.contracts.sync_core import EnsureSituations, WantedSituation
from shared.gateway.errors import TryAgain
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue

# A list that does not show yet what was created must not have it created once more.
_LOOK_AGAIN_S: Final = 30.0


@dataclass
class Making:
    """What came of creating situações: those that were made, and the refusals."""

    made: dict[Role, SituationDefinition] = field(default_factory=dict)
    refused: list[SituationsRefused] = field(default_factory=list)


class SituationMaker:
    """Carries out ``bling.ensure_situations``: find, else create, then read back."""

    def __init__(self, clients: Clients, queue: WorkQueue, lists: SituationLists) -> None:
        self._clients = clients
        self._queue = queue
        self._lists = lists

    async def ensure(self, work: Work) -> None:
        """Publish which situações the account has, and which of those wanted Bling refused.

        Each attempt begins by reading, so a creation of unknown result is not repeated.
        """
        told = await self._lists.told(work)
        before = replace(told, wanted=work.read(EnsureSituations).wanted)
        client = self._clients(Caller(work.account_id, work.priority))
        try:
            listed = await listed_by(client)
        except RefusedError as error:
            return await self._tell(work, before, refusal_to_read(error))
        missing = roles.cast(before.wanted, listed.situations, before.roles).missing
        making = await _make(client, listed.module, missing)
        made = {role: situation.id for role, situation in making.made.items()}
        observed = await self._lists.observed(
            client,
            work,
            replace(listed, situations=(*listed.situations, *making.made.values())),
            replace(before, roles={**before.roles, **made}),
        )
        return await self._tell(work, before, observed, making.refused)

    async def _tell(
        self,
        work: Work,
        before: Told,
        told: SituationsObserved | SituationsRefused,
        refused: Sequence[SituationsRefused] = (),
    ) -> None:
        async with self._queue.completing(work) as conn:
            await self._lists.tell(conn, work, before, told)
            for refusal in refused:
                purpose = f"{work.asked_by.id}|refused|{refusal.name}"
                await self._lists.publish(conn, work, refusal, purpose=purpose)


async def _make(client: BlingClient, module: int, missing: Sequence[WantedSituation]) -> Making:
    making = Making()
    for want in missing:
        try:
            created = await client.create_situation(
                module, want.name, inherits=want.inherits, colour=want.colour
            )
        except RefusedError as error:
            making.refused.append(_refusal(want, error))
        else:
            making.made[want.role] = await _read_back(client, created)
    return making


async def _read_back(client: BlingClient, situation_id: int) -> SituationDefinition:
    try:
        return definition(await client.situation(situation_id))
    except NotFoundError as error:
        raise TryAgain(_LOOK_AGAIN_S, "a situação that was created is not shown yet") from error


def _refusal(want: WantedSituation, error: RefusedError) -> SituationsRefused:
    return SituationsRefused(
        action="create", name=want.name, code=error.code, message=error.message
    )
