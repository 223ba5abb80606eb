"""Time: on which day of the week an event happened, at which hour, and whether its tenant was at work."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from rollbook.ingest.enriching.enricher import Around, Incoming, Members


class Hours:
    """`weekday` (1 is Monday), `hour`, `business_hours`, and `holiday` where it is one, on the tenant's clocks."""

    name = "time"

    def ready(self, around: Around) -> Callable[[Incoming], Members]:
        """By the tenant's zone, hours and holidays."""
        zone, hours, holidays = ZoneInfo(around.zone), around.settings.business_hours, set(around.settings.holidays)

        def members(event: Incoming) -> Members:
            there = event.at.astimezone(zone)
            holiday, weekday = there.date() in holidays, there.isoweekday()
            works = weekday in hours.days and hours.begins <= there.time() < hours.ends and not holiday
            return {"weekday": weekday, "hour": there.hour, "business_hours": works} | (
                {"holiday": True} if holiday else {}
            )

        return members
