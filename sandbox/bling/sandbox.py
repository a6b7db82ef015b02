"""The whole double: its companies and the machinery that all of them share."""

from dataclasses import dataclass, field

from sandbox.bling.companies import another_company, first_company
from sandbox.bling.errors import ControlError
from sandbox.bling.faults import Faults
from sandbox.bling.limits import AddressBlocks, CompanyPace
from sandbox.bling.oauth import Authorisations
from sandbox.bling.settings import Settings
from sandbox.bling.state import Clock, Company, Ids, Order
from sandbox.bling.unconfirmed import Unconfirmed
from sandbox.bling.webhooks import Webhooks


@dataclass(slots=True)
class Sandbox:
    """Everything the handlers reach; the first company is the default of every control."""

    settings: Settings
    clock: Clock
    ids: Ids = field(init=False)
    authorisations: Authorisations = field(init=False)
    webhooks: Webhooks = field(init=False)
    pace: CompanyPace = field(init=False)
    addresses: AddressBlocks = field(init=False)
    faults: Faults = field(init=False)
    unconfirmed: Unconfirmed = field(init=False)
    companies: dict[str, Company] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = Ids(self.clock)
        self.authorisations = Authorisations(self.clock)
        self.webhooks = Webhooks(
            url=str(self.settings.webhook_url),
            secret=self.settings.client_secret,
            clock=self.clock,
            is_authorised=self.authorisations.is_authorised,
        )
        self._start_over()

    async def reset(self) -> None:
        """Go back to the start, tokens included; ids already used are not used again."""
        await self.webhooks.clear()
        self.authorisations.clear()
        self._start_over()

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
        self.pace = CompanyPace(self.clock)
        self.addresses = AddressBlocks(self.clock)
        self.faults = Faults()
        self.unconfirmed = Unconfirmed()
