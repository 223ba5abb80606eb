-- The properties of video events stand in `measured` too, so that questions of videos need no others'.
alter table events
    modify column measured String default
        if(kind != '' or type in ('api_request', 'api_error', 'experiment_assigned', 'experiment_exposed',
                                  'video_play', 'video_pause', 'video_seek', 'video_stop', 'video_complete'),
           properties, '') codec(ZSTD(1));

alter table events update measured = properties
where type in ('video_play', 'video_pause', 'video_seek', 'video_stop', 'video_complete') and measured != properties
settings mutations_sync = 1;

-- by_course: the events once more, as narrow as questions of courses and contents need them, in their order: what is of
-- one course or of a few types is read without the rest. It is written neither by inserts nor by merges, which would
-- cost an event as much again, but later, for many parts at once (store/asking/by_course.py); until then, and where some
-- of a part's rows were deleted, ClickHouse reads that part's events themselves.
alter table events modify setting
    materialize_projections_on_insert = 0, materialize_projections_on_merge = 0, lightweight_mutation_projection_mode = 'drop';

alter table events add projection if not exists by_course
(
    select tenant, type, course, content, user, timestamp, person, concept, score, duration, measured
    order by tenant, type, course, content, user, timestamp
);
