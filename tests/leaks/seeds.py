"""The seeds of the corpus. Every generator runs with each of them.

HIDDEN is never run or looked at while the detector is written: it tells whether the detector was fitted to
the programs that its author saw. `bench/leaks.py --open` runs OPEN alone; both halves are in what `make bench` prints."""
OPEN = (11, 12)
HIDDEN = (101, 102)
