"""A university of our own in the layout of the dataset: three registrations, two presentations, six rows of clicks."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

FILES = {
    "courses.csv": """
        "code_module","code_presentation","module_presentation_length"
        "AAA","2013J","268"
        "AAA","2014B","240"
    """,
    "assessments.csv": """
        "code_module","code_presentation","id_assessment","assessment_type","date","weight"
        "AAA","2013J","1752","TMA","19","10.0"
        "AAA","2013J","1753","Exam","","100.0"
    """,
    "vle.csv": """
        "id_site","code_module","code_presentation","activity_type","week_from","week_to"
        "546","AAA","2013J","resource","",""
        "547","AAA","2013J","homepage","1","2"
    """,
    "studentInfo.csv": """
        "code_module","code_presentation","id_student","gender","region","highest_education","imd_band","age_band","num_of_prev_attempts","studied_credits","disability","final_result"
        "AAA","2014B","11","F","Wales","HE Qualification","","35-55","1","30","N","Distinction"
        "AAA","2013J","11","F","Scotland","HE Qualification","20-30%","0-35","0","60","N","Pass"
        "AAA","2013J","28","M","Ireland","A Level or Equivalent","","0-35","0","60","Y","Withdrawn"
    """,
    "studentRegistration.csv": """
        "code_module","code_presentation","id_student","date_registration","date_unregistration"
        "AAA","2013J","11","-159",""
        "AAA","2013J","28","-53","12"
        "AAA","2014B","11","",""
    """,
    "studentAssessment.csv": """
        "id_assessment","id_student","date_submitted","is_banked","score"
        "1752","11","18","0","78"
        "1752","28","22","1",""
    """,
    "studentVle.csv": """
        "code_module","code_presentation","id_student","id_site","date","sum_click"
        "AAA","2013J","28","546","-10","4"
        "AAA","2013J","28","546","-10","1"
        "AAA","2013J","11","547","-10","2"
        "AAA","2013J","28","546","-10","1"
        "AAA","2014B","11","999","0","5"
        "AAA","2013J","28","546","12","1"
    """,
}
ROWS = 20
EVENTS = {"content_view": 6, "enrolment": 2, "withdrawal": 1, "quiz_completion": 2, "course_complete": 2}


def folder(place: Path, **changed: str | None) -> Path:
    """Write the seven files; `changed` replaces a file's text (None: leaves it out), named without `.csv`."""
    place.mkdir(parents=True, exist_ok=True)
    for name, text in (FILES | {f"{name}.csv": text for name, text in changed.items()}).items():
        if text is not None:
            lines = [line.strip() for line in text.strip().splitlines()]
            (place / name).write_text("\n".join(lines) + "\n")
    return place


def packed(files: Path, target: Path, inside: str = "") -> Path:
    """A folder's files as a zip, below a folder `inside`."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files.iterdir()):
            archive.write(path, inside + path.name)
    return target


def clicks(rows: Iterable[tuple[str, int, int, int, int]]) -> str:
    """studentVle.csv of (presentation, student, site, day, clicks)."""
    header = FILES["studentVle.csv"].strip().splitlines()[0].strip()
    lines = (f'"AAA","{code}","{student}","{site}","{day}","{count}"' for code, student, site, day, count in rows)
    return "\n".join([header, *lines])
