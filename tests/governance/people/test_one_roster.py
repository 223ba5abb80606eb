"""OneRoster packages: what their lines become, again, less, changed and wrong."""

from pathlib import Path
from typing import Any

import pytest

from rollbook.errors import Invalid
from rollbook.governance.people import courses_of, members_of, person_of, same_person, today, wards_of
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.tenants import tenants_of
from rollbook.governance.tombstones import tombstones_of
from rollbook.ingest.one_roster import RosterSummary, import_one_roster
from rollbook.store import Store
from tests.governance.people.schools import Files, package, school, users, zipped


class School:
    """A tenant that packages are imported into."""

    def __init__(self, store: Store, tenant: str, folder: Path) -> None:
        self.store, self.tenant, self.folder = store, tenant, folder

    def take(self, files: Files, mode: str = "bulk", version: str = "1.1", **more: Any) -> RosterSummary:
        """Import a package."""
        return import_one_roster(
            self.store, package(self.folder / mode, files, mode, version), tenant=self.tenant, **more
        )

    def there(self) -> set[tuple[str, str]]:
        """Who is in the class now, and as what."""
        return {(member.user, member.role) for member in members_of(self.store, self.tenant, "c1")}

    def wards(self, user: str) -> tuple[str, ...]:
        """For whom a user answers."""
        return wards_of(self.store, self.tenant, user)


@pytest.fixture
def one(store: Store, tenant: str, tmp_path: Path) -> School:
    """A school without anybody."""
    return School(store, tenant, tmp_path)


EVERYONE = {("t1", "educator"), ("s1", "learner"), ("s2", "learner")}


def test_a_package_becomes_a_roster(one: School) -> None:
    done = one.take(school())
    assert done.counts["people"]["new"] == 4
    assert done.counts["memberships"]["new"] == 3
    assert (done.refused, done.ended, done.kept) == (0, 0, False)
    assert one.there() == EVERYONE
    assert courses_of(one.store, one.tenant, "t1") == ("c1",)
    assert courses_of(one.store, one.tenant, "s1") == ()
    course = one.store.records.course(one.tenant, "c1")
    assert course is not None
    assert (course["module"], course["presentation"], course["days"]) == ("Maths 7b", "Autumn, Spring", 303)
    person = person_of(one.store, one.tenant, "s1")
    assert person is not None
    assert str(person.birth_date) == "2014-05-01"


def test_guardians_are_told_from_either_side_and_teachers_are_none(one: School) -> None:
    one.take(school())
    assert one.wards("p1") == ("s1", "s2")
    assert one.wards("t1") == ()
    assert one.wards("s2") == ()


def test_a_zip_is_the_same_as_its_folder_and_again_changes_nothing(one: School) -> None:
    one.take(school())
    again = import_one_roster(one.store, zipped(one.folder / "bulk"), tenant=one.tenant)
    assert again.text() == "10 entries; nothing has changed"
    assert {kind: counts["unchanged"] for kind, counts in again.counts.items()} == {
        "people": 4,
        "courses": 1,
        "memberships": 3,
        "guardianships": 2,
    }


def test_names_and_addresses_are_not_kept(one: School) -> None:
    one.take(school())
    person = person_of(one.store, one.tenant, "s1")
    assert person is not None
    identities = one.store.records.people.identities(one.tenant, person.id)
    assert {(row["scheme"], row["value"]) for row in identities} == {("user", "s1"), ("sis", "s1"), ("ldap", "ada.l")}
    kept = str(one.store.records.people.persons_of(one.tenant, "s1"))
    assert "Secretname" not in kept
    assert "example.org" not in kept


def test_what_a_bulk_package_no_longer_tells_ends_today(one: School) -> None:
    one.take(school())
    files = school()
    del files["enrollments"][2]
    files["users"][3]["agentSourcedIds"] = ""
    done = one.take(files)
    assert done.ended == 2
    assert one.there() == EVERYONE - {("s2", "learner")}
    assert one.wards("p1") == ("s2",)
    ends = {row["user"]: row["ends"] for row in one.store.records.people.memberships(one.tenant)}
    assert ends == {"t1": None, "s1": None, "s2": today(one.store, one.tenant)}
    assert one.take(school()).counts["memberships"]["changed"] == 1
    assert one.there() == EVERYONE


def test_a_refused_line_ends_nobody(one: School) -> None:
    one.take(school())
    files = school()
    files["enrollments"][2] |= {"role": "wizard"}
    files["enrollments"][1] |= {"beginDate": "soon"}
    done = one.take(files)
    assert (done.refused, done.ended, done.kept) == (2, 0, True)
    assert [(line["file"], line["line"]) for line in done.lines] == [("enrollments.csv", 3), ("enrollments.csv", 4)]
    assert done.lines[0]["reason"].startswith("from: Input should be a valid date")
    assert done.lines[1]["reason"].startswith("role 'wizard' is not one of")
    assert "so nothing was ended" in done.text()
    assert one.there() == EVERYONE


def test_what_others_told_stays(one: School) -> None:
    one.take(school())
    with one.store.records.people.roster(one.tenant) as roster:
        row = {"course": "c1", "user": "guest", "role": "learner", "begins": None, "ends": None}
        roster.put_memberships([row | {"source": "roster", "ref": "", "seen": ""}])
    one.take(school())
    assert one.there() == EVERYONE | {("guest", "learner")}


def test_a_delta_changes_what_it_names(one: School) -> None:
    one.take(school())
    done = one.take(
        {
            "enrollments": [
                {"sourcedId": "e2", "status": "tobedeleted"},
                {"sourcedId": "e9", "classSourcedId": "c1", "userSourcedId": "p1", "role": "aide", "status": "active"},
            ]
        },
        mode="delta",
    )
    assert (done.ended, done.refused) == (1, 0)
    assert one.there() == (EVERYONE - {("s1", "learner")}) | {("p1", "assistant")}


def test_a_deleted_user_loses_every_place(one: School) -> None:
    one.take(school())
    done = one.take(
        {"users": [users()[3] | {"status": "tobedeleted"}, users()[0] | {"status": "tobedeleted"}]}, "delta"
    )
    assert done.ended == 3
    assert one.there() == EVERYONE - {("t1", "educator")}
    assert courses_of(one.store, one.tenant, "t1") == ()
    assert one.wards("p1") == ()


def test_a_delta_of_a_user_replaces_their_agents(one: School) -> None:
    one.take(school())
    assert one.take({"users": [users()[2]]}, "delta").text() == "2 entries; nothing has changed"
    one.take({"users": [users()[2] | {"agentSourcedIds": "t1"}]}, "delta")
    assert one.wards("p1") == ("s1",)
    one.take({"users": [users()[2]]}, "delta")
    assert one.wards("p1") == ("s1", "s2")


def test_an_agent_of_whom_nobody_has_told_is_refused_and_ends_nothing(one: School) -> None:
    one.take(school())
    done = one.take({"users": [users()[2] | {"agentSourcedIds": "p7"}]}, "delta")
    assert [line["reason"] for line in done.lines] == [
        "agent 'p7' is not in the package, and nobody knows what they are"
    ]
    assert one.wards("p1") == ("s1", "s2")


def test_version_1_2_tells_roles_in_a_file_of_their_own(one: School) -> None:
    files = school()
    files["roles"] = [{"userSourcedId": row["sourcedId"], "role": row.pop("role")} for row in files["users"]]
    one.take(files, version="1.2")
    assert one.wards("p1") == ("s1", "s2")
    assert one.there() == EVERYONE


def test_another_column_can_be_the_user_id(one: School) -> None:
    one.take(school(), column="username")
    assert one.there() == {("tom", "educator"), ("ada", "learner"), ("bob", "learner")}
    assert one.wards("mum") == ("ada", "bob")
    # a delta that names no user: their id is on record
    row = {"sourcedId": "e9", "classSourcedId": "c1", "userSourcedId": "p1", "role": "aide"}
    one.take({"enrollments": [row]}, "delta", column="username")
    assert ("mum", "assistant") in one.there()
    # the same people under their other id, put together by the school's own
    one.take(school())
    assert same_person(one.store, one.tenant, "s1") == ("s1", "ada")


def test_under_pseudonyms_no_id_is_kept_as_given(one: School) -> None:
    tenants_of(one.store).create(one.tenant)
    one.take(school(), column="username")
    ada, mum = (known_as(one.store, one.tenant, user) for user in ("ada", "mum"))
    assert ada.startswith("p1_")
    assert ada in one.wards(mum)
    person = person_of(one.store, one.tenant, ada)
    assert person is not None
    assert not {"ada", "s1", "ada.l"} & {
        row["value"] for row in one.store.records.people.identities(one.tenant, person.id)
    }
    row = {"sourcedId": "e9", "classSourcedId": "c1", "userSourcedId": "p1", "role": "aide"}
    one.take({"enrollments": [row]}, "delta", column="username")
    assert (mum, "assistant") in one.there()


def test_of_two_enrolments_the_one_that_lasts_longest_counts(one: School) -> None:
    files = school()
    over = {"sourcedId": "e8", "beginDate": "2020-09-01", "endDate": "2021-07-01"}
    files["enrollments"] += [files["enrollments"][1] | over]
    one.take(files)
    assert ("s1", "learner") in one.there()


def test_who_was_erased_stays_erased_though_the_school_goes_on_naming_them(one: School) -> None:
    one.take(school())
    tombstones_of(one.store).bury(one.tenant, ["s1"], "request-1")
    done = one.take(school())
    assert (done.refused, done.ignored, done.kept) == (0, 3, False)
    assert one.there() == EVERYONE - {("s1", "learner")}


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (lambda at: (at / "manifest.csv").unlink(), "has no manifest.csv"),
        (lambda at: (at / "users.csv").unlink(), "names users.csv, but"),
        (lambda at: (at / "users.csv").write_text("sourcedId,role\n"), "users.csv has no column username"),
        (
            lambda at: (at / "users.csv").write_bytes(b"sourcedId,username,agentSourcedIds,role\n1,\xff,,\n"),
            "not UTF-8",
        ),
        (
            lambda at: (at / "manifest.csv").write_text("propertyName,value\noneroster.version,1.0\n"),
            "must be 1.1 or 1.2",
        ),
    ],
)
def test_a_broken_package_is_refused_whole(one: School, spoil: Any, wrong: str) -> None:
    folder = package(one.folder / "broken", school())
    spoil(folder)
    with pytest.raises(Invalid, match=wrong):
        import_one_roster(one.store, folder, tenant=one.tenant)
    assert one.there() == set()


def test_what_is_no_package_is_said_so(one: School, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK no")
    with pytest.raises(Invalid, match="is no zip"):
        import_one_roster(one.store, tmp_path / "x.zip", tenant=one.tenant)
    with pytest.raises(Invalid, match="there is no"):
        import_one_roster(one.store, tmp_path / "nowhere", tenant=one.tenant)
    with pytest.raises(Invalid, match="not in 'phone'"):
        import_one_roster(one.store, tmp_path, tenant=one.tenant, column="phone")
