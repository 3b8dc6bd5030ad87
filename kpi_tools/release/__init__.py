"""What must hold before a report is released."""
