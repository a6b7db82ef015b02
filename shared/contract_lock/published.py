"""The file of every (type, version) that was ever published, as ``type:version`` → schema."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from shared.contract_lock.compatibility import breaks
from shared.contracts import Contract
from shared.contracts.schema import Schema, schema_of

PUBLISHED: Final = Path(__file__).parent.parent / "contracts" / "published.json"

Published = dict[str, Schema]
Contracts = Mapping[str, type[Contract]]
Steps = Collection[tuple[str, int]]


def read(path: Path = PUBLISHED) -> Published:
    """Return what was published."""
    published: Published = orjson.loads(path.read_bytes())
    return published


def refused(published: Published, contracts: Contracts, steps: Steps) -> Iterator[str]:
    """Say why the contracts are not what was published with more beside it.

    ``steps`` are the upcasters that there are, by (type, version).
    """
    for name, model in sorted(contracts.items()):
        current = f"{name}:{model.VERSION}"
        if current in published:
            for broken in breaks(published[current], schema_of(model)):
                yield f"{current} {broken} (this takes version {model.VERSION + 1})"
        for version in range(1, model.VERSION):
            if f"{name}:{version}" not in published:
                yield f"{name}:{version} was never published"
            if (name, version) not in steps:
                yield f"{name}:{version} has no step to version {version + 1} (upcasting.py)"
    for key in published:
        name, _, number = key.rpartition(":")
        if name not in contracts or int(number) > contracts[name].VERSION:
            yield f"{key} was published, and what was logged as it could no longer be read"


def with_todays(published: Published, contracts: Contracts) -> Published:
    """Return what was published once today's contracts are: earlier versions stay as they are."""
    today = {f"{name}:{model.VERSION}": schema_of(model) for name, model in contracts.items()}
    return published | today


def text_of(published: Published) -> str:
    """Return the file: sorted, a line for each field, so that a change is a line in a diff."""
    entries = [f"{_json(key)}: {_entry(published[key])}" for key in sorted(published)]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _entry(schema: Schema) -> str:
    besides = sorted(schema.keys() - {"properties"})
    rest = [f"  {_json(key)}: {_json(schema[key])}" for key in besides]
    fields = schema["properties"]
    lines = [f"    {_json(name)}: {_json(fields[name])}" for name in sorted(fields)]
    block = "{\n" + ",\n".join(lines) + "\n  }" if lines else "{}"
    return "{\n" + ",\n".join([*rest, f'  "properties": {block}']) + "\n}"


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
