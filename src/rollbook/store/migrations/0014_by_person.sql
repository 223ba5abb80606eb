-- by_type is made anew below, with the source: so that nothing waits for it, and what follows does not make it again.
kill mutation where database = currentDatabase() and table = 'events' and not is_done
    and command ilike '%materialize projection%' sync;

alter table events drop projection if exists by_type settings mutations_sync = 1;

-- What attempts, enrolments and withdrawals are asked for in their properties stands in `measured` as well.
alter table events
    modify column measured String default
        if(kind != ''
           or type in ('api_request', 'api_error', 'experiment_assigned', 'experiment_exposed', 'video_play',
                       'video_pause', 'video_seek', 'video_stop', 'video_complete', 'xp_earned',
                       'achievement_earned', 'level_up', 'streak_update', 'quiz_completion', 'quiz_attempt',
                       'problem_attempt', 'question_answered', 'assessment_completion', 'enrolment', 'enrollment',
                       'withdrawal', 'unenrolment', 'unenrollment'),
           properties, '') codec(ZSTD(1));

alter table events update measured = properties
where measured != properties
  and type in ('quiz_completion', 'quiz_attempt', 'problem_attempt', 'question_answered', 'assessment_completion',
               'enrolment', 'enrollment', 'withdrawal', 'unenrolment', 'unenrollment')
settings mutations_sync = 1;

-- Moments in T64 take less room than as differences in ZSTD, and a quarter of the time to read; other columns take more
-- in LZ4 than in the ZSTD(3) that ClickHouse takes for big parts, and half the time to read. Few questions read ids.
alter table events
    modify column timestamp codec(T64, LZ4),
    modify column received codec(T64, LZ4),
    modify column id codec(ZSTD(1));

alter table events modify setting default_compression_codec = 'LZ4';

-- by_person: the same in the order of people, whose events of all days lie together: for questions about a part of all
-- people, and for those that follow everybody's events one after the other. ClickHouse reads what has the fewest
-- granules, of two with as many the one that was made first. As those of both are twice as long as the events' own, it
-- reads one of them where that means at most twice as many events: by_type where types are named, by_person where people
-- or nothing is.
alter table events add projection if not exists by_person
(
    select tenant, person, timestamp, user, kind, type, course, content, concept, session, conversation, channel, source,
           score, duration, measured
    order by tenant, person, timestamp
) with settings (index_granularity = 4096);

alter table events add projection if not exists by_type
(
    select tenant, kind, type, course, content, user, timestamp, person, source, session, concept, conversation, channel,
           score, duration, measured, metric, metric_value, metric_type, metric_unit, metric_tags
    order by tenant, kind, type, course, content, user, timestamp
) with settings (index_granularity = 4096);
