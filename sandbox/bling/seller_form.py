"""What a person typed into a form of the seller's page, and refusals in the seller's words."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from aiohttp import web

LONGEST_TEXT = 500

# Brazilian numbers (1.234,5), and the plain ones (1234.5) that browsers and people also write.
_BRAZILIAN = re.compile(r"([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?")
_PLAIN = re.compile(r"[0-9]+\.[0-9]+")


class FormError(Exception):
    """What was typed cannot be done; the text says so on the page, in Portuguese."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one form; labels name them in refusals."""

    texts: dict[str, str]

    @classmethod
    async def read(cls, request: web.Request) -> Self:
        """Read what was posted."""
        return cls({name: str(value).strip() for name, value in (await request.post()).items()})

    def has(self, name: str) -> bool:
        """Tell whether a field was filled in, or a box ticked."""
        return bool(self.texts.get(name))

    def text(self, name: str, label: str, *, required: bool = False) -> str:
        """Read a line of text."""
        value = self.texts.get(name, "")
        if required and not value:
            raise FormError(f"{label}: preencha este campo.")
        if len(value) > LONGEST_TEXT:
            raise FormError(f"{label}: use no máximo {LONGEST_TEXT} caracteres.")
        return value

    def amount(self, name: str, label: str, *, most: float = 1_000_000_000) -> float:
        """Read a number, zero or more."""
        value = self.texts.get(name, "")
        if _BRAZILIAN.fullmatch(value):
            value = value.replace(".", "").replace(",", ".")
        elif not _PLAIN.fullmatch(value):
            raise FormError(f"{label}: escreva um número, por exemplo 2 ou 1,5.")
        if float(value) > most:
            raise FormError(f"{label}: o máximo é {f'{most:,.0f}'.replace(',', '.')}.")
        return float(value)

    def whole(self, name: str, label: str, *, least: int = 0, most: int) -> int:
        """Read a whole number between two bounds."""
        value = self.texts.get(name, "")
        # So many digits that no bound is that long need not be read as a number.
        digits = value if value.isascii() and value.isdigit() and len(value) < 20 else "-1"
        if not least <= int(digits) <= most:
            raise FormError(f"{label}: escreva um número inteiro de {least} a {most}.")
        return int(digits)

    def chosen(self, name: str, label: str, choices: Collection[str]) -> str:
        """Read one of the choices that the page offered."""
        value = self.texts.get(name, "")
        if value not in choices:
            raise FormError(f"{label}: escolha uma das opções da lista.")
        return value
