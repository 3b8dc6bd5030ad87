"""What leaves the house beside the page: one page, Word, workbook, data table, site."""
