"""The contract that some modules import nothing but what is named."""

import grimp
import pytest

from deploy.import_contracts import ImportsOnly


def _check(imported: str) -> bool:
    graph = grimp.ImportGraph()
    for module in ("core", "core.domain", "core.domain.order", imported):
        graph.add_module(module)
    graph.add_import(importer="core.domain.order", imported=imported)
    contract = ImportsOnly(
        name="rules",
        session_options={},
        contract_options={"source_modules": ["core.domain"], "allowed_modules": ["contracts"]},
    )
    return contract.check(graph, verbose=False).kept


@pytest.mark.parametrize("imported", ["contracts", "contracts.model", "core.domain.align"])
def test_named_modules_and_the_own_package_may_be_imported(imported: str) -> None:
    assert _check(imported)


@pytest.mark.parametrize("imported", ["time", "core.log", "core", "contracts_of_others"])
def test_anything_else_breaks_the_contract(imported: str) -> None:
    assert not _check(imported)
