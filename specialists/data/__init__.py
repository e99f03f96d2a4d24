"""Sources in, packed training blocks out."""
