"""The runner: a thread for each task, so that a long one never delays a short one."""

import threading

import structlog

from rollbook.errors import RollbookError
from rollbook.ingest.intake import Intake
from rollbook.jobs.schedule import TASKS, Task

log = structlog.get_logger()


class Runner:
    """Runs the tasks until it is stopped. A task that fails is logged and runs again in its turn."""

    def __init__(self, intake: Intake, tasks: tuple[Task, ...] = TASKS) -> None:
        self._intake = intake
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(task,), name=task.name, daemon=True) for task in tasks
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let running tasks end, and start no more."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _loop(self, task: Task) -> None:
        while not self._stopping.wait(task.every_seconds):
            try:
                task.run(self._intake)
            except RollbookError as error:
                log.warning("task_failed", task=task.name, detail=error.detail, effect="it runs again in its turn")
            except Exception:
                log.exception("task_failed", task=task.name)
