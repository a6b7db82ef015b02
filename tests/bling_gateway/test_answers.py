"""Which error each of Bling's answers is."""

import json
from collections.abc import Callable

import pytest

from services.bling_gateway import errors
from services.bling_gateway.answers import Answer, resource_error, token_error

PLAIN_PAGE = b"<html>bloqueado</html>"


def body(kind: str, extra: bytes = b"") -> bytes:
    return b'{"error": {"type": "%b", "message": "m"%b}}' % (kind.encode(), extra)


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (500, body("SERVER_ERROR"), errors.UnavailableError),
        (502, b"", errors.UnavailableError),
        (404, body("RESOURCE_NOT_FOUND"), errors.NotFoundError),
        (404, PLAIN_PAGE, errors.UnreadableError),
        (400, body("VALIDATION_ERROR"), errors.RefusedError),
        (403, body("insufficient_scope"), errors.RefusedError),
        (403, PLAIN_PAGE, errors.ThrottledError),
        (401, body("insufficient_scope"), errors.RefusedError),
        (401, body("UNAUTHORIZED_ERROR"), errors.AccountDeadError),
        (401, body("invalid_token"), errors.UnavailableError),
        (429, body("TOO_MANY_REQUESTS"), errors.ThrottledError),
    ],
)
def test_each_answer_says_what_to_do(
    status: int, content: bytes, expected: type[errors.BlingError]
) -> None:
    assert type(resource_error(Answer.of(status, content))) is expected


def test_the_situation_that_an_order_already_has_is_no_failure() -> None:
    fields = b', "fields": [{"code": "50", "msg": "A venda possui a mesma situa\xc3\xa7\xc3\xa3o"}]'

    error = resource_error(Answer.of(400, body("VALIDATION_ERROR", fields)))

    assert isinstance(error, errors.SameSituationError)
    assert (error.code, error.message) == (50, "A venda possui a mesma situação")


def test_a_refusal_says_everything_that_bling_says_is_wrong() -> None:
    faults = [
        {
            "code": 49,
            "msg": "Não foi possível salvar a venda",
            "collection": [{"index": 1, "code": 12, "msg": "Id da forma de pagamento inválido."}],
        },
        {"code": 7, "msg": "Não foi possível salvar a venda"},
        "no object",
    ]
    fields = b', "description": "d", "fields": %b' % json.dumps(faults).encode()

    error = resource_error(Answer.of(400, body("VALIDATION_ERROR", fields)))

    assert isinstance(error, errors.RefusedError)
    assert (error.code, error.message) == (
        49,
        "Não foi possível salvar a venda Id da forma de pagamento inválido.",
    )


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (b', "description": "Em uso."', "Em uso."),
        (b', "description": "", "fields": []', "m"),
        (b', "fields": {}', "m"),
    ],
)
def test_a_refusal_without_fields_is_told_by_its_description(extra: bytes, words: str) -> None:
    error = resource_error(Answer.of(400, body("VALIDATION_ERROR", extra)))

    assert isinstance(error, errors.RefusedError)
    assert error.message == words


@pytest.mark.parametrize(("period", "expected"), [(b"second", "second"), (b"day", "day")])
def test_a_limit_says_whose_it_is(period: bytes, expected: str) -> None:
    extra = b', "limit": 3, "period": "%b"' % period

    error = resource_error(Answer.of(429, body("TOO_MANY_REQUESTS", extra)))

    assert isinstance(error, errors.ThrottledError)
    assert error.period == expected


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (400, body("invalid_grant"), errors.AccountDeadError),
        (400, b'{"error": "invalid_grant"}', errors.AccountDeadError),
        (400, body("VALIDATION_ERROR"), errors.AccountDeadError),
        (401, body("invalid_client"), errors.AppRefusedError),
        (403, PLAIN_PAGE, errors.ThrottledError),
        (503, b"", errors.UnavailableError),
    ],
)
def test_only_a_dead_authorisation_disconnects(
    status: int, content: bytes, expected: type[errors.BlingError]
) -> None:
    assert type(token_error(Answer.of(status, content))) is expected


@pytest.mark.parametrize("decide", [token_error, resource_error])
def test_an_inactive_company_is_told_as_such(
    decide: Callable[[Answer], errors.BlingError],
) -> None:
    content = b'{"error": {"type": "UNAUTHORIZED_ERROR", "message": "Empresa inativa"}}'

    error = decide(Answer.of(401, content))

    assert isinstance(error, errors.AccountDeadError)
    assert error.cause == "company_inactive"
