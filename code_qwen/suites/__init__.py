"""The code benchmarks, one file for each family of them."""
