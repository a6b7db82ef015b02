"""CPF, CNPJ, CEP and telephone numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.bling_gateway.translation import documents


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("529.982.247-25", "52998224725"),
        ("52998224725", "52998224725"),
        ("529.982.247-24", None),
        ("111.111.111-11", None),
        ("11.222.333/0001-81", "11222333000181"),
        ("11.222.333/0001-82", None),
        # The example of Receita Federal's paper on alphanumeric CNPJ.
        ("12.ABC.345/01DE-35", "12ABC34501DE35"),
        ("12.abc.345/01de-35", "12ABC34501DE35"),
        ("12.ABC.345/01DE-36", None),
        ("00.000.000/0000-00", None),
        ("", None),
        ("123", None),
    ],
)
def test_documents_are_checked_by_their_digits(text: str, normalised: str | None) -> None:
    assert documents.normalised_document(text) == normalised


@given(st.text("0123456789", min_size=11, max_size=11))
def test_one_wrong_digit_is_noticed(cpf: str) -> None:
    wrong = cpf[:-1] + str((int(cpf[-1]) + 1) % 10)

    assert None in {documents.normalised_document(cpf), documents.normalised_document(wrong)}


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("04101-002", "04101002"),
        ("04.101-002", "04101002"),
        ("04101002", "04101002"),
        ("4101002", None),
        ("00000-000", None),
        ("", None),
    ],
)
def test_postal_codes_have_eight_digits(text: str, normalised: str | None) -> None:
    assert documents.normalised_postal_code(text) == normalised


@pytest.mark.parametrize(
    ("candidates", "normalised"),
    [
        (("(11) 98765-4321", ""), "+5511987654321"),
        (("", "(11) 3456-7890"), "+551134567890"),
        (("+55 11 98765-4321",), "+5511987654321"),
        (("011 98765 4321",), "+5511987654321"),
        (("55 98765-4321",), "+5555987654321"),
        (("98765-4321",), None),
        (("(00) 98765-4321",), None),
        (("+351 912 345 678",), None),
    ],
)
def test_phones_are_brazilian(candidates: tuple[str, ...], normalised: str | None) -> None:
    assert documents.normalised_phone(*candidates) == normalised


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("ana@example.com", "ana@example.com"),
        ("ana@example", None),
        ("ana", None),
        ("a b@c.d", None),
    ],
)
def test_mail_addresses_have_a_domain(text: str, normalised: str | None) -> None:
    assert documents.normalised_email(text) == normalised
