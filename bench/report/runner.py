"""Running the programs that measure, with visible progress and a limit on their patience."""
import contextlib
import os
import subprocess
import sys
import time


class Failed(Exception):
    """A program that ended badly, with what it said last."""


def _bar(done):
    filled = int(24 * min(done, 1.0))
    return "█" * filled + "░" * (24 - filled)


class Progress:
    """One line on the terminal for each step; elsewhere one when it starts and one at its end."""

    def __init__(self):
        self.live = sys.stdout.isatty()
        self.title, self.expected, self.start = "", 0.0, 0.0

    @contextlib.contextmanager
    def step(self, title, expected):
        self.title, self.expected, self.start = title, expected, time.monotonic()
        if not self.live:
            print(f"{title}: about {expected:.0f} s", flush=True)
        try:
            yield
        finally:
            took = time.monotonic() - self.start
            end = f"\r\033[K{title}: {took:.0f} s" if self.live else f"{title}: took {took:.0f} s"
            print(end, flush=True)

    def tick(self):
        if self.live:
            took = time.monotonic() - self.start
            done = _bar(took / self.expected)
            line = f"\r\033[K{self.title}: {done} {took:.0f} of about {self.expected:.0f} s"
            print(line, end="", flush=True)


PROGRESS = Progress()


def _start(command, environment):
    try:
        return subprocess.Popen(command, text=True, env={**os.environ, **environment},
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise Failed(f"{command[0]}: {error.strerror}") from error


def run(command, expected, keep=None):
    """Runs a command to its end; returns its output, which `keep` receives even if it fails."""
    child = _start(command, {})
    end = time.monotonic() + 60 + 4 * expected
    output = None
    while output is None:
        PROGRESS.tick()
        try:
            output, _ = child.communicate(timeout=0.25)
        except subprocess.TimeoutExpired:
            if time.monotonic() > end:
                child.kill()
                output, _ = child.communicate()
                raise Failed(f"{command[0]} did not end in time; its last words:\n{output[-2000:]}")
        except BaseException:  # an interrupt must leave nothing running
            child.kill()
            child.wait()
            raise
    if keep is not None:
        keep.append(output)
    if child.returncode != 0:
        raise Failed(f"{command[0]} ended with {child.returncode}:\n{output[-2000:]}")
    return output


@contextlib.contextmanager
def server(command, **environment):
    """A server that says 'listening on PORT' first; yields (its process, the port)."""
    child = _start(command, environment)
    try:
        said = child.stdout.readline()
        words = said.split()
        if words[:2] != ["listening", "on"]:
            child.kill()
            raise Failed(f"{command[0]} does not listen: {said}{child.stdout.read()}".strip())
        yield child, int(words[2])
        if child.poll() is not None:
            raise Failed(f"{command[0]} ended by itself: {child.stdout.read()}".strip())
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
