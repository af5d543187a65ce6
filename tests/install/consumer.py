"""What the install tests share: the program of the README, an installed tree, and a way to run."""
import os
import pathlib
import re
import subprocess


def run(command, cwd, environment=None):
    """Runs a command to its end; a failure shows what it printed and ends the test."""
    command = [str(word) for word in command]
    # Meson points this at the build's own library, which is not the one under test.
    inherited = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    done = subprocess.run(
        command, cwd=cwd, env=inherited | (environment or {}), text=True, timeout=1200,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def readme_program(source_root):
    """The first C++ block of the README that is a whole program."""
    readme = (source_root / "README.md").read_text()
    for block in re.findall(r"^```cpp\n(.*?)^```", readme, re.MULTILINE | re.DOTALL):
        if "int main" in block:
            return block
    raise SystemExit("README.md has no C++ block with a main function")


class Tree:
    """A build's files as `meson install` lays them out, under a folder of its own."""

    def __init__(self, build, folder):
        run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", folder], folder)
        self.root = folder
        self.pkgconfig = next(folder.rglob("conc.pc")).parent
        self.libdir = self.pkgconfig.parent
        self.prefix = next(folder.rglob("include/conc")).parent.parent

    def remove_shared(self):
        """Leaves what an install of the static library alone would have left."""
        for path in self.libdir.glob("libconc.so*"):
            path.unlink()

    def flags(self, *arguments):
        """What pkg-config says of conc, as words."""
        environment = {
            "PKG_CONFIG_PATH": str(self.pkgconfig),
            "PKG_CONFIG_SYSROOT_DIR": str(self.root),
        }
        return run(["pkg-config", *arguments, "conc"], self.root, environment).split()


def run_program(program, library_path=None):
    """The program must end well and say something; the shared library is found as named here."""
    environment = {"LD_LIBRARY_PATH": str(library_path)} if library_path else {}
    output = run([program], pathlib.Path(program).parent, environment)
    if not output.strip():
        raise SystemExit(f"{program} printed nothing")
    print(output.strip())
