"""Dependencies point one way: commands -> domains -> shared; and the light paths stay light."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "melodia"
DOMAINS = {
    "composition",
    "transcription",
    "recognition",
    "language",
    "detection",
    "synthesis",
    "spelling",
    "polyphony",
    "harmony",
    "performance",
}
TOP = {"api", "workshop", "commands", "__main__"}  # may import domains


def imports_of(path: Path) -> set[str]:
    """The first name under melodia of each import, those inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("melodia."):
            found.add(node.module.split(".")[1])
        if isinstance(node, ast.ImportFrom) and node.module == "melodia":
            found.update(name.name for name in node.names)
        if isinstance(node, ast.Import):
            found.update(name.name.split(".")[1] for name in node.names if name.name.startswith("melodia."))
    return found


def test_shared_modules_import_no_domain_and_domains_not_each_other():
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room in TOP or room == "__init__":
            continue
        assert not imports_of(path) & (DOMAINS - {room}), path
        assert not imports_of(path) & TOP, path


def test_the_library_never_imports_click_or_prints():
    for path in PACKAGE.rglob("*.py"):
        if "commands" in path.parts:
            continue
        names = {n.id for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Name)}
        assert "print" not in names, path
        assert "import click" not in path.read_text("utf-8"), path


def test_import_and_help_load_neither_torch_nor_librosa():
    code = (
        "import sys, melodia, melodia.commands\n"
        "from click.testing import CliRunner\n"
        "assert CliRunner().invoke(melodia.commands.main, ['--help']).exit_code == 0\n"
        "assert CliRunner().invoke(melodia.commands.main, ['generate', '--help']).exit_code == 0\n"
        "heavy = {'torch', 'librosa', 'numpy', 'matplotlib', 'pretty_midi'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr
