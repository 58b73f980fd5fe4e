"""Benchmarks: what is promised in numbers, measured against a sandbox in the same run (`make bench`)."""
