"""Every rule that what is read must keep: its stable code, the sentence, the remedy and who can mend it."""

from dataclasses import dataclass
from typing import Final

ERROR: Final = "error"
WARNING: Final = "warning"
NOTICE: Final = "notice"

SERVICE: Final = "the service that sent it"
TEAM: Final = "the performance team"


@dataclass(frozen=True)
class Rule:
    """What is wrong, in words with places for particulars; what to do; whether it stops the report; who can mend it."""

    sentence: str
    remedy: str
    severity: str = ERROR
    who: str = SERVICE


_NUMBER = "Give the figure as plain digits, for example 87.5, and put any remark in the note."

RULES: Final[dict[str, Rule]] = {
    # files
    "file-empty": Rule("The file holds nothing.", "Send the file again."),
    "file-zeros": Rule(
        "The file holds only zeros: it was not yet downloaded or was damaged on the way.",
        "Open it on the machine where it is stored, save it, and copy it again.",
    ),
    "file-truncated": Rule(
        "The file is damaged or ends too early: {detail}.", "Save it again from the original."
    ),
    "file-kind": Rule(
        "The file is {detail}, whatever its name says.", "Save the table as .xlsx or as CSV."
    ),
    "file-password": Rule(
        "The workbook is protected by a password or in the old .xls format.",
        "Remove the password and save it as .xlsx.",
    ),
    "file-macros": Rule("The workbook holds macros.", "Save it as .xlsx, without macros."),
    "file-links": Rule(
        "The workbook takes figures from other files ({detail}), which may have changed.",
        "Copy the table and paste it as values into a new workbook.",
    ),
    "file-hostile": Rule(
        "The workbook is not one that a spreadsheet program writes: {detail}.",
        "Copy the table by hand into a new workbook, and ask where this one came from.",
    ),
    "file-large": Rule(
        "The file is too large: {detail}.", "Send only the rows of the return, split if needed."
    ),
    "file-stray": Rule(
        "Cell {detail} holds something far away from the table.",
        "Delete everything below and beside the table and save the workbook again.",
    ),
    "file-slow": Rule(
        "The workbook could not be read within {detail}.",
        "Copy the table as values into a new workbook.",
    ),
    "file-encoding": Rule(
        "The text is in an encoding that cannot be told: {detail}.", 'Save it as "CSV UTF-8".'
    ),
    "file-quotes": Rule(
        "The quotation marks do not match: {detail}.", "Save it again from the spreadsheet program."
    ),
    "file-changing": Rule(
        "The file changed while it was being read.", "Wait until it is saved and run again."
    ),
    "file-unreadable": Rule(
        "The file cannot be opened: {detail}.", "Close it in other programs, or check its rights."
    ),
    "file-other": Rule(
        "Files of this kind are not read, so nothing in it is in the report.",
        "If it holds figures, save them as .xlsx or CSV; otherwise take the file away.",
        WARNING,
    ),
    "file-format": Rule("Files of this format are not read.", "Save it as .xlsx or CSV."),
    "file-leftover": Rule(
        "The file was left behind by a program, and was skipped.", "Nothing.", NOTICE
    ),
    "file-folder": Rule(
        "This is a folder, whatever its name says.",
        "Move the files in it up, and take the folder away.",
        who=TEAM,
    ),
    "folder-inside": Rule(
        "A folder inside the folder of a quarter is not looked into.",
        "Move the returns in it up.",
        WARNING,
        TEAM,
    ),
    "folder-other": Rule(
        "This is not a folder of a quarter, and was skipped.",
        "Name folders of returns like 2024-25-Q3 and put every return into one.",
        WARNING,
        TEAM,
    ),  # fmt: skip
    "folder-twice": Rule(
        "There is another folder for the same quarter: {detail}.",
        "Put all returns into one.",
        who=TEAM,
    ),
    "file-copy": Rule(
        "The file is a copy beside {detail}, and was skipped.",
        "Keep the one that is right.",
        WARNING,
    ),
    "file-twice": Rule(
        "There are two files for one purpose: {detail}.", "Keep one of the two.", who=TEAM
    ),
    # tables
    "table-header": Rule(
        "No row has the headings {detail}.",
        "Use the return template, or put these headings above the table.",
    ),
    "table-columns": Rule(
        "Of the columns needed {detail} is missing.", "Add it, or use the return template."
    ),
    "table-duplicate": Rule(
        "The heading {detail} stands there twice.", "Keep one column of each name."
    ),
    "table-wide": Rule(
        "The periods stand side by side as columns ({detail}).",
        "Give one row for each KPI and period, with the columns kpi_id, period and value.",
    ),
    "table-two": Rule(
        "A second heading row stands in row {detail}: there are two tables.",
        "Leave one table in the sheet; if it only goes on below, delete that row.",
    ),
    "table-sheets": Rule(
        "More than one sheet holds a table: {detail}.", "Leave one of them in the workbook."
    ),
    "table-hidden": Rule(
        "The only table is on a hidden sheet ({detail}).",
        "Show the sheet, check it, send it again.",
    ),
    "table-unexpected": Rule(
        "This column is not one of those asked for, and was left out.",
        "Nothing, if it is not needed.",
        WARNING,
    ),
    "table-no-rows": Rule(
        "There is a heading but no row below it.", "Fill it in or take the file away.", WARNING
    ),
    "sheet-hidden": Rule(
        "The sheet {detail} is hidden, and was not read.", "Check whether it belongs.", WARNING
    ),
    "row-hidden": Rule(
        "The row is hidden, and was read.", "Show it, or delete it if it is not meant.", WARNING
    ),
    "column-hidden": Rule("The column is hidden, and was read.", "Show it and check it.", WARNING),
    "cell-struck": Rule(
        "The cell is struck through, and was read.",
        "Delete what is not meant, or remove the line through it.",
        WARNING,
    ),
    "cell-unseen": Rule(
        "The cell's format hides what is in it, and it was read.",
        "Delete it, or give the cell a format.",
        WARNING,
    ),
    "row-short": Rule(
        "The row has {detail} cells.",
        "Look for missing separators; a cell that is left empty still needs its separator.",
    ),
    "row-long": Rule(
        "The row has {detail} cells.",
        "Look for a comma inside a cell without quotation marks, or for a separator too many.",
    ),
    "row-beside": Rule(
        "Something stands beside the table, in {detail}.", "Move it into the note, or delete it."
    ),
    "row-merged": Rule(
        "The cell is merged with others ({detail}).", "Unmerge them and fill each row."
    ),
    "row-total": Rule("The row is a total, not a figure of one KPI.", "Delete it."),
    "row-footnote": Rule(
        "The row is a footnote or heading, not a figure.", "Delete it, or move it into the notes."
    ),
    "formula-empty": Rule(
        "The cell holds a formula that has never been calculated.",
        "Open the workbook, let it calculate, save it; or paste the values.",
    ),
    # ids
    "id-missing": Rule("There is no KPI id.", "Give the id as in the catalogue."),
    "id-unknown": Rule(
        "The catalogue has no KPI of this id.{detail}",
        "Correct the id, or ask for the KPI to be added.",
    ),
    "id-lookalike": Rule(
        "The id only looks like {detail}.",
        "Type the id again by hand, in a cell that is formatted as text.",
    ),
    # periods
    "period-missing": Rule("There is no period.", 'Give the quarter, for example "2024-25 Q3".'),
    "period-bad": Rule("{detail}", 'Give the quarter as "2024-25 Q3", or the month as "2024-12".'),
    "period-date": Rule(
        "The date {detail}.",
        'Give the quarter as "2024-25 Q3"; a date must be the last day of a quarter.',
    ),
    "period-month": Rule(
        "{detail} is a month, and this KPI is not a monthly one.",
        'Give the quarter, for example "2024-25 Q3".',
    ),
    "period-which": Rule(
        "A date does not say whether the figure is of the month or of the quarter that ends then.",
        'Write "2024-12" for the month or "2024-25 Q3" for the quarter.',
    ),
    "period-future": Rule(
        "The period lies after {detail}, for which this was sent.", "Correct the period."
    ),
    "period-retired": Rule(
        "The KPI left the set after {detail}.",
        "Check the id, or the KPI's last quarter in the catalogue.",
        WARNING,
    ),
    "months-partial": Rule(
        "{detail}", "Send the months that are missing, or the quarter's own figure.", WARNING
    ),
    "months-unlike": Rule(
        "Its months make {detail}, not what was sent for the quarter, which stands.",
        "Find out which of them is right, and send it again.",
        WARNING,
    ),
    # values
    "value-text": Rule("It is not a number.", _NUMBER),
    "value-hidden": Rule(
        "Something invisible stands between its digits, where a point or a dash may have been.",
        "Type the number again.",
    ),
    "text-lost": Rule(
        "It holds \N{REPLACEMENT CHARACTER}, which stands where a character was lost.",
        "Type it again, and save the table as .xlsx or as CSV UTF-8.",
    ),
    "text-rows": Rule(
        "It holds whole rows of the table: a quotation mark in it was not closed where the text ends.",
        "Close the quotation mark, or take it out.",
    ),
    "value-flag": Rule(
        "The mark {detail} stands behind the number.",
        'Give the number alone, and say "provisional" etc. in status.',
    ),
    "value-range": Rule("It is a range, not one figure.", _NUMBER),
    "value-date": Rule(
        "It is a date, perhaps made by the spreadsheet program from what was typed.",
        "Format the cell as a number and type the figure again.",
    ),
    "value-time": Rule(
        "It is a time of day, not a number.",
        "Format the cell as a number and type the figure again.",
    ),
    "value-truth": Rule("It is TRUE or FALSE, not a number.", _NUMBER),
    "value-error": Rule(
        "It is a spreadsheet error, which is neither a figure nor a blank.",
        'Mend the formula, or clear the cell and give the status "not available".',
    ),
    "value-comma": Rule(
        "The comma may be a decimal point or a thousands separator.",
        "Use a point for decimals and no separators.",
    ),
    "value-infinite": Rule(
        "It is not a finite number.", "Check the division behind it; leave the cell blank if none."
    ),
    "value-scientific": Rule(
        "It is in scientific notation, in which digits may have been lost.",
        "Widen the column or format it as a number, and save again.",
    ),
    "value-spaces": Rule("There are spaces inside the number.", "Write the number without spaces."),
    "value-zeros": Rule("It begins with a zero, as a number does not.", _NUMBER),
    "parts-sign": Rule(
        "It is a percentage, and the parts of a figure are counts.",
        "Give the two counts as numbers.",
    ),
    "value-sign": Rule("The unit of this KPI is {detail}, but the cell says otherwise.", _NUMBER),
    "value-above-100": Rule(
        "A percentage cannot be above 100.",
        "Check the figure and its unit; of a measure that can be more, say so in the column `range` of kpis.csv, such as 0..150.",
    ),
    "value-negative": Rule(
        "The figure cannot be negative.",
        "Check it; of a measure that can be below zero, say so in the column `range` of kpis.csv, such as -100..100.",
    ),
    "value-fraction": Rule(
        "The KPI is a percentage{detail}, and this looks like a fraction.",
        'Give percentages as 87.5, not 0.875; if it really is below one per cent, write it with the sign: "0.9%".',
    ),
    "value-unlike-parts": Rule(
        "Numerator and denominator make {detail}, not the value given.",
        "Correct whichever of the three is wrong.",
    ),
    "parts-over": Rule(
        "The numerator is greater than the denominator.", "Check whether the two are exchanged."
    ),
    "parts-zero": Rule(
        "The denominator is zero.", 'If there were no cases: empty cells, status "not applicable".'
    ),
    "parts-withheld": Rule(
        "The value is withheld ({detail}), but its parts are given.",
        "Take the parts out, or give the value.",
    ),
    "status-unknown": Rule("The status is not one of those known: {detail}.", "Use one of these."),
    "status-with-value": Rule(
        'The status says "{detail}", but a value is given.', "Keep one of the two."
    ),
    "status-without-value": Rule(
        'The status says "{detail}", but there is no value; it was taken as not available.',
        "Give the value, or the reason why there is none.",
        WARNING,
    ),
    "status-other-reason": Rule(
        "The value says {detail}.",
        "Leave the value empty and keep the reason that is right in the status.",
    ),
    "duplicate-conflict": Rule(
        "The same KPI and period is sent again, with different content, in {detail}.",
        "Leave one row; which is right is for the service to say.",
    ),
    "duplicate-same": Rule(
        "The same figure is sent twice: also in {detail}.", "Leave one of the two rows.", WARNING
    ),
    # the council's own tables
    "setting-bad": Rule("{detail}", "Correct council.toml.", who=TEAM),
    "catalogue-missing": Rule(
        "There is nothing in this column, which is needed.", "Fill it in.", who=TEAM
    ),
    "catalogue-choice": Rule("It must be one of: {detail}.", "Use one of these.", who=TEAM),
    "catalogue-number": Rule("It must be {detail}.", "Correct it.", who=TEAM),
    "catalogue-quarter": Rule("{detail}", "Correct it.", who=TEAM),
    "catalogue-order": Rule(
        "The last quarter lies before the first.", "Correct one of them.", who=TEAM
    ),
    "catalogue-twice": Rule(
        "The same entry stands already in row {detail}.", "Leave one of the two.", who=TEAM
    ),
    "catalogue-lookalike": Rule(
        "The id can be mistaken for {detail}.",
        "Choose ids that differ in more than look-alike letters.",
        who=TEAM,
    ),
    "target-side": Rule(
        "For a KPI where {detail} is better the target cannot be on this side of the floor standard.",
        "Exchange target and floor standard, or correct the polarity in kpis.csv.",
        who=TEAM,
    ),
    "target-fraction": Rule(
        "The KPI is a percentage, and this looks like a fraction.",
        'Give percentages as 90, not 0.9; if it really is below one per cent, write it with the sign: "0.9%".',
        who=TEAM,
    ),
    "target-unused": Rule(
        "The council rates by a percentage of the target, so this floor standard is not used.",
        "Leave it empty, or change the scheme in council.toml.",
        WARNING,
        TEAM,
    ),
    "target-tolerance": Rule(
        "{detail}", "A tolerance is for KPIs of polarity target, above zero.", who=TEAM
    ),
    "unit-unknown": Rule(
        "This is not a unit of a known family. {detail}",
        "The codebook in data/raw/README.md names the units.",
        who=TEAM,
    ),
    "value-outside": Rule(
        "The figure lies outside what the measure can be ({detail}).",
        "Check the figure and its unit; what the measure can be is the column `range` of kpis.csv, such as 0..150.",
    ),
    "polarity-none": Rule(
        "Neither higher nor lower is better, so the KPI cannot be rated.",
        "Write `no` in the column rated, or the polarity.",
        who=TEAM,
    ),
    "scheme-unknown": Rule(
        "council.toml has no scheme of this name in [rating.schemes]; there are: {detail}.",
        "Use one of these, or declare it.",
        who=TEAM,
    ),
    "milestone-statuses": Rule(
        "A milestone is rated by its status, and council.toml has no [milestones] statuses.",
        'Declare them, such as statuses = [{ name = "On track", band = "Green" }].',
        who=TEAM,
    ),
    "name-twice": Rule(
        "Another KPI has the same name, in {detail}: readers tell them apart by the id alone.",
        "Say in the names how they differ.",
        WARNING,
        TEAM,
    ),
    "name-alike": Rule(
        "It is spelt {detail} in another row.", "Spell it in one way.", WARNING, TEAM
    ),
    "period-own": Rule(
        "{detail}", 'Give the quarter as "2024-25 Q1", or the month as "2024-04".', who=TEAM
    ),
    "target-flat": Rule(
        "The figure grows through the year, and one target stands in all quarters of {detail}.",
        "Give a row for each quarter, or write applies = year_end or profile = even beside the target of the year.",
        WARNING,
        TEAM,
    ),
    "benchmark-share": Rule(
        "It is a share, and the KPI is a percentage ({detail}).",
        "Give percentages as 87.5, not 0.875.",
        who=TEAM,
    ),
    "target-none": Rule(
        "The KPI is in the set but has no target that is in force by {detail}.",
        "Add a row to targets.csv, or the KPI stays not rated.",
        WARNING,
        TEAM,
    ),
    # commentary, activity indicators, benchmarks
    "text-missing": Rule(
        "There is no text in the row.", "Write the commentary or delete the row.", WARNING
    ),
    "text-cut": Rule(
        "The text is longer than {detail} characters, and was cut.", "Shorten it.", WARNING
    ),
    "text-place": Rule(
        "Exactly one of kpi_id and section must be given.", "Fill in one of the two."
    ),
    "section-unknown": Rule(
        "The council's report has no section of this name: {detail}.", "Use one of these."
    ),
    "token-unknown": Rule(
        "{detail}", 'Use one of these, or write "{{" where a brace is meant.', who=SERVICE
    ),
    "commentary-none": Rule(
        "There is no commentary file for this quarter.",
        "Add it, or cards are without commentary.",
        WARNING,
        TEAM,
    ),
    "part-of": Rule("{detail}", "Name the KPI that is the sum of this one and others.", who=TEAM),
    "small-number-in-text": Rule(
        "A number in the text is a figure of this KPI that is suppressed.",
        "Take it out, or write a token such as {value}, which prints [c].",
    ),
    "small-number-in-section": Rule(
        "A number in the text is a suppressed figure of a KPI of this section.",
        "If it is that figure, take it out.",
        WARNING,
    ),
    "small-number-unknown": Rule(
        "The KPI is sensitive and the figure comes without numerator and denominator, so it is suppressed: it may rest on "
        "few cases.",
        "Send both.",
        WARNING,
    ),
    "expected-order": Rule(
        "The lower expectation is above the upper one.", "Exchange them.", who=TEAM
    ),
}
