"""Who plays which part: remembered, else found by name, and only if of the right class."""

from hypothesis import given
from hypothesis import strategies as st

from services.bling_gateway.setup.roles import cast
from shared.contracts.bling_gateway import Role, SituationDefinition, UnusableSituation
from shared.contracts.sync_core import WantedSituation

ROMANEIO = WantedSituation(role="in_manifest", name="Em romaneio", colour="#4A90D9")
PICKUP = WantedSituation(role="awaiting_pickup", name="Aguardando coleta", colour="#F5A623")

names = st.sampled_from(["Em romaneio", " EM ROMANEIO ", "Aguardando coleta", "Outra"])
situations = st.lists(
    st.builds(
        SituationDefinition,
        id=st.integers(1, 9),
        name=names,
        inherits=st.sampled_from([None, 6, 15]),
    ),
    unique_by=lambda situation: situation.id,
)
remembered = st.fixed_dictionaries(
    {}, optional={"in_manifest": st.integers(1, 9), "awaiting_pickup": st.integers(1, 9)}
)


def situation(id_: int, name: str, inherits: int | None = 15) -> SituationDefinition:
    return SituationDefinition(id=id_, name=name, inherits=inherits)


def test_names_are_compared_without_case_and_blanks_around() -> None:
    found = cast([ROMANEIO], [situation(7, " em ROMANEIO ")], {})

    assert found.roles == {"in_manifest": 7}


def test_a_renamed_situation_keeps_its_part() -> None:
    listed = [situation(7, "Separando a romaneio"), situation(8, "Em romaneio")]

    assert cast([ROMANEIO], listed, {"in_manifest": 7}).roles == {"in_manifest": 7}


def test_a_deleted_situation_leaves_its_part_to_one_of_the_name() -> None:
    assert cast([ROMANEIO], [situation(8, "Em romaneio")], {"in_manifest": 7}).roles == {
        "in_manifest": 8
    }
    assert cast([ROMANEIO], [], {"in_manifest": 7}).missing == (ROMANEIO,)


def test_one_that_inherits_otherwise_is_unusable_and_not_missing() -> None:
    found = cast([ROMANEIO, PICKUP], [situation(7, "Em romaneio", 6)], {})

    assert found.roles == {}
    assert found.unusable == (UnusableSituation(role="in_manifest", id=7, inherits=6),)
    assert found.missing == (PICKUP,)


def test_of_two_of_the_name_the_one_of_the_right_class_plays() -> None:
    listed = [situation(7, "Em romaneio", 6), situation(8, "em romaneio")]

    assert cast([ROMANEIO], listed, {}).roles == {"in_manifest": 8}


@given(listed=situations, before=remembered)
def test_each_wanted_situation_is_played_or_unusable_or_missing(
    listed: list[SituationDefinition], before: dict[Role, int]
) -> None:
    wanted = (ROMANEIO, PICKUP)

    found = cast(wanted, listed, before)

    unusable = {each.role for each in found.unusable}
    missing = {each.role for each in found.missing}
    assert sorted([*found.roles, *unusable, *missing]) == ["awaiting_pickup", "in_manifest"]
    inherits = {each.id: each.inherits for each in listed}
    assert all(inherits[id_] == 15 for id_ in found.roles.values())
    # A second one of a name is never created.
    plain = {each.name.strip().casefold() for each in listed}
    assert all(want.name.casefold() not in plain for want in found.missing)
