"""Tests of pseudonyms, sealing, scrubbing and the directory."""
