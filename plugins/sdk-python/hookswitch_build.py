"""From a plugin's source to a component: `hookswitch-build app.py -o plugin.wasm`, without a network."""

from __future__ import annotations

import argparse
import ast
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

INTERFACES = (
    "lookup", "contacts", "journal", "tickets", "cards", "recordings", "directory", "routing", "commands", "feed", "speech",
)


def exports(source: str) -> list[str]:
    """The interfaces that a plugin's source has classes for, `plugin` first."""
    classes = {node.name.lower() for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    return ["plugin", *(name for name in INTERFACES if name in classes)]


def world(names: list[str]) -> str:
    """The world of one plugin: every import, and exactly the exports that it has."""
    lines = "\n".join(f"  export hookswitch:plugin/{name}@0.1.0;" for name in names)
    return f"package local:plugin;\n\nworld plugin {{\n  include hookswitch:plugin/imports@0.1.0;\n\n{lines}\n}}\n"


def build(app: Path, output: Path, wit: Path) -> list[str]:
    """Builds the component, and returns what it exports."""
    if not (wit / "types.wit").is_file():
        raise SystemExit(f"{wit} does not hold the contract (types.wit, plugin.wit …); name its folder by --wit")
    names = exports(app.read_text())
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        shutil.copytree(wit, folder / "deps/hookswitch-plugin", ignore=lambda _, files: [f for f in files if not f.endswith(".wit")])
        (folder / "world.wit").write_text(world(names))
        # The SDK comes first: it puts the job's clock in place of Python's, which other modules take their names from.
        entry = folder / "entry" / "hookswitch_entry.py"
        entry.parent.mkdir()
        entry.write_text(f"import hookswitch_sdk\nfrom {app.stem} import *\n")
        sdk = Path(__file__).parent
        # Nothing but the plugin's own folder and the SDK goes in.
        command = [tool(), "-d", work, "-w", "plugin", "componentize", "--stub-wasi", entry.stem]
        command += ["-p", str(entry.parent), "-p", str(app.parent), "-p", str(sdk), "-o", str(output)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"componentize-py could not build {app}:\n{done.stdout}{done.stderr}")
    return names


def tool() -> str:
    """`componentize-py`, beside this Python or in the path."""
    beside = Path(sys.executable).parent / "componentize-py"
    found = str(beside) if beside.is_file() else shutil.which("componentize-py")
    if found is None:
        raise SystemExit("componentize-py is missing; install it with: pip install componentize-py==0.25.1")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="hookswitch-build", description="Builds a plugin into a component.")
    parser.add_argument("source", type=Path, help="the plugin's module: app.py")
    parser.add_argument("-o", "--output", type=Path, help="the component; default: the source with the ending .wasm")
    parser.add_argument("--wit", type=Path, default=Path("wit"), help="the folder wit/0.1.0 of Hookswitch; default: wit")
    given = parser.parse_args()
    output = given.output or given.source.with_suffix(".wasm")
    names = build(given.source.resolve(), output.resolve(), given.wit.resolve())
    print(f"{output}: {output.stat().st_size // 1024} KiB, exports {', '.join(names)}")


if __name__ == "__main__":
    main()
