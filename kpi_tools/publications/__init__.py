"""What leaves the house beside the page: one page, Word, a workbook for directors, one data table,
a site of all reports.
"""
