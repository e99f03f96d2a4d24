"""Blocks and a checkpoint in, a checkpoint out."""
