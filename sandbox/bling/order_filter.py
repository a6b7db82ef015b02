"""Which sales orders a list is asked for."""

from dataclasses import dataclass
from typing import Self

from aiohttp import web

from sandbox.bling.queries import MOMENT, Period, integer, integers, period, texts
from sandbox.bling.state import Json, Order, local

_REFERENCES = (
    "idContato", "numero", "idLoja", "idVendedor", "idUnidadeNegocio", "idControleCaixa",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """The filters of a list, read once from the query."""

    references: dict[str, int]
    situations: set[int]
    store_numbers: set[str]
    day: Period
    expected: Period
    changed: Period

    @classmethod
    def read(cls, request: web.Request, *, bare_days: bool) -> Self:
        """Read the query, and refuse what is no number or no date."""
        asked = {name: integer(request, name) for name in _REFERENCES}
        return cls(
            references={name: value for name, value in asked.items() if value is not None},
            situations=integers(request, "idsSituacoes[]"),
            store_numbers=texts(request, "numerosLojas[]"),
            day=period(request, "data"),
            expected=period(request, "dataPrevista"),
            changed=period(request, "dataAlteracao", MOMENT, bare_days=bare_days),
        )

    def admits(self, order: Order) -> bool:
        """Tell whether an order belongs in the list."""
        body = order.body
        return (
            (not self.situations or body["situacao"]["id"] in self.situations)
            and (not self.store_numbers or body["numeroLoja"] in self.store_numbers)
            and body["data"] in self.day
            and body["dataPrevista"] in self.expected
            and local(order.changed_at) in self.changed
            and self._references_match(body)
        )

    def _references_match(self, body: Json) -> bool:
        actual = {
            "idContato": body["contato"]["id"],
            "numero": body["numero"],
            "idLoja": body["loja"]["id"],
            "idVendedor": body["vendedor"]["id"],
            "idUnidadeNegocio": body["loja"]["unidadeNegocio"]["id"],
            # No order of the double came over a counter's cash desk.
            "idControleCaixa": 0,
        }
        return all(actual[name] == value for name, value in self.references.items())
