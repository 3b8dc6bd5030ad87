"""Why a KPI stands where it does: the directorate explorer and the history of one KPI."""
