"""Which products a list is asked for, with the defaults that hide products."""

from dataclasses import dataclass
from typing import Self

from aiohttp import web

from sandbox.bling.product_kinds import parent_of
from sandbox.bling.queries import MOMENT, Period, integer, integers, period, texts
from sandbox.bling.state import Company, Json, Record, local

# Values of `criterio`. The default, "last included", hides nearly everything.
_LAST_INCLUDED = 1
_SITUATIONS = {2: ("A",), 3: ("I",), 4: ("E",), 5: ("A", "I", "E")}

_EMPTY, _POSITIVE, _NEGATIVE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """The filters of a list, read once from the query."""

    criterion: int
    kind: str
    component: int | None
    category: int | None
    channel: int | None
    name: str
    ids: set[int]
    codes: set[str]
    gtins: set[str]
    included: Period
    changed: Period
    balance: int | None
    deposit: int | None

    @classmethod
    def read(cls, request: web.Request, *, only_in_stock: bool) -> Self:
        """Read the query; the default of the stock filter is the schema's, if it works at all."""
        return cls(
            criterion=integer(request, "criterio", _LAST_INCLUDED) or 0,
            kind=request.query.get("tipo", "T"),
            component=integer(request, "idComponente"),
            category=integer(request, "idCategoria"),
            channel=integer(request, "idLoja"),
            name=request.query.get("nome", "").casefold(),
            ids=integers(request, "idsProdutos[]"),
            codes=texts(request, "codigos[]"),
            gtins=texts(request, "gtins[]"),
            included=period(request, "dataInclusao", MOMENT),
            changed=period(request, "dataAlteracao", MOMENT),
            balance=integer(request, "filtroSaldoEstoque", _POSITIVE if only_in_stock else None),
            deposit=integer(request, "filtroSaldoEstoqueDeposito"),
        )

    def apply(self, company: Company, rows: list[Record]) -> list[Record]:
        """Choose among the rows, which come newest first."""
        if self.criterion == _LAST_INCLUDED:
            rows = rows[:1]
        else:
            wanted = _SITUATIONS.get(self.criterion, ())
            rows = [row for row in rows if row.body["situacao"] in wanted]
        if self.channel is not None and self.channel not in company.channels:
            return []
        if self.deposit not in (None, company.deposit):
            return []
        return [row for row in rows if self._admits(row)]

    def _admits(self, row: Record) -> bool:
        body = row.body
        return (
            self._is_of_kind(body)
            and self._has_balance(body["estoque"]["saldoVirtualTotal"])
            and (not self.ids or row.id in self.ids)
            and (not self.codes or body["codigo"] in self.codes)
            and (not self.gtins or body["gtin"] in self.gtins)
            and self.category in (None, body["categoria"]["id"])
            and self.name in body["nome"].casefold()
            and local(row.created_at) in self.included
            and local(row.changed_at) in self.changed
        )

    def _is_of_kind(self, body: Json) -> bool:
        parts = {part["produto"]["id"] for part in body["estrutura"]["componentes"]}
        is_variation = bool(parent_of(body))
        match self.kind:
            case "T":
                return True
            case "P" | "S":
                return bool(body["tipo"] == self.kind)
            case "E":
                return body["formato"] == "E" and (self.component in (None, *parts))
            case "PS":
                return body["tipo"] == "P" and body["formato"] == "S" and not is_variation
            case "C":
                return bool(body["formato"] == "V")
            case "V":
                return is_variation
            case _:
                return False

    def _has_balance(self, balance: float) -> bool:
        match self.balance:
            case 0:
                return balance == 0
            case 1:
                return balance > 0
            case 2:
                return balance < 0
            case _:
                return True
