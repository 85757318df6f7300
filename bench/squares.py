#!/usr/bin/env python3
"""The squares job with Python's queue.Queue: what spmcq-bench squares does, in the original."""
import argparse
import queue
import sys
import threading
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("items", nargs="?", type=int, default=100)
parser.add_argument("consumers", nargs="?", type=int, default=5)
parser.add_argument("capacity", nargs="?", type=int, default=0, help="0, the default: no bound")
parser.add_argument("--time", action="store_true",
                    help="print, instead of the squares, the seconds from the first put to the end of join")
options = parser.parse_args()

numbers = queue.Queue(options.capacity)
results = []


def worker():
    while True:
        n = numbers.get()
        results.append((n, n * n))
        numbers.task_done()


for _ in range(options.consumers):
    threading.Thread(target=worker, daemon=True).start()
start = time.perf_counter()
for n in range(options.items):
    numbers.put(n)
numbers.join()
seconds = time.perf_counter() - start
results.sort()
if not options.time:
    print(results)
elif results == [(n, n * n) for n in range(options.items)]:
    print(seconds)
else:
    sys.exit("the squares are wrong")
