"""What `kpi` can be asked, one function a command."""
