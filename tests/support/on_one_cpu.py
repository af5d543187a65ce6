#!/usr/bin/env python3
"""Runs a program on a single one of the CPUs that this process may use."""
import os
import sys

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.execv(sys.argv[1], sys.argv[1:])
