"""The maths benchmarks, one file for each way of asking."""
