"""The demo's data: a small campus, its learners and what they do, all made up; the same seed makes the same events."""

from rollbook.demo.campus import COURSES, Course
from rollbook.demo.learners import Learner, enrol
from rollbook.demo.term import SEED, as_table, lived

__all__ = ["COURSES", "SEED", "Course", "Learner", "as_table", "enrol", "lived"]
