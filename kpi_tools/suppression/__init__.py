"""Small numbers: which figures of sensitive KPIs are not to be printed, so that none can be worked out (METHOD.md)."""
