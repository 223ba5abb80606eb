"""Page engagement: which pages do learners view?"""

from typing import ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.of_course import OfPeriod
from rollbook.analyses.question import Answer


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

    sql: ClassVar[str] = """
        select content, sum(n) as views, count() as learners, countIf(first != last) as returned, sum(long) as seconds
        from (
            select content, person, count() as n, sum(ifNull(duration, 0)) as long,
                   toDate(min(timestamp), {zone:String}) as first, toDate(max(timestamp), {zone:String}) as last
            from scope
            where type in {pages:Array(String)} and content != '' and person != sipHash64('')
            group by content, person)
        group by content
        order by views desc, content
        limit {limit:UInt32}
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select content, person from scope"
        " where type in {pages:Array(String)} and content != '' and person != sipHash64('')",
        keys=("content",),
        counts={"learners": EVERYONE, "returned": "learners"},
        optional=("returned",),
    )
    chart: ClassVar[Chart] = Bars(x="content", y="views")
