"""How a council begins from its own workbook, and how a quarter is collected."""
