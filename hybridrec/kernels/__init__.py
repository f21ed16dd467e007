"""Compiled functions on arrays: no classes, no input or output, no checks.

Callers check and convert their arguments before they come here.
"""
