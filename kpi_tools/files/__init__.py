"""Files that services and analysts open in Excel."""
