"""Enrolment tracks: how many learners are enrolled now, in which track?"""

from typing import ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.of_course import OfCourse
from rollbook.analyses.question import Answer


class Track(Answer):
    """One track of one course."""

    course: str
    track: str = Field(description="As the enrolment says in `track` or `mode`; empty: it does not say.")
    learners: int = Field(description="Enrolled now.")


class EnrolmentTracks(OfCourse[Track]):
    """How many learners are enrolled in each course and track now?

    The track is the property `track` (else `mode`, as Open edX calls it) of the last enrolment. Enrolled is who has not
    withdrawn since.
    """

    sql: ClassVar[str] = """
        select course, latest.3 as track, count() as learners
        from (
            select course, person, max((timestamp, kind, told)) as latest
            from (
                select course, person, timestamp, type in {enrolments:Array(String)} as kind,
                       if(JSONExtractString(measured, 'track') != '', JSONExtractString(measured, 'track'),
                          JSONExtractString(measured, 'mode')) as told
                from scope
                where type in {administrative:Array(String)} and course != '' and person != sipHash64(''))
            group by course, person)
        where latest.2 = 1
        group by course, track
        order by course, learners desc, track
        """
    crowd: ClassVar[Crowd] = Crowd(
        """
        select course, latest.3 as track, person
        from (
            select course, person, max((timestamp, kind, told)) as latest
            from (
                select course, person, timestamp, type in {enrolments:Array(String)} as kind,
                       if(JSONExtractString(measured, 'track') != '', JSONExtractString(measured, 'track'),
                          JSONExtractString(measured, 'mode')) as told
                from scope
                where type in {administrative:Array(String)} and course != '' and person != sipHash64(''))
            group by course, person)
        where latest.2 = 1
        """,
        keys=("course", "track"),
        counts={"learners": EVERYONE},
    )
    chart: ClassVar[Chart] = Bars(x="course", y="learners", color="track")
