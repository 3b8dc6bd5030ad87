"""Many figures: one table of many authorities, judged in blocks of whole series, on this computer or on Spark."""
