"""Consent: what somebody decides holds for the next event and the next question, and for what was counted before."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import question
from rollbook.errors import Invalid
from rollbook.governance.consent import Decision, decide, left_out, object_to, purposes, restrict, shown, standing_of
from rollbook.governance.consent.standing import Standings
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.pseudonyms.rotation import rotate
from rollbook.governance.roster import Told, put
from rollbook.governance.tenants import TenantSettings, tenants_of
from rollbook.ingest.files import import_file
from rollbook.ingest.importing import event_rows
from rollbook.ingest.intake import Intake
from rollbook.store import Store, dead_letters
from tests.governance.consent.deciding import School
from tests.governance.trails import shown as lines_of
from tests.ingest.kept import counts

EVENT = {"event_type": "seen"}
ADA, BOB = EVENT | {"user_id": "ada"}, EVENT | {"user_id": "bob"}


def withdrawn(user: str, purpose: str = "analytics") -> Decision:
    """An opt-out."""
    return Decision(user=user, purpose=purpose, given=False)  # type: ignore[arg-type]


def given(user: str, purpose: str = "analytics", **more: str) -> Decision:
    """A consent."""
    return Decision(user=user, purpose=purpose, given=True, **more)  # type: ignore[arg-type]


def tell(store: Store, tenant: str, **told: Any) -> None:
    """Put a part of the roster."""
    assert put(store, tenant, Told.model_validate(told)).rejected == []


def born(store: Store, tenant: str, **days: date | None) -> None:
    """People and their days of birth; None: not known."""
    tell(store, tenant, people=[{"user_id": user, "birth_date": day} for user, day in days.items()])


def years_ago(years: int) -> date:
    """A day of birth."""
    now = datetime.now(UTC).date()
    return now.replace(year=now.year - years, day=1)


def test_an_opt_out_holds_for_the_next_question_and_the_next_event(place: School, intake: Intake) -> None:
    place.send(ADA, BOB)
    assert place.events() == 2
    answer = place.put("learner:ada", "ada", "analytics", False)
    assert answer.status_code == 200
    assert answer.json()["current"][0] == {"purpose": "analytics", "allowed": False, "because": "they have decided"}
    assert place.events() == 1
    told = place.send(ADA, BOB)
    assert (told["ingested"], [(one["index"], one["reason"]) for one in told["rejected"]]) == (
        1,
        [(0, "not_permitted")],
    )
    assert place.send(ADA)["ingested"] == 0
    assert place.events() == 2
    kept = place.store.engine.query("select user from events where tenant = {t:String}", {"t": place.tenant})
    assert sorted(row["user"] for row in kept) == ["ada", "bob", "bob"]
    assert dead_letters.listed(place.store.engine, place.tenant) == []
    assert counts(intake, place.tenant) == {("native", "accepted"): 3, ("native", "withheld"): 2}


def test_a_consent_brings_back_what_was_counted_before(place: School) -> None:
    place.send(ADA, BOB)
    place.put("learner:ada", "ada", "analytics", False)
    assert place.put("learner:ada", "ada", "analytics", True).json()["current"][0]["allowed"]
    assert place.events() == 2
    assert place.send(ADA)["ingested"] == 1


def test_what_is_wrong_of_people_who_opted_out_is_no_dead_letter(place: School, intake: Intake) -> None:
    place.put("learner:ada", "ada", "analytics", False)
    told = place.send(ADA | {"timestamp": "when?"}, {"event_type": "", "user_id": "ada"}, BOB | {"timestamp": 1}, BOB)
    assert [one["reason"] for one in told["rejected"]] == ["invalid_timestamp", "invalid_type", "timestamp_too_old"]
    (letter,) = dead_letters.listed(place.store.engine, place.tenant)
    assert letter["position"] == 2
    assert counts(intake, place.tenant)["native", "withheld"] == 2


def test_another_process_hears_of_it(store: Store, tenant: str) -> None:
    another = Standings(store)
    assert another.of(store, tenant).may_use("ada", "analytics")
    decide(store, tenant, withdrawn("ada"))
    # half a second passes
    another._kept[tenant] = replace(another._kept[tenant], checked=float("-inf"))
    assert not another.of(store, tenant).may_use("ada", "analytics")


def test_bulk_loads_are_held_against_it_too(place: School, intake: Intake) -> None:
    decide(place.store, place.tenant, withdrawn("ada"))
    now = datetime.now(UTC).replace(tzinfo=None)
    users, times = pa.array(["ada", "bob", "ada"]), pa.array([now] * 3, pa.timestamp("ms"))
    rows = event_rows(
        place.tenant, {"id": pa.array(["1", "2", "3"]), "user": users, "timestamp": times, "type": "seen"}
    )
    receipt = intake.load(rows, "import:file")
    assert (receipt.ingested, receipt.withheld) == (1, 2)
    assert counts(intake, place.tenant)["import:file", "withheld"] == 2


def test_pseudonyms_change_nothing(place: School) -> None:
    tenants_of(place.store).change(place.tenant, pseudonyms=True)
    place.send(ADA, BOB)
    place.put("privacy_officer", "ada", "analytics", False)
    stored = known_as(place.store, place.tenant, "ada")
    assert left_out(place.store, place.tenant) == (stored,)
    assert stored.startswith("p1_")
    assert place.events() == 1
    assert place.send(ADA, ADA | {"timestamp": "when?"}, BOB)["ingested"] == 1
    assert dead_letters.listed(place.store.engine, place.tenant) == []


def test_purposes_are_apart_but_nothing_is_without_analytics(store: Store, tenant: str) -> None:
    decide(store, tenant, withdrawn("ada", "prediction"), withdrawn("bob"))
    assert left_out(store, tenant, "analytics") == ("bob",)
    assert left_out(store, tenant, "prediction") == ("ada", "bob")


def test_a_tenant_may_ask_for_consent_first(place: School) -> None:
    place.send(ADA, BOB)
    tenants_of(place.store).change(place.tenant, purposes={"analytics": False})
    assert left_out(place.store, place.tenant) == ("ada", "bob")
    place.put("learner:bob", "bob", "analytics", True)
    assert left_out(place.store, place.tenant) == ("ada",)
    assert place.events() == 1
    assert place.send(ADA, BOB, EVENT)["ingested"] == 2


def test_restricted_data_is_kept_and_not_used(place: School) -> None:
    place.send(ADA, BOB)
    restrict(place.store, place.tenant, "ada", True, "they say it is wrong")
    assert place.events() == 1
    assert place.send(ADA)["ingested"] == 1
    assert place.events() == 1
    assert {one["because"] for one in shown(place.store, place.tenant, "ada")} == {
        "the use of their data is restricted"
    }
    restrict(place.store, place.tenant, "ada", False)
    assert place.events() == 3


def test_an_objection_is_as_good_as_an_opt_out(store: Store, tenant: str) -> None:
    object_to(store, tenant, "ada", "their situation", purposes=("prediction",))
    assert left_out(store, tenant, "prediction") == ("ada",)
    assert left_out(store, tenant) == ()


def test_a_child_needs_a_guardian(store: Store, tenant: str) -> None:
    born(store, tenant, kid=years_ago(9), adult=date(1990, 1, 1))
    assert left_out(store, tenant) == ("kid",)
    decide(store, tenant, given("kid"))
    assert left_out(store, tenant) == ("kid",)
    decide(store, tenant, given("kid", capacity="guardian"))
    assert left_out(store, tenant) == ()
    # what a child does not want is not done, whatever their guardian says
    decide(store, tenant, withdrawn("kid"))
    assert left_out(store, tenant) == ("kid",)
    tenants_of(store).change(tenant, consent_age=0)
    decide(store, tenant, given("kid"))
    assert left_out(store, tenant) == ()


def test_who_is_a_child_depends_on_the_country(store: Store, tenant: str) -> None:
    born(store, tenant, teen=years_ago(14))
    assert left_out(store, tenant) == ()
    tenants_of(store).change(tenant, country="DE")
    assert left_out(store, tenant) == ("teen",)
    tenants_of(store).change(tenant, consent_age=13)
    assert left_out(store, tenant) == ()


def test_people_of_unknown_age_are_what_the_tenant_says(place: School) -> None:
    born(place.store, place.tenant, adult=date(1990, 1, 1), unknown=None)
    assert place.send(ADA, EVENT | {"user_id": "adult"}, EVENT | {"user_id": "unknown"})["ingested"] == 3
    tenants_of(place.store).change(place.tenant, unknown_age="child")
    assert left_out(place.store, place.tenant) == ("ada", "unknown")
    assert place.send(ADA, EVENT | {"user_id": "adult"}, EVENT)["ingested"] == 2
    decide(place.store, place.tenant, given("ada", capacity="guardian"))
    assert left_out(place.store, place.tenant) == ("unknown",)


def test_a_decision_is_of_the_person_under_every_id(store: Store, tenant: str) -> None:
    tell(store, tenant, people=[{"user_id": "ada", "identities": [{"scheme": "user", "value": "countess"}]}])
    decide(store, tenant, withdrawn("ada"))
    assert left_out(store, tenant) == ("ada", "countess")


def test_learners_decide_for_themselves_and_guardians_for_their_wards(place: School) -> None:
    told = {"ward_id": "kid", "guardian_id": "mum", "verified_by": "the office"}
    tell(place.store, place.tenant, guardianships=[told])
    assert place.put("learner:ada", "bob", "analytics", False).status_code == 403
    assert place.put("guardian:mum", "bob", "analytics", False).status_code == 403
    assert place.put("educator:bob", "bob", "analytics", False).status_code == 403
    answer = place.put("guardian:mum", "kid", "sharing", True)
    assert [row["capacity"] for row in answer.json()["history"]] == ["guardian"]
    assert place.get("learner:kid", "consents/kid").json()["history"][0]["decided_by"] == "mum"


def test_a_guardian_who_is_quoted_needs_evidence(place: School) -> None:
    refused = place.put("privacy_officer", "kid", "analytics", True, given_by="guardian")
    assert (refused.status_code, "evidence" in refused.json()["detail"]) == (422, True)
    kept = place.put("privacy_officer", "kid", "analytics", True, given_by="guardian", evidence="form 7")
    assert kept.json()["history"][0]["capacity"] == "guardian"


def test_nothing_is_taken_out_of_the_history_and_every_decision_is_in_the_trail(place: School) -> None:
    place.put("learner:ada", "ada", "analytics", False, policy="2026-09")
    place.put("learner:ada", "ada", "analytics", True, evidence="a form")
    answer = place.get("privacy_officer", "consents/ada").json()
    assert [(row["given"], row["policy"], row["evidence"]) for row in answer["history"]] == [
        (False, "2026-09", ""),
        (True, "", "a form"),
    ]
    noted = [(line["what"], line["person"], line["actor"]) for line in lines_of(place.store, place.trail, place.tenant)]
    assert noted == [("analytics given", "ada", "ada"), ("analytics withdrawn", "ada", "ada")]


def test_purposes_have_a_basis_and_a_default() -> None:
    found = {one.purpose: (one.basis, one.holds) for one in purposes(TenantSettings())}
    assert found["analytics"] == ("legitimate interests", True)
    assert found["text"] == ("legitimate interests", True)
    assert found["sharing"] == ("consent", False)
    asks = purposes(TenantSettings(purposes={"analytics": False}))
    assert (asks[0].basis, asks[0].holds) == ("consent", False)


def test_what_is_no_decision_is_refused(place: School) -> None:
    with pytest.raises(Invalid, match="user_id is empty"):
        decide(place.store, place.tenant, withdrawn(""))
    assert place.put("privacy_officer", "ada", "marketing", True).status_code == 422
    assert place.put("privacy_officer", "ada", "analytics", True, evidence="x" * 2001).status_code == 422


def test_events_of_nobody_are_nobodys_to_decide(store: Store, tenant: str) -> None:
    tenants_of(store).change(tenant, purposes={"analytics": False})
    rules = standing_of(store, tenant).rules
    assert rules["analytics"].may("")
    assert not rules["sharing"].may("")


@pytest.mark.parametrize("name", ["dropout_risk", "intervention"])
def test_nothing_is_predicted_of_those_who_do_not_allow_it(place: School, name: str) -> None:
    place.send(ADA)
    before = ask(place.store, question(name, {"user": "ada"}), place.tenant).rows
    decide(place.store, place.tenant, withdrawn("ada", "prediction"))
    assert place.events() == 1
    never_seen = ask(place.store, question(name, {"user": "bob"}), place.tenant).rows
    after = ask(place.store, question(name, {"user": "ada"}), place.tenant).rows
    assert [row.model_copy(update={"user_id": "bob"}) for row in after] == never_seen != before


def test_directory_information_is_shown_of_those_who_have_not_opted_out(place: School) -> None:
    person = {"user_id": "ada", "traits": {"house": "Ravenclaw", "diagnosis": "none"}}
    tell(place.store, place.tenant, people=[person])
    shown_to = ("educator:tom", "analyst", "auditor")
    path = "directory-information/ada"
    assert [place.get(who, path).json()["traits"] for who in shown_to] == [{}, {}, {}]
    tenants_of(place.store).change(place.tenant, directory_information=["house", "year"])
    assert [place.get(who, path).json()["traits"] for who in shown_to] == [{"house": "Ravenclaw"}] * 3
    assert place.get("learner:bob", path).status_code == 403
    place.put("learner:ada", "ada", "sharing", False)
    assert place.get("analyst", path).json()["traits"] == {}
    place.put("learner:ada", "ada", "sharing", True)
    restrict(place.store, place.tenant, "ada", True)
    assert place.get("analyst", path).json()["traits"] == {}


def test_decisions_that_come_one_by_one_are_as_good_as_those_that_come_together(store: Store, tenant: str) -> None:
    tell(store, tenant, people=[{"user_id": "ada", "identities": [{"scheme": "user", "value": "countess"}]}])
    born(store, tenant, kid=years_ago(9))
    told = [withdrawn("ada"), given("kid", capacity="guardian"), withdrawn("bob"), given("ada"), withdrawn("kid")]
    for one in told:
        decide(store, tenant, one)
        restrict(store, tenant, "eve", one.given)
        step_by_step = standing_of(store, tenant)
        assert Standings(store).of(store, tenant) == step_by_step
    assert left_out(store, tenant) == ("bob", "kid")


def test_a_change_of_the_pseudonyms_key_changes_nobodys_mind(place: School) -> None:
    tenants_of(place.store).change(place.tenant, pseudonyms=True)
    place.send(ADA, BOB)
    place.put("privacy_officer", "ada", "analytics", False)
    rotate(place.store, place.tenant, drained=lambda: None, progress=lambda *_: None)
    stored = known_as(place.store, place.tenant, "ada")
    assert (stored[:3], left_out(place.store, place.tenant)) == ("p2_", (stored,))
    assert place.events() == 1
    assert place.send(ADA, BOB)["ingested"] == 1


def test_files_are_held_against_it_row_by_row(place: School, intake: Intake, tmp_path: Path) -> None:
    decide(place.store, place.tenant, withdrawn("ada"))
    path = tmp_path / "a.csv"
    lines = ("event_type,user_id,timestamp", "seen,ada,2026-03-02", "seen,ada,?", "seen,bob,2026-03-02", "seen,bob,?")
    path.write_text("\n".join(lines))
    done = import_file(place.store, intake, path, tenant=place.tenant)
    assert (done.events, done.withheld, done.rejected) == (1, 2, 1)
    assert [row["position"] for row in dead_letters.listed(place.store.engine, place.tenant)] == [3]
