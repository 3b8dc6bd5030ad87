"""What goes wrong for reasons an analyst can mend: one sentence each, and an exit status."""


class KpiError(Exception):
    """A fault in what was asked or sent. Its text is a sentence for an analyst. `exit_status` is
    what the `kpi` command ends with. In a notebook the sentence is shown alone, without a
    traceback."""

    exit_status = 1

    def _render_traceback_(self) -> list[str]:
        return [f"Stopped: {self}"]


class InputError(KpiError):
    """The files or parameters given cannot be used as they are."""

    exit_status = 2
