"""The whole double: its companies and the machinery that all of them share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sandbox.bling.clock import VirtualClock
from sandbox.bling.companies import another_company, first_company
from sandbox.bling.errors import ControlError
from sandbox.bling.faults import Faults
from sandbox.bling.limits import AddressBlocks, CompanyPace
from sandbox.bling.oauth import Authorisations
from sandbox.bling.postman import Postman
from sandbox.bling.registration import Registration
from sandbox.bling.settings import Settings
from sandbox.bling.state import ApiCall, Company, Ids, Order
from sandbox.bling.unconfirmed import Unconfirmed
from sandbox.bling.webhooks import Webhooks


@dataclass(slots=True)
class Sandbox:
    """Everything the handlers reach; the first company is the default of every control."""

    settings: Settings
    clock: VirtualClock
    ids: Ids = field(init=False)
    postman: Postman = field(init=False)
    registration: Registration = field(init=False)
    unconfirmed: Unconfirmed = field(init=False)
    companies: dict[str, Company] = field(init=False)
    authorisations: Authorisations = field(init=False)
    webhooks: Webhooks = field(init=False)
    pace: CompanyPace = field(init=False)
    addresses: AddressBlocks = field(init=False)
    faults: Faults = field(init=False)
    calls: list[ApiCall] = field(init=False)
    """Every call of the API, in the order of the answers."""

    def __post_init__(self) -> None:
        self.ids = Ids(self.clock)
        self.postman = Postman(str(self.settings.webhook_url))
        self._start_over()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver webhooks while the block runs; leaving it abandons what is under way."""
        async with self.postman.running():
            try:
                yield
            finally:
                await self.webhooks.stop()

    async def reset(self) -> None:
        """Go back to the start, tokens and time included; ids are not used again."""
        await self.webhooks.stop()
        self.clock.reset()
        self._start_over()

    async def advance(self, span: timedelta) -> None:
        """Move the clock on, stopping wherever a webhook is due, so that each goes in its time."""
        end = self.clock() + span
        await self.webhooks.caught_up()
        while (due := self.webhooks.next_try_at()) is not None and due <= end:
            self.clock.advance_to(due)
            await self.webhooks.caught_up()
        self.clock.advance_to(end)

    def add_company(self, name: str | None) -> Company:
        """Make another company."""
        company = another_company(self.ids, self.clock, name=name)
        self.companies[company.id] = company
        return company

    def company(self, company_id: str | None) -> Company:
        """Find the company that a control means."""
        if company_id is None:
            return next(iter(self.companies.values()))
        if company_id not in self.companies:
            raise ControlError(f"no company {company_id}", status=404)
        return self.companies[company_id]

    def owner_of(self, order_id: int) -> tuple[Company, Order]:
        """Find an order, deleted ones included, and its company; order ids are unique."""
        for company in self.companies.values():
            if order_id in company.orders:
                return company, company.orders[order_id]
        raise ControlError(f"no order {order_id}", status=404)

    def _start_over(self) -> None:
        first = first_company(self.ids, self.clock)
        self.companies = {first.id: first}
        self.registration = Registration.of(self.settings)
        self.unconfirmed = Unconfirmed()
        self.authorisations = Authorisations(
            self.clock, self.registration, self.unconfirmed, self.companies
        )
        self.webhooks = Webhooks(
            postman=self.postman,
            registration=self.registration,
            unconfirmed=self.unconfirmed,
            clock=self.clock,
            is_authorised=self.authorisations.is_authorised,
        )
        self.pace = CompanyPace(self.clock, self.unconfirmed)
        self.addresses = AddressBlocks(self.clock)
        self.faults = Faults()
        self.calls = []
