#!/usr/bin/env python3
"""Runs a program on a single one of the CPUs that this process may use, and on one that no other
program run by this script is on, if there is one: so the tests can run as many as there are CPUs."""
import fcntl
import os
import sys
import tempfile


def take(cpu):
    """True if the CPU was free. It is ours for as long as the program lives, whose descriptor the
    lock's becomes."""
    name = os.path.join(tempfile.gettempdir(), f"conc-tests-{os.getuid()}-cpu-{cpu}")
    lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    os.set_inheritable(lock, True)
    return True


cpus = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, {next(filter(take, cpus), cpus[0])})
os.execv(sys.argv[1], sys.argv[1:])
