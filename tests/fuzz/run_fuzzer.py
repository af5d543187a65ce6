#!/usr/bin/env python3
"""A short run of a libFuzzer target, the same every time: run_fuzzer.py PROGRAM SEEDS RUNS.

For a long one call the program itself, with a folder for what it finds before the seeds:
    build/tests/fuzz/http_request_fuzz -max_len=10000 /tmp/found tests/fuzz/http_requests
"""
import subprocess
import sys
import tempfile

program, seeds, runs = sys.argv[1:]
with tempfile.TemporaryDirectory() as found:
    sys.exit(subprocess.run([program, f"-runs={runs}", "-seed=1", "-max_len=10000", "-timeout=20",
                             "-print_final_stats=1", f"-artifact_prefix={found}/", found, seeds],
                            check=False).returncode)
