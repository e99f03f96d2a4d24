"""Languages beside Python: how to build a program, run it, and prove a pass."""
