"""Amounts: what the properties of document 2's events tell, as SQL that several questions put around the scope."""

MOST_REPORTED = 100_000

# what tells of somebody, or of their programs, and is not done by them
PASSIVE = "('streak_update', 'api_request', 'api_error')"
VIEWS = "('material_view', 'content_view', 'content_start', 'video_play')"
COMPLETIONS = "('material_complete', 'content_completion', 'completion')"

# the XP of an event: a whole number, written as one or as a text; what is none counts 0
XP = (
    "if(type = 'xp_earned', toInt64(round(greatest(-1e9, least(1e9,"
    " ifNotFinite(JSONExtractFloat(measured, 'xp_amount'), 0))))), 0)"
)
# the achievement of an event; empty: it is none, or does not say which
ACHIEVEMENT = "if(type = 'achievement_earned', JSONExtractString(measured, 'achievement_id'), '')"
# the streak that an event reports; -1: it reports none
REPORTED = (
    "if(type = 'streak_update'"
    " and ifNull(JSONExtract(measured, 'streak_days', 'Nullable(Float64)')"
    f" between 0 and {MOST_REPORTED}, 0),"
    " toInt64(JSONExtractFloat(measured, 'streak_days')), -1)"
)
