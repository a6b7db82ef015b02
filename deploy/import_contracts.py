"""A contract for import-linter: some modules import nothing but what is named."""

from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class ImportsOnly(Contract):
    """Modules, with all below them, that import only themselves and the modules allowed.

    Unlike a list of what is forbidden it also holds for modules that do not exist yet, and for the
    standard library.
    """

    type_name = "imports_only"

    source_modules = fields.SetField(subfield=fields.StringField())
    allowed_modules = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Compare each direct import with what is allowed."""
        sources = cast("set[str]", self.source_modules)
        allowed = sources | cast("set[str]", self.allowed_modules)
        foreign = sorted(
            f"{importer} -> {imported}"
            for source in sources
            for importer in {source, *graph.find_descendants(source)}
            for imported in graph.find_modules_directly_imported_by(importer)
            if not any(f"{imported}.".startswith(f"{module}.") for module in allowed)
        )
        return ContractCheck(kept=not foreign, metadata={"foreign": foreign})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that are not allowed."""
        for line in check.metadata["foreign"]:
            output.print_error(line, bold=False)
