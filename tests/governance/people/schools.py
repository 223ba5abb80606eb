"""Schools: small OneRoster packages for tests."""

import csv
import io
import zipfile
from pathlib import Path

COLUMNS = {
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
    "demographics": "sourcedId,status,dateLastModified,birthDate,sex",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate",
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId",
    "users": "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
    "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password",
}

Row = dict[str, str]
Files = dict[str, list[Row]]


def users() -> list[Row]:
    """A teacher, two learners and a mother: of ada as she says, of bob as he says."""
    return [
        {"sourcedId": "t1", "role": "teacher", "username": "tom", "givenName": "Tom", "familyName": "Teach"},
        {
            "sourcedId": "s1", "role": "student", "username": "ada", "givenName": "Ada", "familyName": "Secretname",
            "email": "ada@example.org", "userIds": "{LDAP:ada.l},{Email:ada@example.org}",
        },
        {"sourcedId": "s2", "role": "student", "username": "bob", "agentSourcedIds": "p1, t1"},
        {"sourcedId": "p1", "role": "parent", "username": "mum", "agentSourcedIds": "s1"},
    ]  # fmt: skip


def school() -> Files:
    """All there is: two terms, a class, four users, three enrolments."""
    return {
        "academicSessions": [
            {"sourcedId": "a1", "title": "Autumn", "startDate": "2026-09-01", "endDate": "2027-01-01"},
            {"sourcedId": "a2", "title": "Spring", "startDate": "2027-01-01", "endDate": "2027-07-01"},
        ],
        "classes": [{"sourcedId": "c1", "title": "Maths 7b", "termSourcedIds": "a1,a2"}],
        "users": users(),
        "demographics": [{"sourcedId": "s1", "birthDate": "2014-05-01"}],
        "enrollments": [
            {"sourcedId": "e1", "classSourcedId": "c1", "userSourcedId": "t1", "role": "teacher"},
            {"sourcedId": "e2", "classSourcedId": "c1", "userSourcedId": "s1", "role": "student"},
            {
                "sourcedId": "e3", "classSourcedId": "c1", "userSourcedId": "s2", "role": "student",
                "beginDate": "2026-09-15",
            },
        ],
    }  # fmt: skip


def text(name: str, rows: list[Row]) -> str:
    """A CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS[name].split(","), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def manifest(files: Files, mode: str = "bulk", version: str = "1.1") -> str:
    """The manifest: what is there in this mode, all else absent."""
    rows = [("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", version)]
    rows += [(f"file.{name}", mode if name in files else "absent") for name in (*COLUMNS, "orgs", "courses")]
    return "".join(f"{name},{value}\n" for name, value in rows)


def package(folder: Path, files: Files, mode: str = "bulk", version: str = "1.1") -> Path:
    """A folder with a package."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        (folder / f"{name}.csv").write_text(text(name, rows), "utf-8-sig")
    (folder / "manifest.csv").write_text(manifest(files, mode, version))
    return folder


def zipped(folder: Path) -> Path:
    """The same as a zip, inside a folder of it as some systems do."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.glob("*.csv"):
            archive.write(file, f"export/{file.name}")
    return path
