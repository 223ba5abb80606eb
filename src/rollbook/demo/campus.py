"""The campus: courses, their concepts from easy to hard, and what there is to read, watch and try for each."""

from dataclasses import dataclass

# kind, event that starts it, minutes it takes
MATERIALS = (("video", "video_play", 8), ("reading", "content_view", 6), ("exercise", "content_view", 12))
QUIZ_MINUTES = 6

EASIEST, HARDEST = -1.4, 1.1


@dataclass(frozen=True, slots=True)
class Concept:
    """What one can understand or not; `difficulty` on the scale of ability (0 is the average learner's)."""

    id: str
    difficulty: float


@dataclass(frozen=True, slots=True)
class Course:
    """A course and its concepts in the order they are taught."""

    id: str
    title: str
    concepts: tuple[Concept, ...]


def course(identity: str, title: str, *names: str) -> Course:
    """A course whose concepts get harder from first to last, with a stumbling block in the middle."""
    last = len(names) - 1
    steps = [EASIEST + (HARDEST - EASIEST) * n / last + (0.5 if n == last // 2 else 0.0) for n in range(len(names))]
    return Course(identity, title, tuple(Concept(name, hard) for name, hard in zip(names, steps, strict=True)))


COURSES = (
    course(
        *("algebra", "Algebra", "variables", "linear_equations", "inequalities", "functions", "linear_systems"),
        *("exponents", "polynomials", "factoring", "quadratic_equations"),
    ),
    course(
        *("statistics", "Statistics", "averages", "spread", "probability", "distributions", "sampling"),
        *("confidence_intervals", "hypothesis_tests", "regression"),
    ),
    course(
        *("programming", "Programming in Python", "values", "conditions", "loops", "lists", "functions_in_code"),
        *("dictionaries", "files", "recursion", "classes", "testing"),
    ),
    course(
        *("biology", "Cell Biology", "the_cell", "membranes", "enzymes", "photosynthesis", "respiration"),
        *("cell_division", "inheritance"),
    ),
    course("writing", "Academic Writing", "audience", "thesis", "structure", "evidence", "citation", "revision"),
)
