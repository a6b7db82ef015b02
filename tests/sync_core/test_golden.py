"""Logs of every earlier version are read and folded today, into the states of then or as declared.

Where a change of the rules folds a stored log otherwise, ``golden/declared.toml`` says so, field by
field: nothing else may differ. This is what continuous integration holds a change of the rules to.
"""

from collections.abc import Iterator

import orjson
import pytest
from jsonschema import Draft202012Validator

from services.sync_core.audit.differences import differences
from services.sync_core.audit.rules.walk import Differing
from services.sync_core.domain import RULES_REVISION, State
from services.sync_core.log.states import Key, folded, initial_of, text_of
from shared.contract_lock.published import read
from shared.contracts import CONTRACTS
from tests.sync_core import golden
from tests.sync_core.golden.declared import Found, complaints, declared_of
from tests.sync_core.walking import walked


@pytest.mark.parametrize("name", golden.names())
def test_of_a_log_of_before_is_made_what_was_made_then_but_for_what_is_declared(name: str) -> None:
    found = [*_states_that_differ(name), *_decisions_that_differ(name)]

    assert list(complaints(declared_of(name), found)) == []


def test_nothing_is_declared_about_what_these_rules_wrote() -> None:
    """Rules that make something else of it are the next revision."""
    assert declared_of(f"rules-{RULES_REVISION}") == {}


@pytest.mark.parametrize("name", golden.names())
def test_what_was_logged_has_the_shape_that_was_published(name: str) -> None:
    """Others rely on the published schemas, exports carry them: they hold for every row."""
    published = {key: Draft202012Validator(schema) for key, schema in read().items()}

    for row in golden.rows_of(name):
        published[f"{row.type}:{row.schema_version}"].validate(orjson.loads(row.data))


def _states_that_differ(name: str) -> Iterator[Found]:
    """Fold every row of the log, and compare with the states that were stored."""
    states: dict[Key, State] = {}
    versions: dict[Key, int] = {}
    for row in golden.rows_of(name):
        key = Key(row.account_id, row.stream)
        state = states.get(key) or initial_of(row.stream)
        states[key], versions[key] = folded(state, row.as_event()), row.stream_version
    for stored in golden.states_of(name):
        key = Key(stored.account_id, stored.stream)
        assert versions.pop(key) == stored.version
        now = orjson.loads(text_of(states[key]))
        kind = stored.stream.partition("-")[0]
        where = f"{stored.stream} of {stored.account_id}"
        for field, one, other in differences(stored.state, now):
            yield Found(where, f"{kind}.{field}", one, other)
    assert versions == {}, "every stream has a state"


def _decisions_that_differ(name: str) -> Iterator[Found]:
    """Decide again upon all that was recorded, up to each stream's first difference."""
    for account_id, events in golden.accounts_of(name):
        for each in walked(events):
            if isinstance(each, Differing):
                told = each.decided or each.would_be
                assert told is not None
                field = f"decided.{told.data.TYPE}"
                where = f"{each.stream} of {account_id}, position {each.cause.position}"
                yield Found(where, field, each.decided, each.would_be)


def test_every_revision_of_the_rules_has_its_golden_log() -> None:
    """A new revision: ``python -m tests.sync_core.golden rules-<revision>``."""
    assert {f"rules-{n}" for n in range(1, RULES_REVISION + 1)} <= set(golden.names())


@pytest.mark.parametrize("revision", range(1, RULES_REVISION + 1))
def test_a_golden_log_was_written_by_the_rules_that_it_is_named_after(revision: int) -> None:
    assert {row.rules_revision for row in golden.rows_of(f"rules-{revision}")} == {revision}


def test_every_earlier_version_of_a_contract_is_in_a_golden_log() -> None:
    """Whoever gives a type its next version keeps a log with the version before."""
    logged = {
        (row.type, row.schema_version) for name in golden.names() for row in golden.rows_of(name)
    }
    earlier = {(name, v) for name, model in CONTRACTS.items() for v in range(1, model.VERSION)}

    assert earlier <= logged


@pytest.mark.parametrize(
    ("declared", "found", "told"),
    [
        ({}, [], []),
        ({"order.a": 1}, ["order.a in order-1"], []),
        ({"order.a": 1}, ["order.a.b in order-1", "order.a.c in order-1"], []),
        ({}, ["order.a in order-1"], ["order-1: order.a was None, is 1: not declared"]),
        ({"order.a": 1}, ["order.a in order-1", "order.ab in order-1"], ["order.ab was"]),
        ({"order.a": 1}, ["order.a in order-1", "product.a in product-1"], ["product.a was"]),
        ({"order.a": 1}, [], ["order.a differs in 0 streams, declared are 1"]),
        ({"order.a": 1}, ["order.a in order-1", "order.a in order-2"], ["differs in 2 streams"]),
    ],
)
def test_what_differs_is_declared_exactly(
    declared: dict[str, int], found: list[str], told: list[str]
) -> None:
    parts = [each.split(" in ") for each in found]

    said = list(complaints(declared, [Found(stream, field, None, 1) for field, stream in parts]))

    assert len(said) == len(told)
    assert all(part in whole for part, whole in zip(told, said, strict=True))


@pytest.mark.parametrize(
    ("one", "other", "fields"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["a.c"]),
        ({}, {"a": None}, []),
        ({"a": []}, {}, []),
        ({"a": [1]}, {}, ["a"]),
        ({"a": None}, {"a": 0}, ["a"]),
        ({"a": False}, {"a": None}, ["a"]),
    ],
)
def test_states_are_compared_field_by_field(
    one: dict[str, object], other: dict[str, object], fields: list[str]
) -> None:
    assert [each.field for each in differences(one, other)] == fields
