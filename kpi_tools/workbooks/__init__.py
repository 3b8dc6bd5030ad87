"""Workbooks from outside, read in a process of its own, which starts without pandas."""
