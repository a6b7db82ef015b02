"""No contract changes without a version: what was published is kept, and compared with the code."""

from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import create_model

from shared.contract_lock.compatibility import breaks
from shared.contract_lock.history import NoHistoryError, withdrawn
from shared.contract_lock.published import PUBLISHED, read, refused, text_of, with_todays
from shared.contracts import CONTRACTS, Contract, Frozen, Personal, split_personal
from shared.contracts.schema import schema_of
from shared.contracts.upcasting import UPCASTERS

TYPE = "test.parcel"


class Box(Frozen):
    width: int
    label: str | None = None


class WiderBox(Box):
    height: int | None = None


class SmallerBox(Frozen):
    label: str | None = None


BEFORE: dict[str, Any] = {
    "weight": (int, ...),
    "status": (Literal["open", "closed"], ...),
    "name": (Annotated[str | None, Personal], None),
    "note": (str | None, None),
    "boxes": (tuple[Box, ...], ()),
    "first": (Box | None, None),
    "sizes": (dict[str, int], ...),
}


def contract(version: int = 1, **changes: Any) -> type[Contract]:
    """Return the parcel's contract with some fields changed; None takes one away."""
    fields = {name: kind for name, kind in (BEFORE | changes).items() if kind is not None}
    model: type[Contract] = create_model("Parcel", __base__=Contract, **fields)
    model.TYPE, model.VERSION = TYPE, version
    return model


PUBLISHED_BEFORE = {f"{TYPE}:1": schema_of(contract())}

ALLOWED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a field more that may be missing": {"carrier": (str | None, None)},
    "a personal field more": {"email": (Annotated[str | None, Personal], None)},
    "a word more": {"status": (Literal["open", "closed", "lost"], ...)},
    "words in another order": {"status": (Literal["closed", "open"], ...)},
    "a field more in a nested model": {"boxes": (tuple[WiderBox, ...], ())},
    "a field more in a nested model that may be null": {"first": (WiderBox | None, None)},
}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "removed": ({"note": None}, "note: removed"),
    "required and removed": ({"weight": None}, "weight: removed"),
    "renamed": ({"note": None, "remark": (str | None, None)}, "note: removed"),
    "another type": ({"weight": (str, ...)}, "weight: type"),
    "narrower": ({"note": (str, "")}, "note: anyOf"),
    "null allowed": ({"weight": (int | None, ...)}, "weight: anyOf"),
    "new and required": ({"carrier": (str, ...)}, "carrier: new, and must be there"),
    "required now": ({"note": (str | None, ...)}, "note: must be there now"),
    "not required now": ({"weight": (int, 1)}, "weight: may be missing now"),
    "another default": ({"note": (str | None, "?")}, "note: default"),
    "a word less": ({"status": (Literal["open"], ...)}, "status: no longer 'closed'"),
    "any word": ({"status": (str, ...)}, "status: enum"),
    "only some words": ({"note": (Literal["a"] | None, None)}, "note: enum"),
    "no longer personal": ({"name": (str | None, None)}, "name: x-personal"),
    "personal now": ({"note": (Annotated[str | None, Personal], None)}, "note: x-personal"),
    "nested removed": ({"boxes": (tuple[SmallerBox, ...], ())}, "boxes[].width: removed"),
    "nested in what may be null": ({"first": (SmallerBox | None, None)}, "first.width: removed"),
    "other keys' values": ({"sizes": (dict[str, str], ...)}, "sizes[]: type"),
    "one instead of many": ({"boxes": (Box | None, None)}, "boxes: "),
}


@pytest.mark.parametrize("change", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_every_reader_bears_needs_no_version(change: dict[str, Any]) -> None:
    after = contract(**change)

    assert list(refused(PUBLISHED_BEFORE, {TYPE: after}, ())) == []


@pytest.mark.parametrize(("change", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_what_breaks_a_reader_takes_a_version(change: dict[str, Any], told: str) -> None:
    after = contract(**change)

    reasons = list(refused(PUBLISHED_BEFORE, {TYPE: after}, ()))

    assert any(told in reason for reason in reasons), reasons
    assert all("takes version 2" in reason for reason in reasons)


@pytest.mark.parametrize(("change", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_with_a_version_and_a_step_to_it_everything_may_change(
    change: dict[str, Any], told: str
) -> None:
    after = contract(2, **change)

    assert list(refused(PUBLISHED_BEFORE, {TYPE: after}, {(TYPE, 1)})) == []
    assert list(refused(PUBLISHED_BEFORE, {TYPE: after}, ())) == [
        f"{TYPE}:1 has no step to version 2 (upcasting.py)"
    ]
    locked = with_todays(PUBLISHED_BEFORE, {TYPE: after})
    assert locked[f"{TYPE}:1"] == PUBLISHED_BEFORE[f"{TYPE}:1"], "the old one stays"


@pytest.mark.parametrize(
    ("published", "contracts", "told"),
    [
        (PUBLISHED_BEFORE, {}, f"{TYPE}:1 was published"),
        ({f"{TYPE}:2": {}} | PUBLISHED_BEFORE, {TYPE: contract()}, f"{TYPE}:2 was published"),
        ({}, {TYPE: contract(2)}, f"{TYPE}:1 was never published"),
    ],
    ids=["the type is gone", "an older version came back", "a version was left out"],
)
def test_a_type_and_its_versions_are_for_ever(
    published: dict[str, Any], contracts: dict[str, type[Contract]], told: str
) -> None:
    reasons = list(refused(published, contracts, {(TYPE, 1)}))

    assert any(told in reason for reason in reasons), reasons


def test_words_for_people_are_no_part_of_a_contract() -> None:
    class Described(contract()):  # type: ignore[misc]
        """In other words."""

        TYPE: ClassVar[str] = TYPE

    assert list(breaks(schema_of(contract()), schema_of(Described))) == []


def test_the_mark_on_what_is_personal_is_published_and_still_parts_it() -> None:
    model = contract()
    parcel = model.model_validate({"weight": 1, "status": "open", "name": "Ana", "sizes": {}})

    assert split_personal(parcel)[1] == {"name": "Ana"}
    assert schema_of(model)["properties"]["name"]["x-personal"] is True


def test_no_contract_of_ours_changed_without_a_version() -> None:
    """What continuous integration asks. A refused change takes a version and its upcaster."""
    assert list(refused(read(), CONTRACTS, UPCASTERS)) == []


def test_no_commit_published_what_is_published_no_longer() -> None:
    """Code and file changed together agree; git's history still knows what the file said."""
    try:
        reasons = list(withdrawn(read()))
    except NoHistoryError as error:
        pytest.skip(f"published.json is NOT compared with its earlier revisions: {error}")

    assert reasons == []


def test_what_is_published_is_what_the_code_says() -> None:
    """If this alone fails, readers bear the change: ``make contracts`` publishes it."""
    assert PUBLISHED.read_text(encoding="utf-8") == text_of(with_todays(read(), CONTRACTS))
