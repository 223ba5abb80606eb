"""Video heatmap: which parts of a video are watched, and where do learners jump?"""

from typing import ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learner.of_learner import OfLearner
from rollbook.analyses.learning.of_course import OfPeriod
from rollbook.analyses.question import Answer


class Part(Answer):
    """One stretch of the video."""

    from_second: int
    views: int = Field(description="Watched segments that reach into it.")
    learners: int = Field(description="Who watched any of it.")
    repeats: int = Field(description="Views beyond each learner's first.")
    seeks_from: int = Field(description="Jumps that begin in it.")
    seeks_to: int = Field(description="Jumps that end in it.")


class VideoHeatmap(OfPeriod[Part]):
    """Which parts of a video do learners watch, watch again, and jump from and to?

    Segments are those of `video_engagement`. A segment reaches into a part if it covers any of it; one that ends where
    a part begins does not reach into that. Positions beyond 24 hours are left out. Parts that nobody reached are not
    there.
    """

    content: str = Field(min_length=1, max_length=1024, description="Which video.")
    part_seconds: int = Field(10, ge=1, le=3600, description="Length of a part.")

    sql: ClassVar[str] = """
        select place.2 * {part_seconds:UInt32} as from_second, countIf(place.1 = 0) as views,
               uniqExactIf(person, place.1 = 0) as learners, views - learners as repeats,
               countIf(place.1 = 1) as seeks_from, countIf(place.1 = 2) as seeks_to
        from (
            select person, arrayJoin(arrayConcat(
                       arrayFlatten(arrayMap(one -> arrayMap(n -> (0, n), range(
                           toUInt32(floor(one.1 / {part_seconds:UInt32})),
                           toUInt32(ceil(one.2 / {part_seconds:UInt32})))), parts)),
                       arrayMap(one -> (1, toUInt32(floor(one.4 / {part_seconds:UInt32}))),
                                arrayFilter(one -> one.2 = 1 and one.4 >= 0, told)),
                       arrayMap(one -> (2, toUInt32(floor(one.3 / {part_seconds:UInt32}))),
                                arrayFilter(one -> one.2 = 1 and one.3 >= 0, told)))) as place
            from (
                select person, arraySort(groupArray((timestamp, kind, begins, ends))) as told,
                       arrayFilter(one -> one.1 >= 0 and one.2 > one.1, arrayMap(
                           (one, next) -> (one.3, next.4), arrayPopBack(told), arrayPopFront(told))) as parts
                from (
                    select person, timestamp,
                           transform(type, ['video_seek', 'video_complete', 'video_play'], [1, 2, 3], 0) as kind,
                           JSONExtract(measured, 'Tuple(position Nullable(Float64), current_time Nullable(Float64),
                               currentTime Nullable(Float64), `from` Nullable(Float64), old_time Nullable(Float64),
                               `to` Nullable(Float64), new_time Nullable(Float64), length Nullable(Float64),
                               video_length Nullable(Float64))') as p,
                           coalesce(p.1, p.2, p.3, -1.) as here, coalesce(p.8, p.9, -1.) as long,
                           multiIf(kind = 3, here, kind = 1, coalesce(p.6, p.7, -1.), -1.) as b,
                           multiIf(kind = 3, -1., kind = 1, coalesce(p.4, p.5, here),
                                   kind = 2 and here < 0, long, here) as e,
                           if(b > 86400, -1., b) as begins, if(e > 86400, -1., e) as ends
                    from scope
                    where content = {content:String} and type in {videos:Array(String)} and person != sipHash64(''))
                group by person))
        group by from_second
        order by from_second
        """
    crowd: ClassVar[Crowd | None] = Crowd(
        "select person from scope where content = {content:String} and type = 'video_play' and person != sipHash64('')",
        counts={"learners": EVERYONE},
    )
    chart: ClassVar[Chart] = Bars(x="from_second", y="views", types={"from_second": "ordinal"})


class LearnerVideoParts(OfLearner[Part], VideoHeatmap):
    """Which parts of a video has this learner watched, watched again, and jumped from and to?

    Counted as in `video_heatmap`.
    """
