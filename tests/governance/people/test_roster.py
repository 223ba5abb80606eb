"""The roster over HTTP: put, looked at, merged; entry by entry, tenant by tenant."""

import json
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from rollbook.governance.people import courses_of
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.roster import ERASED, MOST_ITEMS
from rollbook.governance.tenants import tenants_of
from rollbook.governance.tombstones import tombstones_of
from rollbook.store import Store
from tests.delivery.serving import serve

JSON = {"Content-Type": "application/json"}
SCHOOL: dict[str, Any] = {
    "people": [
        {
            "user_id": "ada",
            "birth_date": "2014-05-01",
            "country": "de",
            "traits": {"house": "blue"},
            "identities": [{"scheme": "sis", "value": "17"}],
        },
        {"user_id": "tom"},
    ],
    "courses": [{"course_id": "a/b", "title": "Maths", "starts": "2026-09-01", "ends": "2026-12-01"}],
    "memberships": [
        {"course_id": "a/b", "user_id": "ada", "from": "2026-09-01"},
        {"course_id": "a/b", "user_id": "tom", "role": "educator"},
        {"course_id": "a/b", "user_id": "bob", "to": "2026-10-01"},
    ],
    "guardianships": [{"ward_id": "ada", "guardian_id": "mum", "verified_by": "office"}],
}


class Api:
    """The routes, for one tenant."""

    def __init__(self, client: TestClient, tenant: str) -> None:
        self._client, self._of = client, {"tenant_id": tenant}

    def put(self, **told: Any) -> dict[str, Any]:
        """Put a roster."""
        # not json=: it cannot send half a surrogate pair
        return self.ok(self._client.put("/api/v2/roster", content=json.dumps(told), params=self._of, headers=JSON))

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """Look at something."""
        answer: httpx.Response = self._client.get(f"/api/v2/{path}", params=self._of | parameters)
        return answer

    def post(self, path: str, **body: Any) -> httpx.Response:
        """Do something."""
        answer: httpx.Response = self._client.post(f"/api/v2/{path}", json=body, params=self._of)
        return answer

    def ok(self, answer: httpx.Response) -> dict[str, Any]:
        """The answer, which must be a good one."""
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def api(store: Store, tenant: str) -> Api:
    """The routes, for a tenant without anybody."""
    return Api(serve(store), tenant)


def counts(answer: dict[str, Any]) -> list[tuple[int, int, int]]:
    """New, changed and unchanged, of each kind."""
    kinds = ("people", "courses", "memberships", "guardianships")
    return [(answer[kind]["new"], answer[kind]["changed"], answer[kind]["unchanged"]) for kind in kinds]


def test_the_same_roster_again_changes_nothing(api: Api) -> None:
    first = api.put(**SCHOOL)
    assert counts(first) == [(2, 0, 0), (1, 0, 0), (3, 0, 0), (1, 0, 0)]
    assert first["rejected"] == []
    assert counts(api.put(**SCHOOL)) == [(0, 0, 2), (0, 0, 1), (0, 0, 3), (0, 0, 1)]
    assert counts(api.put()) == [(0, 0, 0)] * 4


def test_of_people_and_courses_what_is_not_named_stays_and_null_takes_back(api: Api) -> None:
    api.put(**SCHOOL)
    assert counts(api.put(people=[{"user_id": "ada", "country": "FR"}]))[0] == (0, 1, 0)
    person = api.ok(api.get("people/ada"))
    assert (person["birth_date"], person["country"], person["traits"]) == ("2014-05-01", "FR", {"house": "blue"})
    api.put(people=[{"user_id": "ada", "birth_date": None, "traits": None}])
    person = api.ok(api.get("people/ada"))
    assert (person["birth_date"], person["country"], person["traits"]) == (None, "FR", {})
    api.put(courses=[{"course_id": "a/b", "presentation": "2026"}])
    course = api.ok(api.get("roster/courses/a/b"))
    assert (course["title"], course["presentation"], course["days"]) == ("Maths", "2026", 91)


def test_a_place_is_told_whole(api: Api) -> None:
    api.put(**SCHOOL)
    answer = api.put(memberships=[{"course_id": "a/b", "user_id": "bob"}])
    assert answer["memberships"]["changed"] == 1
    places = {member["user_id"]: member for member in api.ok(api.get("roster/courses/a/b"))["members"]}
    assert (places["bob"]["to"], places["bob"]["now"]) == (None, True)


@pytest.mark.parametrize(
    ("kind", "entry", "reason"),
    [
        ("people", {"user_id": ""}, "user_id: String should have at least 1 character"),
        ("people", {"user_id": "a\x00b"}, "user_id: String should match pattern"),
        ("people", {"user_id": "\ud800"}, "user_id: Input should be a valid string"),
        ("people", {"name": "Ada"}, "user_id: Field required; name: Extra inputs are not permitted"),
        ("people", {"user_id": "x", "birth_date": "soon"}, "birth_date: Input should be a valid date"),
        ("people", {"user_id": "x", "country": "Germany"}, "country: String should match pattern"),
        ("people", {"user_id": "x", "traits": {"a": {"b": 1}}}, "traits.a"),
        ("people", {"user_id": "x", "identities": [{"scheme": "S I S", "value": "1"}]}, "identities.0.scheme"),
        ("people", "ada", "entry: Input should be a valid dictionary"),
        ("courses", {"course_id": "x", "ends": "2026-01-01"}, "entry: `ends` needs a `starts`"),
        ("memberships", {"course_id": "nowhere", "user_id": "x"}, "there is no course 'nowhere'"),
        ("memberships", {"course_id": "a/b", "user_id": "x", "role": "king"}, "role: Input should be 'learner'"),
        (
            "memberships",
            {"course_id": "a/b", "user_id": "x", "from": "2026-02-01", "to": "2026-01-01"},
            "entry: `to` (2026-01-01) is before `from` (2026-02-01)",
        ),
        ("guardianships", {"ward_id": "x", "guardian_id": "x"}, "nobody is their own guardian"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place_and_keeps_no_other_out(
    api: Api, kind: str, entry: Any, reason: str
) -> None:
    api.put(**SCHOOL)
    good = {"people": {"user_id": "new"}, "courses": {"course_id": "new"}}
    good["memberships"] = {"course_id": "a/b", "user_id": "new"}
    good["guardianships"] = {"ward_id": "new", "guardian_id": "old"}
    answer = api.put(**{kind: [entry, good[kind]]})
    (refused,) = answer["rejected"]
    assert (refused["list"], refused["index"]) == (kind, 0)
    assert refused["reason"].startswith(reason)
    assert answer[kind] == {"new": 1, "changed": 0, "unchanged": 0}


def test_a_body_that_is_no_roster_is_refused_whole(api: Api, store: Store, tenant: str) -> None:
    client = serve(store)
    wrong: tuple[Any, ...] = ({"peple": []}, {"people": {}}, [1])
    for body in wrong:
        assert client.put("/api/v2/roster", json=body, params={"tenant_id": tenant}).status_code == 422
    many = {"courses": [{"course_id": str(n)} for n in range(MOST_ITEMS + 1)]}
    answer = client.put("/api/v2/roster", json=many, params={"tenant_id": tenant})
    assert answer.status_code == 413
    assert "send them in parts" in answer.json()["detail"]
    assert api.get("roster/courses/1").status_code == 404


def test_a_course_lists_who_is_and_who_was_there(api: Api) -> None:
    api.put(**SCHOOL)
    course = api.ok(api.get("roster/courses/a/b"))
    assert [(member["user_id"], member["role"], member["now"]) for member in course["members"]] == [
        ("ada", "learner", True),
        ("bob", "learner", False),
        ("tom", "educator", True),
    ]
    assert [member["user_id"] for member in api.ok(api.get("roster/courses/a/b", now=True))["members"]] == [
        "ada",
        "tom",
    ]
    part = api.ok(api.get("roster/courses/a/b", limit=1, offset=1))["members"]
    assert [member["user_id"] for member in part] == ["bob"]
    assert api.get("roster/courses/nowhere").status_code == 404


def test_a_person_is_shown_with_all_that_is_known(api: Api) -> None:
    api.put(**SCHOOL)
    ada, mum = api.ok(api.get("people/ada")), api.ok(api.get("people/mum"))
    assert (ada["user_ids"], ada["country"], ada["of_age"]) == (["ada"], "DE", False)
    assert {(one["scheme"], one["value"]) for one in ada["identities"]} == {("sis", "17"), ("user", "ada")}
    assert [(one["guardian_id"], one["now"]) for one in ada["guardians"]] == [("mum", True)]
    assert (mum["person_id"], [one["ward_id"] for one in mum["wards"]]) == (None, ["ada"])
    assert api.get("people/nobody").status_code == 404


def test_persons_are_merged_and_parted(api: Api) -> None:
    api.put(**SCHOOL)
    made = api.ok(api.post("people/merge", keep="ada", merge="ada@home"))
    assert (made["kept"], made["merged"]) == (["ada"], ["ada@home"])
    assert api.post("people/merge", keep="ada@home", merge="ada").status_code == 409
    assert api.post("people/merge", keep="ada", merge="ada").status_code == 422
    person = api.ok(api.get("people/ada@home"))
    assert person["user_ids"] == ["ada@home", "ada"]
    assert [merge["made_by"] for merge in person["merges"]] == ["open"]
    path = f"people/merges/{made['merge_id']}/undo"
    assert api.ok(api.post(path)) == made
    assert api.post(path).status_code == 409
    assert api.ok(api.get("people/ada"))["user_ids"] == ["ada"]
    assert api.post("people/merges/merge-0/undo").status_code == 404


def test_one_tenant_sees_nothing_of_another(api: Api, store: Store, tenant: str) -> None:
    api.put(**SCHOOL)
    made = api.ok(api.post("people/merge", keep="ada", merge="ada@home"))
    other = Api(serve(store), f"{tenant}-other")
    assert other.get("people/ada").status_code == 404
    assert other.get("roster/courses/a/b").status_code == 404
    assert other.post(f"people/merges/{made['merge_id']}/undo").status_code == 404
    other.put(people=[{"user_id": "ada", "country": "US"}])
    assert api.ok(api.get("people/ada"))["country"] == "DE"
    assert courses_of(store, f"{tenant}-other", "tom") == ()


def test_under_pseudonyms_users_are_named_either_way(api: Api, store: Store, tenant: str) -> None:
    tenants_of(store).create(tenant)
    api.put(**SCHOOL)
    ada = known_as(store, tenant, "ada")
    assert ada.startswith("p1_")
    assert api.ok(api.get("people/ada")) == api.ok(api.get(f"people/{ada}"))
    shown = api.get("people/ada").text + api.get("roster/courses/a/b").text
    assert '"ada"' not in shown
    assert '"17"' not in shown
    assert counts(api.put(people=[{"user_id": ada, "country": "DE"}]))[0] == (0, 0, 1)
    assert courses_of(store, tenant, known_as(store, tenant, "tom")) == ("a/b",)


def test_who_was_erased_is_not_brought_back_by_a_roster(api: Api, store: Store, tenant: str) -> None:
    tombstones_of(store).bury(tenant, ["ada"], "request-1")
    told = {
        **SCHOOL,
        "people": [*SCHOOL["people"], {"user_id": "x", "identities": [{"scheme": "user", "value": "ada"}]}],
    }
    answer = api.put(**told)
    assert [(one["list"], one["index"]) for one in answer["rejected"]] == [
        ("people", 0),
        ("people", 2),
        ("memberships", 0),
        ("guardianships", 0),
    ]
    assert {one["reason"] for one in answer["rejected"]} == {ERASED}
    assert api.get("people/ada").status_code == 404
    tombstones_of(store).lift(tenant, ["ada"])
    assert api.put(**SCHOOL)["rejected"] == []
