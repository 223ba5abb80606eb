"""Section engagement: how much of each section do learners use?"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.learning.of_course import BOUND, OfPeriod
from rollbook.analyses.question import Answer, When


class Section(Answer):
    """One section, by its name."""

    section: str
    contents: int = Field(description="Distinct contents that anybody used.")
    learners: int = Field(description="Who used any of them.")
    all: int | None = Field(description="Who used all of them; null: withheld.")
    some: int | None = Field(description="Who used some of them, but not all; null: withheld.")
    none: int | None = Field(description="Who used such contents, but none of this section; null: withheld.")


class SectionEngagement(OfPeriod[Section]):
    """How many learners use all, some or none of the pages, videos or problems of each section?

    A section is a concept, or with `by` a property that events carry: `section` or `subsection`. Its contents are those
    that anybody used in the scope: what nobody has opened yet is not known. Used is viewed, played, or attempted.
    """

    what: Literal["pages", "videos", "problems"] = Field("pages", description="Which contents.")
    by: Literal["concept", "section", "subsection"] = Field("concept", description="What a section is.")

    sql: ClassVar[str] = """
        select section, contents, learners, all, uniqExactMerge(users) over () as everyone
        from (
            select named as section, length(groupUniqArrayArray(items)) as contents, count() as learners,
                   arrayCount(n -> n = contents, groupArray(toUInt64(length(items)))) as all,
                   uniqExactState(learner) as users
            from (
                select any(section_of) as named, any(person) as learner, groupUniqArray(cityHash64(content)) as items
                from (
                    select person, content,
                           if({by:String} = 'concept', concept,
                              JSONExtractString(properties, {by:String})) as section_of
                    from scope
                    where type in {kinds:Array(String)} and content != '' and person != sipHash64(''))
                where section_of != ''
                group by cityHash64(section_of, person))
            group by named)
        order by section
        """
    crowd: ClassVar[Crowd] = Crowd(
        """
        select section, person
        from (
            select person, if({by:String} = 'concept', concept, JSONExtractString(properties, {by:String})) as section
            from scope
            where type in {kinds:Array(String)} and content != '' and person != sipHash64(''))
        where section != ''
        """,
        keys=("section",),
        counts={"learners": EVERYONE, "all": "learners", "some": "learners", "none": EVERYONE},
        optional=("all", "some", "none"),
    )
    chart: ClassVar[Chart] = Bars(x="section", y="learners")

    def bound(self, when: When) -> dict[str, Any]:
        """The types of the kind."""
        kinds = {"pages": BOUND["pages"], "videos": ("video_play",), "problems": BOUND["attempts"]}
        return super().bound(when) | {"kinds": list(kinds[self.what])}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Section]:
        """The sections, against all who used anything of the kind."""
        return [
            Section(
                section=row["section"],
                contents=row["contents"],
                learners=row["learners"],
                all=row["all"],
                some=row["learners"] - row["all"],
                none=row["everyone"] - row["learners"],
            )
            for row in found
        ]
