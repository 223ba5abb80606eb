"""The bench's SQL: the bare loop's table, events made up by the engine itself, and what the tables weigh."""

BARE_TABLE = """
create table if not exists bare
(
    tenant LowCardinality(String), id String, timestamp DateTime64(3, 'UTC'), user String,
    type LowCardinality(String), properties String
)
engine = MergeTree partition by toYYYYMM(timestamp) order by (tenant, user, timestamp)
settings fsync_after_insert = 1, fsync_part_directory = 1
"""

# A day's events, made from their numbers, so that every run makes the same (but for the ids). Anybody is equally likely
# to be the next: so nearly everyone is active on nearly every day, which is the most that the rollups can have to hold.
# A fifth join in the course of the term, one after the other; until then somebody who was there already acts for them.
# Study hours: two draws added up, most at 14:00 UTC. Each commit of the way in has one time of receipt, here a second.
MADE_UP = """
insert into events
    (tenant, id, type, user, timestamp, received, source, dialect, session, course, content, concept, conversation,
     channel, score, duration, properties)
with sipHash64(number, 'who') % {learners:UInt32} as drawn,
     drawn % 5 = 4 and sipHash64(drawn, 'joins') % {days:UInt16} > {day:UInt16} as absent,
     if(absent, drawn - 1 - number % 4, drawn) as who,
     (sipHash64(number, 'early') % 1000000 + sipHash64(number, 'late') % 1000000) / 2000000 + 0.333 as hour,
     fromUnixTimestamp64Milli({begin_ms:Int64} + toInt64(86400000 * (hour - floor(hour))), 'UTC') as at,
     sipHash64(number, 'what') % 100 as what,
     multiIf(what < 12, 'session_start', what < 52, 'content_view', what < 59, 'video_play', what < 65, 'video_stop',
             what < 80, 'content_completion', what < 92, 'quiz_completion', what < 97, 'material_view',
             'forum_post') as kind,
     sipHash64(who, number % 2, 'course') % 24 as study,
     sipHash64(number, 'content') % 60 as item,
     sipHash64(who, 'able') % 40 + 30 as able
select {tenant:String}, toString(generateUUIDv4(number)), kind, concat('learner-', leftPad(toString(who), 6, '0')), at,
       toStartOfSecond(at) + interval 1 second, 'campus', 'native',
       concat('s', toString(who), '-', toString({day:UInt16}), '-', toString(intDiv(item, 30))),
       concat('course-', leftPad(toString(study), 2, '0')),
       if(kind in ('session_start', 'forum_post'), '', concat('content-', toString(study), '-', toString(item))),
       if(kind in ('session_start', 'forum_post'), '', concat('concept-', toString(study), '-', toString(item % 12))),
       '', if(sipHash64(number, 'channel') % 3 = 0, 'mobile', 'web'),
       if(kind = 'quiz_completion', least(100, able + sipHash64(number, 'score') % 40), null),
       if(kind in ('content_view', 'video_play', 'material_view'), 20 + sipHash64(number, 'long') % 700, null),
       concat('{"page":"/learn/', toString(study), '/', toString(item), '","attempt":', toString(number % 3),
              multiIf(kind in ('video_play', 'video_stop'), ',"position":', kind = 'quiz_completion', ',"response":',
                      ',"seen":'), toString(sipHash64(number, 'long') % 700), '}')
from numbers({first:UInt64}, {count:UInt64})
"""
# A hundredth of the events are conversations, six events each: a learner asks a bot twice, and it ends in one of three
# ways. Their numbers do not overlap with those above.
TALKS = """
insert into events
    (tenant, id, type, user, timestamp, received, source, dialect, session, course, content, concept, conversation,
     channel, score, duration, properties)
with intDiv(number, 6) as talk, number % 6 as turn, sipHash64(talk, 'who') % {learners:UInt32} as who,
     sipHash64(who, talk % 2, 'course') % 24 as study,
     fromUnixTimestamp64Milli({begin_ms:Int64} + toInt64(sipHash64(talk, 'at') % 82800000 + turn * (15000
         + sipHash64(talk, 'pace') % 60000)), 'UTC') as at,
     ['started', 'message.sent', 'message.received', 'message.sent', 'message.received',
      ['completed', 'completed', 'abandoned', 'escalated'][sipHash64(talk, 'end') % 4 + 1]][turn + 1] as step
select {tenant:String}, toString(generateUUIDv4(number)), concat('conversation.', step),
       concat('learner-', leftPad(toString(who), 6, '0')), at, toStartOfSecond(at) + interval 1 second, 'coach',
       'native', '', concat('course-', leftPad(toString(study), 2, '0')), '',
       if(turn in (1, 3), concat('concept-', toString(study), '-', toString(sipHash64(talk, turn) % 12)), ''),
       concat('talk-', toString(talk)), if(sipHash64(talk, 'channel') % 3 = 0, 'mobile', 'web'), null, null,
       concat('{"intent":"intent-', toString(sipHash64(talk, intDiv(turn, 2)) % 12), '"',
              if(turn = 5, concat(',"rating":', toString(sipHash64(talk, 'stars') % 5 + 1)), ''),
              if(turn in (1, 3), ',"sentiment":0.2', ''), '}')
from numbers({first:UInt64}, {count:UInt64})
"""

# Another hundredth is what other questions ask about: calls of models and of the API, samples, exposures, XP, hints,
# enrolments.
OTHERS = """
insert into events
    (tenant, id, type, user, timestamp, received, source, dialect, session, course, content, concept, conversation,
     channel, score, duration, properties)
with sipHash64(number, 'who') % {learners:UInt32} as who, sipHash64(who, number % 2, 'course') % 24 as study,
     fromUnixTimestamp64Milli({begin_ms:Int64} + toInt64(sipHash64(number, 'at') % 86400000), 'UTC') as at,
     ['api_request', 'api_request', 'model.usage', 'sample', 'experiment_exposed', 'xp_earned', 'hint_request',
      'enrolment'][number % 8 + 1] as kind, sipHash64(number, 'much') % 1000 as much
select {tenant:String}, toString(generateUUIDv4(number)), kind, concat('learner-', leftPad(toString(who), 6, '0')), at,
       toStartOfSecond(at) + interval 1 second, 'campus', 'native', '',
       if(kind in ('hint_request', 'enrolment'), concat('course-', leftPad(toString(study), 2, '0')), ''),
       if(kind = 'hint_request', concat('content-', toString(study), '-', toString(much % 60)), ''), '', '', 'web',
       null, null,
       replaceAll(replaceAll(replaceAll(transform(kind,
           ['api_request', 'model.usage', 'sample', 'experiment_exposed', 'xp_earned'],
           ['{"endpoint":"/api/%few","latency_ms":%many,"status_code":200}',
            '{"model_provider":"p","model_name":"model-%few","input_tokens":%many,"output_tokens":%few}',
            '{"metric_name":"load","metric_value":%many,"tags":{"host":"host-%few"}}',
            '{"experiment":"layout","variant":"%variant"}', '{"xp_amount":%few}'], '{}'),
           '%few', toString(much % 9)), '%many', toString(much)),
           '%variant', if(sipHash64(who, 'variant') % 2 = 0, 'control', 'wide'))
from numbers({first:UInt64}, {count:UInt64})
"""
# of a hundred events
SHARES = {MADE_UP: 98, TALKS: 1, OTHERS: 1}

ONE_INSERT = {"max_insert_threads": 1, "max_partitions_per_insert_block": 0, "max_memory_usage": 0}

WEIGHTS = """
select table, sum(rows) as rows, sum(bytes_on_disk) as bytes, count() as parts from system.parts
where active and database = currentDatabase() group by table order by bytes desc
"""

MERGES = "select count() as running from system.merges"
