"""BENCH: what Rollbook does on this machine, held against what it should do. It reports, it never fails."""
