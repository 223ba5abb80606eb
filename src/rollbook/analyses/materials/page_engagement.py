"""Page engagement: which pages do learners view?"""

from typing import ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.of_course import OfPeriod
from rollbook.analyses.question import Answer

VIEWS = "type in {pages:Array(String)} and content != '' and person != sipHash64('')"


class Page(Answer):
    """One page, by its content id."""

    content: str
    views: int
    learners: int = Field(description="Who viewed it.")
    returned: int | None = Field(description="Of them, who viewed it on more than one calendar day; null: withheld.")
    seconds: float = Field(description="Sum of the views' durations.")


class PageEngagement(OfPeriod[Page]):
    """Which pages and other contents do learners view, how often, and do they come back to them?

    Views are events of a type of pages with a content id. The most viewed first.
    """

    limit: int = Field(1000, ge=1, le=100_000, description="Most pages.")

    # of each person and page as little as can be: there may be millions of such pairs
    sql: ClassVar[str] = f"""
        select content, views, learners, returned, seconds
        from (
            select content, count() as views, sum(ifNull(duration, 0)) as seconds
            from scope
            where {VIEWS}
            group by content) as viewed
        join (
            select thing, count() as learners, countIf(first != last) as returned
            from (
                select cityHash64(content) as thing, person, min(toDate(timestamp, {{zone:String}})) as first,
                       max(toDate(timestamp, {{zone:String}})) as last
                from scope
                where {VIEWS}
                group by thing, person)
            group by thing) as visited on visited.thing = cityHash64(viewed.content)
        order by views desc, content
        limit {{limit:UInt32}}
        """
    crowd: ClassVar[Crowd] = Crowd(
        f"select content, person from scope where {VIEWS}",
        keys=("content",),
        counts={"learners": EVERYONE, "returned": "learners"},
        optional=("returned",),
    )
    chart: ClassVar[Chart] = Bars(x="content", y="views")
