"""Workbooks from outside, read in a process of its own. Beside `loading`, because that process starts without pandas."""
