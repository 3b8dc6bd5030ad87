"""Pieces of the page: charts, tables and cards, and the templates that hold them."""
