"""The way in, room by room; `kpi_tools.loading` is its door.

Each module imports only from those before it: cells → periods → ids → workbooks (and workbook_child, a script) →
grids, tables → reading → fields, columns → catalogue, returns → return_rules, context, figures, received → run → submissions.
"""
