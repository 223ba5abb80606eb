"""Video engagement: how much of each video do learners watch?"""

from typing import Annotated, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learner.of_learner import OfLearner
from rollbook.analyses.learning.of_course import OfPeriod
from rollbook.analyses.question import Answer

Full = Annotated[float, Field(gt=0, le=1)]


class Video(Answer):
    """One video, by its content id."""

    content: str
    learners: int = Field(description="Who played it.")
    plays: int
    repeated: int | None = Field(description="Learners who played it more than once; null: withheld.")
    full: int | None = Field(description="Learners who completed it, or watched nearly all of it; null: withheld.")
    full_rate: float | None
    length_seconds: float | None = Field(description="The longest length that events name; null: none does.")
    watched_seconds: float = Field(description="Of all learners, what was watched again counted again.")
    distinct_seconds: float = Field(description="The same, each second of the video once for each learner.")
    seeks: int


class VideoEngagement(OfPeriod[Video]):
    """How many learners play each video, how much of it do they watch, and do they get to its end?

    A segment is watched from where a `video_play` (or the end of a `video_seek`) begins to where the learner's next
    event on that video is: `video_pause`, `video_stop`, `video_complete` or the beginning of a `video_seek`, if that
    lies further on. Positions are properties in seconds: `position` (else `current_time`, `currentTime`); of a seek
    `from` (else `old_time`) and `to` (else `new_time`); the length is `length` (else `video_length`), and where a
    `video_complete` names no position, it is its length. Full is a `video_complete`, or `full` of the length watched.
    A play that nothing ends counts as a play, with nothing watched.
    """

    full: Full = Field(0.9, description="Share of the length that counts as all of it.")
    limit: int = Field(1000, ge=1, le=100_000, description="Most videos, the most played first.")

    sql: ClassVar[str] = """
        select content, countIf(n > 0) as learners, sum(n) as plays, countIf(n > 1) as repeated,
               nullIf(max(size), -1) as length_seconds,
               arrayCount((d, s) -> d or (length_seconds > 0 and s >= {full:Float64} * length_seconds),
                          groupArrayIf(done, n > 0), groupArrayIf(seen, n > 0)) as full,
               full / learners as full_rate, sum(watched) as watched_seconds, sum(seen) as distinct_seconds,
               sum(jumps) as seeks
        from (
            select content, person, countIf(kind = 3) as n, max(long) as size, max(kind = 2) as done,
                   countIf(kind = 1) as jumps,
                   arraySort(groupArray((timestamp, kind, begins, ends))) as told,
                   arrayFilter(one -> one.1 >= 0 and one.2 > one.1, arrayMap(
                       (one, next) -> (one.3, next.4), arrayPopBack(told), arrayPopFront(told))) as parts,
                   arraySum(one -> one.2 - one.1, parts) as watched,
                   arrayReduce('intervalLengthSum', parts.1, parts.2) as seen
            from (
                select content, person, timestamp,
                       transform(type, ['video_seek', 'video_complete', 'video_play'], [1, 2, 3], 0) as kind,
                       JSONExtract(measured, 'Tuple(position Nullable(Float64), current_time Nullable(Float64),
                           currentTime Nullable(Float64), `from` Nullable(Float64), old_time Nullable(Float64),
                           `to` Nullable(Float64), new_time Nullable(Float64), length Nullable(Float64),
                           video_length Nullable(Float64))') as p,
                       coalesce(p.1, p.2, p.3, -1.) as here, coalesce(p.8, p.9, -1.) as long,
                       multiIf(kind = 3, here, kind = 1, coalesce(p.6, p.7, -1.), -1.) as begins,
                       multiIf(kind = 3, -1., kind = 1, coalesce(p.4, p.5, here),
                               kind = 2 and here < 0, long, here) as ends
                from scope
                where type in {videos:Array(String)} and content != '' and person != sipHash64(''))
            group by content, person)
        group by content
        having learners > 0
        order by plays desc, content
        limit {limit:UInt32}
        """
    crowd: ClassVar[Crowd | None] = Crowd(
        "select content, person from scope where type = 'video_play' and content != '' and person != sipHash64('')",
        keys=("content",),
        counts={"learners": EVERYONE, "repeated": "learners", "full": "learners"},
        rates={"full_rate": ("full", "learners")},
        optional=("repeated", "full"),
    )
    chart: ClassVar[Chart] = Bars(x="content", y="plays")


class LearnerVideos(OfLearner[Video], VideoEngagement):
    """How much of each video has this learner watched, and to its end?

    Counted as in `video_engagement`.
    """
