"""Log lines: a sentence, an action and the ids that join the story; never a person's data."""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any, Final, Literal

import asyncpg
import orjson
import pydantic
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_PERSONAL: Final = frozenset(
    {
        "address", "body", "complement", "contact", "content", "cpf", "cnpj", "customer",
        "document", "email", "headers", "payload", "person", "personal", "phone", "postal_code",
        "raw", "recipient", "street",
    }
)  # fmt: skip
"""Names that values about people go by. Who logs under one of them gets a mark, not the value."""

_QUIET: Final = {"aio_pika": "warning", "aiormq": "error", "aiohttp.access": "error"}
"""Libraries that say at length what our own lines say in short."""


def configure(
    service: str,
    *,
    level: Literal["debug", "info", "warning", "error"] = "info",
    format: Literal["json", "console"] = "json",
) -> None:
    """Log to standard error, one line each, libraries' lines included."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _Named(service),
        withhold_personal,
        tell_exception,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    _configure_libraries(shared, level=level, renderers=_renderers(format))


def withhold_personal(
    _logger: WrappedLogger, _method: str, event: EventDict
) -> MutableMapping[str, Any]:
    """Replace the values of fields whose names say that they are about a person."""
    for name in _PERSONAL & event.keys():
        event[name] = "[withheld]"
    return event


def tell_exception(
    _logger: WrappedLogger, _method: str, event: EventDict
) -> MutableMapping[str, Any]:
    """Put the traceback in as text: without local variables, without the values it speaks of."""
    given = event.pop("exc_info", None)
    if isinstance(given, tuple):
        given = given[1]
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        event["exception"] = "".join(reversed([*_chain(error)]))
    return event


def _chain(error: BaseException) -> Iterator[str]:
    """Yield the error's traceback, then those of what it came from."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    yield f"{frames}{type(error).__qualname__}: {_without_values(error)}\n"
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _chain(each)
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _chain(before)


def _without_values(error: BaseException) -> str:
    """Return the error's message, unless its class is known to quote the value it was given."""
    if isinstance(error, pydantic.ValidationError):
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        return "; ".join(f"{'/'.join(map(str, each['loc']))}: {each['type']}" for each in wrong)
    if isinstance(error, asyncpg.PostgresError):
        # The detail quotes the row; a data error quotes the value after the colon.
        message = str(error.args[0]) if error.args else ""
        return message.partition(":")[0] if isinstance(error, asyncpg.DataError) else message
    return str(error)


class _Named:
    """Adds which service speaks."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = self._service
        return event


def _renderers(format: Literal["json", "console"]) -> list[Processor]:
    if format == "console":
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [structlog.processors.JSONRenderer(serializer=_json)]


def _json(event: object, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()


def _configure_libraries(
    shared: list[Processor], *, level: str, renderers: list[Processor]
) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_number(level))
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(_number(quiet))


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
