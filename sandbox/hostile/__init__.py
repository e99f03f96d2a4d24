"""Hostile programs, by what they try."""
