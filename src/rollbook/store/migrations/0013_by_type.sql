-- Conversations are a kind, too: what was said in one, or in messages. Their properties, and those of videos and XP,
-- stand in `measured` as well, so that questions about them need read no others'.
alter table events
    modify column kind LowCardinality(String) default
        multiIf(position(properties, '"model_provider"') > 0, 'model_usage',
                position(properties, '"metric_name"') > 0, 'system_metric',
                conversation != ''
                or type in ('conversation.message.sent', 'conversation.message.received', 'ai_message_sent',
                            'ai_message_received', 'ai_feedback_rated', 'CONVERSATION.MESSAGE.SENT',
                            'CONVERSATION.MESSAGE.RECEIVED', 'AI_MESSAGE_SENT', 'AI_MESSAGE_RECEIVED',
                            'AI_FEEDBACK_RATED'),
                'conversation', ''),
    modify column measured String default
        if(kind != ''
           or type in ('api_request', 'api_error', 'experiment_assigned', 'experiment_exposed', 'video_play',
                       'video_pause', 'video_seek', 'video_stop', 'video_complete', 'xp_earned',
                       'achievement_earned', 'level_up', 'streak_update'),
           properties, '') codec(ZSTD(1));

alter table events update kind = 'conversation'
where kind = ''
  and (conversation != ''
       or type in ('conversation.message.sent', 'conversation.message.received', 'ai_message_sent',
                   'ai_message_received', 'ai_feedback_rated', 'CONVERSATION.MESSAGE.SENT',
                   'CONVERSATION.MESSAGE.RECEIVED', 'AI_MESSAGE_SENT', 'AI_MESSAGE_RECEIVED', 'AI_FEEDBACK_RATED'))
settings mutations_sync = 1;

alter table events update measured = properties
where measured != properties
  and (kind != ''
       or type in ('api_request', 'api_error', 'experiment_assigned', 'experiment_exposed', 'video_play',
                   'video_pause', 'video_seek', 'video_stop', 'video_complete', 'xp_earned', 'achievement_earned',
                   'level_up', 'streak_update'))
settings mutations_sync = 1;

-- by_type: the events once more, as narrow as questions about some types of events, or about one course, need them, in
-- the order of these: what is of other types and courses is not read. It is written neither by inserts nor by merges,
-- which would cost an event as much again, but later, for many parts at once (store/intake/by_type.py); until then, and
-- where some of a part's rows were deleted, ClickHouse reads that part's events themselves.
alter table events modify setting
    materialize_projections_on_insert = 0, materialize_projections_on_merge = 0,
    lightweight_mutation_projection_mode = 'drop';

alter table events add projection if not exists by_type
(
    select tenant, kind, type, course, content, user, timestamp, person, session, concept, conversation, channel, score,
           duration, measured, metric, metric_value, metric_type, metric_unit, metric_tags
    order by tenant, kind, type, course, content, user, timestamp
);
