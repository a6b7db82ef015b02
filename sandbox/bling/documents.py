"""Brazilian document numbers with valid check digits: CPF, CNPJ, GTIN and the NF-e access key."""

from datetime import date
from random import Random
from string import ascii_uppercase, digits

# IBGE codes of the states that the invented people live in; they open an NF-e access key.
STATE_CODES = {
    "SP": "35", "RJ": "33", "MG": "31", "RS": "43", "PR": "41", "SC": "42", "BA": "29",
    "PE": "26", "CE": "23", "DF": "53", "GO": "52", "AM": "13",
}  # fmt: skip


def cpf(random: Random) -> str:
    """Invent a CPF of 11 digits."""
    return with_cpf_digits("".join(random.choices(digits, k=9)))


def with_cpf_digits(base: str) -> str:
    """Complete 9 digits with the two check digits."""
    for _ in range(2):
        weights = range(len(base) + 1, 1, -1)
        rest = sum(int(digit) * weight for digit, weight in zip(base, weights, strict=True)) % 11
        base += str(0 if rest < 2 else 11 - rest)
    return base


def cnpj(random: Random, *, alphanumeric: bool = False) -> str:
    """Invent a CNPJ of 14 characters; alphanumeric ones exist since July 2026."""
    root = "".join(random.choices(ascii_uppercase + digits if alphanumeric else digits, k=8))
    return with_cnpj_digits(root + "0001")


def with_cnpj_digits(base: str) -> str:
    """Complete 12 characters with the two check digits (a letter counts as its ASCII code - 48)."""
    for _ in range(2):
        base += _modulo_11(base)
    return base


def gtin13(random: Random) -> str:
    """Invent an EAN-13 with Brazil's prefix."""
    base = random.choice(("789", "790")) + "".join(random.choices(digits, k=9))
    odd, even = base[::2], base[1::2]
    total = sum(map(int, odd)) + 3 * sum(map(int, even))
    return base + str(-total % 10)


def access_key(*, state: str, issued: date, issuer_cnpj: str, number: int, random: Random) -> str:
    """Make the 44-character access key of an NF-e of series 1."""
    nonce = "".join(random.choices(digits, k=8))
    base = f"{STATE_CODES[state]}{issued:%y%m}{issuer_cnpj}55001{number:09d}1{nonce}"
    return base + _modulo_11(base)


def formatted_cpf(number: str) -> str:
    """Write a CPF with its punctuation."""
    return f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}"


def formatted_cnpj(number: str) -> str:
    """Write a CNPJ with its punctuation."""
    return f"{number[:2]}.{number[2:5]}.{number[5:8]}/{number[8:12]}-{number[12:]}"


def without_punctuation(number: str) -> str:
    """Write a CPF or CNPJ bare; what a marketplace has masked stays as it is."""
    bare = number.replace(".", "").replace("-", "").replace("/", "")
    return bare if bare.isalnum() else number


def _modulo_11(base: str) -> str:
    weighted = ((ord(char) - 48) * (2 + i % 8) for i, char in enumerate(reversed(base)))
    rest = sum(weighted) % 11
    return str(0 if rest < 2 else 11 - rest)
