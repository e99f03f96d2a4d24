"""What runs inside the box: supervisor, zygote, candidate, judge."""
