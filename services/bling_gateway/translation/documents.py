"""Brazilian documents, postal codes and telephone numbers: made uniform, and checked."""

import re
from typing import Final

# fmt: off
STATES: Final = frozenset((
    "AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA", "PB", "PE",
    "PI", "PR", "RJ", "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO",
))
# fmt: on

_CPF: Final = re.compile(r"[0-9]{11}")
_CNPJ: Final = re.compile(r"[0-9A-Z]{12}[0-9]{2}")
_EMAIL: Final = re.compile(r"[^@\s*]+@[^@\s.*]+(\.[^@\s.*]+)+")
_EMAIL_LIMIT: Final = 254
_GTIN: Final = re.compile(r"[0-9]{8}|[0-9]{12,14}")
# Sellers type several numbers or addresses into one field.
_NEXT: Final = re.compile(r"[/;,|]|\s[eE]\s|\sou\s")
# Two digits of area code (none begins or ends with 0), then eight or nine of the subscriber.
_PHONE: Final = re.compile(r"[1-9][1-9][2-9][0-9]{7}|[1-9][1-9]9[0-9]{8}")
# Marketplaces hide what the seller may not see yet behind asterisks.
_MASK: Final = re.compile(r"\*{2,}")


def normalised_document(text: str) -> str | None:
    """Return a CPF's 11 or a CNPJ's 14 characters, or None if it is neither.

    A CNPJ may hold letters (Receita Federal, since July 2026), hence characters.
    """
    bare = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    if _CPF.fullmatch(bare) and _has_cpf_digits(bare):
        return bare
    if _CNPJ.fullmatch(bare) and _has_cnpj_digits(bare):
        return bare
    return None


def normalised_postal_code(text: str) -> str | None:
    """Return the CEP's eight digits, or None."""
    bare = re.sub(r"[\s.-]", "", text)
    return bare if re.fullmatch(r"[0-9]{8}", bare) and bare != "00000000" else None


def normalised_phone(*candidates: str) -> str | None:
    """Return the first candidate that is a Brazilian number, in E.164 (``+55…``), or None."""
    for candidate in (part for text in candidates for part in _NEXT.split(text)):
        digits = re.sub(r"[^0-9]", "", candidate).lstrip("0")
        if len(digits) in (12, 13) and digits.startswith("55"):
            digits = digits[2:]
        if _PHONE.fullmatch(digits):
            return f"+55{digits}"
    return None


def normalised_email(text: str) -> str | None:
    """Return the first part of the text that can be an address, or None."""
    parts = (part.strip() for part in _NEXT.split(text))
    whole = (part for part in parts if _EMAIL.fullmatch(part) and len(part) <= _EMAIL_LIMIT)
    return next(whole, None)


def normalised_gtin(text: str) -> str | None:
    """Return the digits of a GTIN, or None for what is none (``SEM GTIN`` is what NF-e writes)."""
    digits = re.sub(r"[\s.-]", "", text)
    return digits if _GTIN.fullmatch(digits) and _has_gtin_digit(digits) else None


def is_masked(text: str) -> bool:
    """Tell whether the text was hidden by whoever sold."""
    return _MASK.search(text) is not None


def _has_cpf_digits(cpf: str) -> bool:
    if len(set(cpf)) == 1:
        return False
    return all(_check_digit(cpf[:size], range(size + 1, 1, -1)) == cpf[size] for size in (9, 10))


def _has_cnpj_digits(cnpj: str) -> bool:
    if len(set(cnpj)) == 1:
        return False
    return all(
        _check_digit(cnpj[:size], [(size - 1 - place) % 8 + 2 for place in range(size)])
        == cnpj[size]
        for size in (12, 13)
    )


def _has_gtin_digit(gtin: str) -> bool:
    weighted = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(gtin[-2::-1]))
    return any(map(int, gtin)) and str(-weighted % 10) == gtin[-1]


def _check_digit(base: str, weights: range | list[int]) -> str:
    # A letter counts as its ASCII code less 48, which leaves digits what they are.
    total = sum((ord(char) - 48) * weight for char, weight in zip(base, weights, strict=True))
    rest = total % 11
    return str(0 if rest < 2 else 11 - rest)
