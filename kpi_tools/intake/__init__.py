"""The way in, room by room; `kpi_tools.loading` is its door.

Each module imports only from those before it: cells → periods → ids → workbook_container, workbook_texts → workbook_sheets →
workbook_child (the process that workbooks starts), workbooks → grids, tables → reading → fields, columns → catalogue,
returns → return_rules, context, figures, received → run → submissions.
"""
