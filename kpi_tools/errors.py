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


class Refused(Exception):
    """A file that is not read: a code of `loading.rules` and its particulars, perhaps a place."""

    def __init__(self, code: str, detail: str = "", sheet: str = "", row: int = 0) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.sheet, self.row = code, detail, sheet, row
