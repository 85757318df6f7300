#!/usr/bin/env python3
"""The squares job with Python's queue.Queue: what spmcq-bench squares does, in the original."""
import queue
import sys
import threading

items = int(sys.argv[1]) if len(sys.argv) > 1 else 100
numbers = queue.Queue()
results = []


def worker():
    while True:
        n = numbers.get()
        results.append((n, n * n))
        numbers.task_done()


for _ in range(5):
    threading.Thread(target=worker, daemon=True).start()
for n in range(items):
    numbers.put(n)
numbers.join()
print(sorted(results))
