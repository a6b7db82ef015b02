"""Invented documents of Bling's double have valid check digits."""

from datetime import date
from random import Random

from sandbox.bling import documents


def test_published_examples_of_check_digits() -> None:
    assert documents.with_cpf_digits("111444777") == "11144477735"
    assert documents.with_cnpj_digits("112223330001") == "11222333000181"
    assert documents.with_cnpj_digits("12ABC34501DE") == "12ABC34501DE35"


def test_access_key_carries_an_alphanumeric_cnpj() -> None:
    random = Random(1)
    cnpj = documents.cnpj(random, alphanumeric=True)

    key = documents.access_key(
        state="SP", issued=date(2026, 11, 23), issuer_cnpj=cnpj, number=7, random=random
    )

    assert len(key) == 44
    assert key[:6] == "352611"
    assert key[6:20] == cnpj
    assert key[20:34] == "55001000000007"


def test_documents_are_written_with_punctuation() -> None:
    assert documents.formatted_cpf("11144477735") == "111.444.777-35"
    assert documents.formatted_cnpj("12ABC34501DE35") == "12.ABC.345/01DE-35"
