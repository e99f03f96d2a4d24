"""What judging costs on this machine: `python -m sandbox bench`."""
