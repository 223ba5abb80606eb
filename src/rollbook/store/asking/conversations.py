"""Conversations: the SQL that makes one row of each from the events that belong to it.

A question reads `conversations_scope` and binds `timeout_minutes`. What the columns mean: docs/guides/conversations.md.
"""

from datetime import timedelta

# events of a conversation that began this long before the scope are read, so that it is not taken for a new one
MARGIN = timedelta(days=1)

COACH = ("ai_message_sent", "ai_message_received", "ai_feedback_rated")
SENT = ("conversation.message.sent", "ai_message_sent")
RECEIVED = ("conversation.message.received", "ai_message_received")
LEARNER = ("user", "learner", "student", "human")
BOT = ("assistant", "bot", "ai", "tutor", "agent")

_SAID = (
    "intent Nullable(String), rating Nullable(String), satisfaction_score Nullable(Float64),"
    " helpful Nullable(Bool), cost_cents Nullable(Float64), user_segment Nullable(String), sentiment Nullable(Float64),"
    " error Nullable(String), success Nullable(Bool), context Tuple(learner Tuple(segment Nullable(String)))"
)


def _listed(*names: str) -> str:
    return "(" + ", ".join(f"'{name}'" for name in names) + ")"


def _both(*names: str) -> str:
    """The names as they are stored: as they are, and as constants."""
    return _listed(*names, *(name.upper() for name in names))


# messages, in a condition on `type`
MESSAGES = f"type in {_both(*SENT, *RECEIVED)}"

# of few messages the properties have to be read for it
ROLE = """if(position(measured, '"role"') > 0, lower(JSONExtractString(measured, 'role')), '')"""

# who speaks, from `kind` (the type in small letters) and `role`: 1 a user, 2 a bot, 0 it is no message
SPEAKER = (
    f"multiIf(kind not in {_listed(*SENT, *RECEIVED)}, 0, role in {_listed(*LEARNER)}, 1, role in {_listed(*BOT)}, 2,"
    f" kind in {_listed(*SENT)}, 1, 2)"
)

# a rank orders what happens in the same millisecond: 0 started, 1 a user's message, 2 a bot's, 3 anything else,
# 4 abandoned, 5 escalated, 6 completed
_EVENTS = f"""
    select user, person, timestamp, channel as via, course as within, concept, lower(type) as kind,
           JSONExtract(measured, 'Tuple({_SAID})') as said,
           {ROLE} as role,
           {SPEAKER} as speaker,
           if(speaker > 0, speaker,
              transform(kind, ['conversation.started', 'conversation.abandoned', 'conversation.escalated',
                               'conversation.completed'], [0, 4, 5, 6], 3)) as rank,
           toUnixTimestamp64Milli(timestamp) * 8 + rank as place,
           multiIf(conversation != '', conversation, kind not in {_listed(*COACH)}, '', session != '', session,
                   user != '', concat(user, '@', toString(toDate(timestamp, {{scope_zone:String}}))), '') as talk,
           ifNull(said.intent, '') as intent,
           ifNull(coalesce(nullIf(said.user_segment, ''), said.context.learner.segment), '') as crew,
           if(rank = 1, if(concept != '', concept, intent), '') as subject,
           toFloat64OrNull(ifNull(said.rating, '')) as rating,
           multiIf(said.satisfaction_score between 0 and 1, said.satisfaction_score,
                   said.rating in ('true', 'up', 'thumbs_up'), 1, said.rating in ('false', 'down', 'thumbs_down'), 0,
                   rating between 1 and 5, (rating - 1) / 4, toFloat64(said.helpful)) as stars,
           ifNull(said.success = false, false) or endsWith(kind, 'error')
               or ifNull(said.error, '') not in ('', 'false', '0', '[]', '{{}}') as failed,
           if(abs(said.cost_cents) < 1e12, said.cost_cents, 0) as cents,
           if(rank = 1 and said.sentiment between -1 and 1, said.sentiment, null) as feeling
    from events"""
_OF = f" and events.kind != '' and (conversation != '' or type in {_both(*COACH)})"


def _in_order(name: str) -> str:
    """What came up, in the order of the events, of a row of the same each once."""
    return f"arrayCompact(arrayMap(one -> one.2, arraySort(groupArrayIf((place, {name}), {name} != ''))))"


_TOGETHER = f"""
    select talk as conversation,
           minIf(timestamp, rank != 3) as began,
           arraySort(groupUniqArrayIf(user, user != '')) as users,
           groupUniqArrayIf(person, user != '') as persons,
           argMinIf(via, (place, via), via != '') as channel,
           argMinIf(within, (place, within), within != '') as course,
           argMinIf(crew, (place, crew), crew != '') as segment,
           arraySort(groupArrayIf(place, rank in (1, 2))) as turns,
           countIf(rank = 1) as user_messages, countIf(rank = 2) as bot_messages,
           {_in_order("intent")} as intents, {_in_order("subject")} as subjects,
           arrayMap(one -> one.2, arraySort(groupArrayIf((place, assumeNotNull(feeling)), isNotNull(feeling)))) as felt,
           avgOrNull(stars) as liked, countIf(failed) as errors, sum(cents) as cost_cents,
           countIf(rank = 5) > 0 as escalated,
           countIf(startsWith(kind, 'conversation.')) > 0 as has_ends,
           maxIf(place, rank >= 4) as last_end,
           maxIf(timestamp, rank <= 2) as last_turn"""


def conversations(events: str) -> str:
    """One row for each conversation that began in the scope; `events`: the condition of its events, from MARGIN on."""
    return f"""
        select *, last_end % 8 as ending,
               last_turn + toIntervalMinute({{timeout_minutes:UInt32}}) <= {{scope_until:DateTime64(3, 'UTC')}}
                   as silent,
               multiIf(ending = 6, 'completed', ending = 5, 'escalated', ending = 4, 'abandoned', not silent, 'active',
                       has_ends, 'abandoned', 'ended') as status,
               multiIf(ending > 0, fromUnixTimestamp64Milli(intDiv(last_end, 8), 'UTC'), silent, last_turn, null)
                   as ended,
               intDiv(dateDiff('millisecond', began, ended), 1000) as seconds,
               arrayFilter(ms -> ms >= 0, arrayMap(
                   (a, b) -> if(a % 8 = 1 and b % 8 = 2, intDiv(b, 8) - intDiv(a, 8), -1),
                   arrayPopBack(turns), arrayPopFront(turns))) as waits,
               turns[-1] % 8 = 1 as unanswered
        from ({_TOGETHER}
            from ({_EVENTS} where {events}{_OF})
            where talk != ''
            group by talk
            having countIf(rank != 3) > 0 and began >= {{scope_talks_since:DateTime64(3, 'UTC')}})"""
