"""Logs: one line each, and nothing about people."""

import subprocess
import sys

import asyncpg
import orjson
import pydantic
import pytest

from shared.logging import tell_exception, withhold_personal


def test_fields_about_people_are_withheld() -> None:
    event = withhold_personal(None, "info", {"event": "read", "order": 1, "email": "a@b.c"})

    assert event == {"event": "read", "order": 1, "email": "[withheld]"}


def test_an_exception_is_told_without_the_values_it_quotes() -> None:
    name = "Maria da Silva"

    class Person(pydantic.BaseModel):
        age: int

    try:
        Person.model_validate({"age": name})
    except pydantic.ValidationError as error:
        told = tell_exception(None, "error", {"event": "bad", "exc_info": error})

    assert "Maria" not in str(told)
    assert "age: int_parsing" in str(told["exception"])
    assert "test_logging.py" in str(told["exception"])


async def test_a_database_s_error_is_told_without_the_row(server_url: str) -> None:
    connection = await asyncpg.connect(server_url)
    statements = (
        "CREATE TEMPORARY TABLE t (v text PRIMARY KEY); INSERT INTO t VALUES ('Maria'), ('Maria')",
        "SELECT 'Maria'::int",
    )
    for statement in statements:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await connection.execute(statement)
        told = str(tell_exception(None, "error", {"event": "bad", "exc_info": caught.value}))
        assert "Error: " in told
        assert "Maria" not in told
    await connection.close()


def test_causes_are_told_too() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise RuntimeError("second") from error
    except RuntimeError:
        told = tell_exception(None, "error", {"event": "bad", "exc_info": True})

    text = str(told["exception"])
    assert text.index("KeyError: 'first'") < text.index("RuntimeError: second")


def test_a_line_is_json_on_standard_error() -> None:
    program = (
        "import logging, structlog; from shared.logging import configure; configure('ground');"
        "structlog.get_logger('a').info('done', action='finished', order=7);"
        "logging.getLogger('library').warning('careful: %s', 1)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    ours, theirs = map(orjson.loads, done.stderr.splitlines())
    assert ours.pop("at")
    assert ours == {
        "service": "ground",
        "level": "info",
        "event": "done",
        "action": "finished",
        "order": 7,
    }
    assert (theirs["service"], theirs["event"]) == ("ground", "careful: 1")
