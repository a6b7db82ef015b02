"""What the auditors' commands about one order print, and how they end."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.history import segments_of
from tests.sync_core.seller import OPEN
from tests.sync_core.story import Story
from tests.sync_core.test_archive import moved
from tests.sync_core.test_service import Environment, environment, run

__all__ = ["environment"]

IN_MANIFEST = 883047


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
async def story(log: EventLog) -> Story:
    story = await Story.begun(log)
    await story.status("in_manifest")
    await story.written(IN_MANIFEST)
    await story.shows(OPEN)
    return story


async def test_the_timeline_hangs_each_effect_below_its_cause(
    environment: Environment, story: Story
) -> None:
    code, out, _ = await run(environment, "audit", "timeline", f"{story.seller.tag}-1", "--why")

    assert code == 0
    told = [line.rstrip() for line in out.splitlines()]
    deep = {line.split(": ", 1)[1]: line.index("nº") for line in told if "─ nº " in line}
    status = deep["360Hub: status “em romaneio”"]
    command = deep["Gravar nº 883047 no Bling, se ele ainda mostrar “Em andamento”"]
    answer = deep["Bling: situação nº 883047 gravada"]
    assert status < command < answer
    assert any("eco do nº" in line and "situação nº 883047 gravada" in line for line in told)
    assert any("(alterado no Bling, autor não informado)" in line for line in told)


async def test_machines_get_one_object_a_line(environment: Environment, story: Story) -> None:
    timeline = ("audit", "timeline", f"bling-{story.seller.tag}-1", "--json")
    code, out, _ = await run(environment, *timeline)
    shown_code, shown, _ = await run(
        environment, "audit", "as-of", f"{story.seller.tag}-1", "--position", "10", "--json"
    )

    assert (code, shown_code) == (0, 0)
    entries = {entry["type"]: entry for entry in lines(out)}
    written = entries["bling.situation.set"]
    assert written["echo_of"] == written["cause"] == entries["bling.set_situation"]["position"]
    assert entries["bling.set_situation"]["effects"] == [written["position"]]
    (then,) = lines(shown)
    assert then["order"] == f"{story.seller.tag}-1"
    assert then["then"]["stage"] == "started"
    assert {"field": "stage", "then": "started", "now": "in_manifest"} in then["changes"]


async def test_an_ambiguous_order_lists_its_candidates(
    environment: Environment, story: Story, log: EventLog
) -> None:
    other = await Story.begun(log)
    keys = {f"{each.seller.tag}-1" for each in (story, other)}

    code, out, _ = await run(environment, "audit", "timeline", "1042", "--json")
    as_of = await run(environment, "audit", "as-of", "1042", "--at", "2026-11-23")
    account = ("--account", str(other.seller.id))
    narrowed, told, _ = await run(environment, "audit", "timeline", "1042", *account)

    assert code == as_of[0] == 2
    assert keys <= {candidate["candidate"] for candidate in lines(out)}
    assert all(key in as_of[2] for key in keys)
    assert narrowed == 0
    assert f"({other.seller.tag}-1)" in told


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (("--position", "5"), "Nothing was known of the order then"),
        (("--at", "2020-01-01"), "Nothing was known of the order then"),
        (("--at", "yesterday"), "yesterday is no time"),
        ((), "Give either --at or --position"),
        (("--at", "2026-11-23", "--position", "9"), "Give either --at or --position"),
    ],
)
async def test_a_wrong_time_gets_one_clear_sentence(
    environment: Environment, story: Story, then: tuple[str, ...], said: str
) -> None:
    code, out, err = await run(environment, "audit", "as-of", f"{story.seller.tag}-1", *then)

    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


async def test_a_missing_file_of_old_history_is_named(
    environment: Environment,
    story: Story,
    pool: Pool,
    owner: Pool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYNC_CORE_ARCHIVE_DIR", str(tmp_path))
    await moved(owner, story.seller, 10)
    (segment,) = await segments_of(pool, story.seller.id)
    key, account = f"{story.seller.tag}-1", str(story.seller.id)
    archived = environment | {"SYNC_CORE_ARCHIVE_DIR": str(tmp_path)}
    told, _, _ = await run(archived, "audit", "timeline", key)
    segment.path.unlink()

    ends = [
        await run(archived, "audit", *command)
        for command in (
            ("timeline", key),
            ("as-of", key, "--position", "12"),
            ("loops", "--account", account),
        )
    ]

    assert told == 0
    assert [code for code, _, _ in ends] == [2, 2, 2]
    assert all(segment.path.name in "".join(err.split()) for _, _, err in ends)
    assert not any("Traceback" in err for _, _, err in ends)
