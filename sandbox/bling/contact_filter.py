"""Which contacts a list is asked for, with the default that hides nearly all."""

from dataclasses import dataclass
from typing import Self

from aiohttp import web

from sandbox.bling.documents import without_punctuation
from sandbox.bling.queries import MOMENT, Period, integer, integers, period
from sandbox.bling.state import Json, Record, local

_LAST_INCLUDED = 3
_KINDS = {1: "F", 2: "J", 3: "E"}


@dataclass(frozen=True, slots=True)
class ContactFilter:
    """The filters of a list, read once from the query."""

    criterion: int
    search: str
    document: str
    phone: str
    state: str
    kind: int | None
    type: int | None
    salesperson: int | None
    ids: set[int]
    included: Period
    changed: Period

    @classmethod
    def read(cls, request: web.Request) -> Self:
        """Read the query."""
        return cls(
            criterion=integer(request, "criterio", _LAST_INCLUDED) or 0,
            search=request.query.get("pesquisa", "").casefold(),
            document=request.query.get("numeroDocumento", ""),
            phone=_digits(request.query.get("telefone", "")),
            state=request.query.get("uf", ""),
            kind=integer(request, "tipoPessoa"),
            type=integer(request, "idTipoContato"),
            salesperson=integer(request, "idVendedor"),
            ids=integers(request, "idsContatos[]"),
            included=period(request, "dataInclusao", MOMENT),
            changed=period(request, "dataAlteracao", MOMENT),
        )

    def apply(self, rows: list[Record]) -> list[Record]:
        """Choose among the rows, which come newest first."""
        match self.criterion:
            case 1:
                chosen = rows
            case 2:
                chosen = [row for row in rows if row.body["situacao"] == "E"]
            case 3:
                chosen = rows[:1]
            case 4:
                chosen = [row for row in rows if row.body["situacao"] == "S"]
            case _:
                chosen = []
        return [row for row in chosen if self._admits(row)]

    def _admits(self, row: Record) -> bool:
        body = row.body
        return (
            self._is_found(body)
            and (not self.ids or row.id in self.ids)
            and self.document in ("", without_punctuation(body["numeroDocumento"]))
            and self.state in ("", body["endereco"]["geral"]["uf"])
            and (self.kind is None or _KINDS.get(self.kind) == body["tipo"])
            and (self.type is None or self.type in [one["id"] for one in body["tiposContato"]])
            and self.salesperson in (None, body["vendedor"]["id"])
            and local(row.created_at) in self.included
            and local(row.changed_at) in self.changed
        )

    def _is_found(self, body: Json) -> bool:
        named = " ".join((body["nome"], body["fantasia"], body["codigo"], body["email"]))
        phones = (_digits(body["telefone"]), _digits(body["celular"]))
        return self.search in named.casefold() and any(self.phone in phone for phone in phones)


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())
