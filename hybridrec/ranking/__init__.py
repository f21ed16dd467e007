"""Scores become lists: scorers, exact top-k, rules."""
