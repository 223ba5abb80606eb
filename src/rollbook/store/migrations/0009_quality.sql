-- invalid: whether the way in found that an event breaks its tenant's definition of its type. What was wrong stands in
-- the properties under context.problems, from which store/events.py fills it: as a materialized column it would cost a
-- microsecond an event in inserts of a thousand.
alter table events add column if not exists invalid UInt8;

-- not_taken: what came in and did not become an event, by quarter of an hour (every zone's midnight falls on one),
-- source and reason: one of the reasons of refusal, or `duplicate`.
create table not_taken
(
    tenant  LowCardinality(String),
    quarter DateTime('UTC'),
    source  LowCardinality(String),
    reason  LowCardinality(String),
    events  SimpleAggregateFunction(sum, UInt64)
)
engine = AggregatingMergeTree
order by (tenant, quarter, source, reason)
settings fsync_after_insert = 1, fsync_part_directory = 1;
