#!/usr/bin/env python3
"""The squares job of squares.py with processes for threads: multiprocessing.JoinableQueue."""
import argparse
import ctypes
import multiprocessing
import os
import signal
import sys
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("items", nargs="?", type=int, default=100)
parser.add_argument("consumers", nargs="?", type=int, default=5)
parser.add_argument("capacity", nargs="?", type=int, default=0, help="0, the default: no bound")
parser.add_argument("--time", action="store_true",
                    help="print, instead of the squares, the seconds from the first put to the end of join")
options = parser.parse_args()

PR_SET_PDEATHSIG = 1
context = multiprocessing.get_context("fork")
numbers = context.JoinableQueue(options.capacity)
found = context.SimpleQueue()  # a list of each worker
producer = os.getpid()


def worker():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != producer:
        sys.exit("the producer is gone")
    results = []
    for n in iter(numbers.get, None):
        results.append((n, n * n))
        numbers.task_done()
    found.put(results)


workers = [context.Process(target=worker) for _ in range(options.consumers)]
for process in workers:
    process.start()
start = time.perf_counter()
for n in range(options.items):
    numbers.put(n)
numbers.join()
seconds = time.perf_counter() - start
for _ in workers:
    numbers.put(None)
results = sorted(square for _ in workers for square in found.get())
for process in workers:
    process.join()
if not options.time:
    print(results)
elif results == [(n, n * n) for n in range(options.items)]:
    print(seconds)
else:
    sys.exit("the squares are wrong")
