"""The arithmetic behind rating and variation, on any engine or none: regression, series, signals, assurance, doubts."""
