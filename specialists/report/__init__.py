"""Finished runs in, one honest comparison out."""
