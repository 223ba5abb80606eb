"""Durable work: started only when there is some, gone on with after a death; several in turn in one process."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.processes import run, started
from tests.services import postgresql

IDLE = """
    import sys
    from pathlib import Path
    from rollbook.app import Rollbook
    from rollbook.settings import load

    with Rollbook(load(data=Path(sys.argv[1]), auth="none")):
        print("dbos" in sys.modules)
    print((Path(sys.argv[1]) / "jobs.db").exists())
"""

IN_TURN = """
    import sys
    from pathlib import Path
    from rollbook.app import Rollbook
    from rollbook.settings import load
    from tests.governance.rights.erased import request

    for turn in range(3):
        with Rollbook(load(data=Path(sys.argv[1]), auth="none")) as book:
            print(request(book, "default", "access", f"user-{turn}").state)
"""

# a step that never comes to its end, as far as the process lives
STUCK = """
    import sys, time
    from pathlib import Path
    from rollbook.app import Rollbook
    from rollbook.governance.grants import Grant
    from rollbook.governance.rights import Work
    from rollbook.settings import load

    do = Work.do

    def stuck(self, request, step):
        if step == "collect":
            print("stuck", request, flush=True)
            time.sleep(600)
        do(self, request, step)

    Work.do = stuck
    with Rollbook(load(data=Path(sys.argv[1]), auth="none")) as book:
        book.rights.ask(Grant("default"), "access", "a-very-special-user")
        time.sleep(600)
"""

GO_ON = """
    import sys
    from pathlib import Path
    from rollbook.app import Rollbook
    from rollbook.settings import load
    from tests.governance.rights.erased import ended

    with Rollbook(load(data=Path(sys.argv[1]), auth="none")) as book:
        print(ended(book, "default", sys.argv[2]).state)
"""

FAILING = """
    import sys
    from pathlib import Path
    from rollbook.app import Rollbook
    from rollbook.errors import Invalid
    from rollbook.governance.grants import Grant
    from rollbook.governance.rights import Work
    from rollbook.jobs import workflows
    from rollbook.settings import load
    from tests.governance.rights.erased import ended, request

    workflows.ATTEMPTS = 2
    do = Work.do

    def failing(self, request, step):
        if step == "collect":
            raise Invalid("a-very-special-user is no good")
        do(self, request, step)

    Work.do = failing
    with Rollbook(load(data=Path(sys.argv[1]), auth="none")) as book:
        failed = request(book, "default", "access", "a-very-special-user")
        print(failed.state, failed.why)
        Work.do = do
        print(ended(book, "default", book.rights.again(Grant("default"), failed.request_id).request_id).state)
"""

ON_POSTGRESQL = """
    import sys
    from pathlib import Path
    from rollbook.app import Rollbook
    from rollbook.settings import load
    from tests.governance.rights.erased import request, send

    with Rollbook(load(data=Path(sys.argv[1]), auth="none", database_url=sys.argv[2])) as book:
        send(book, "t", [{"event_type": "view", "user_id": "a-very-special-user"}])
        for kind in ("access", "erasure"):
            print(request(book, "t", kind, "a-very-special-user").state)
"""


def test_nothing_is_started_where_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert run(IDLE, tmp_path)[-2:] == ["False", "False"]


def test_one_process_holds_several_one_after_the_other(tmp_path: Path) -> None:
    assert run(IN_TURN, tmp_path)[-3:] == ["done", "done", "done"]


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_work_goes_on_after_the_death_of_its_process(tmp_path: Path, how: str) -> None:
    with started(STUCK, tmp_path) as process:
        assert process.stdout is not None
        request = next(line.split()[1] for line in process.stdout if line.startswith("stuck "))
        getattr(process, how)()
    assert run(GO_ON, tmp_path, request)[-1] == "done"
    # ids of requests and names of steps, and nothing of anybody
    kept = (tmp_path / "jobs.db").read_bytes()
    assert request.encode() in kept
    assert b"a-very-special-user" not in kept


def test_a_step_that_always_fails_fails_the_request_and_names_nobody(tmp_path: Path) -> None:
    failed, again = (line for line in run(FAILING, tmp_path) if line.startswith(("failed", "done")))
    assert failed == "failed it could not be finished (step collect: Invalid); it can be begun again"
    assert again == "done"
    assert b"a-very-special-user" not in (tmp_path / "jobs.db").read_bytes()


@pytest.mark.service("postgresql")
def test_work_is_kept_in_postgresql_where_the_records_are(tmp_path: Path) -> None:
    with postgresql() as url:
        assert run(ON_POSTGRESQL, tmp_path, url)[-2:] == ["done", "done"]
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            states = connection.execute(text("select status from dbos.workflow_status")).scalars().all()
        engine.dispose()
    assert states == ["SUCCESS", "SUCCESS"]
    assert not (tmp_path / "jobs.db").exists()
