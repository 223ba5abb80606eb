-- seals: days of a tenant whose events have left (or are leaving) the events table, in the zone in which they were
-- counted then. `upto`: events of the day received up to here are not read from the events, but from sealed_activity.
-- `state`: 0 not sealed, 1 leaving or coming back (what is still in the events does not count), 2 gone, 3 forgotten.
create table seals
(
    tenant LowCardinality(String),
    day    Date,
    zone   LowCardinality(String),
    upto   DateTime64(3, 'UTC'),
    state  UInt8,
    stamp  UInt64
)
engine = ReplacingMergeTree(stamp)
order by (tenant, day)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- sealed_activity: what the rollups keep of events that are gone, from which they are filled again when that is needed.
-- A row counts if its `upto` is not later than its day's seal. `received`: when the newest of its events came in.
create table sealed_activity
(
    tenant   LowCardinality(String),
    day      Date,
    course   LowCardinality(String),
    user     String,
    type     LowCardinality(String),
    events   Int64,
    seconds  Float64,
    first    DateTime64(3, 'UTC'),
    last     DateTime64(3, 'UTC'),
    received DateTime64(3, 'UTC'),
    upto     DateTime64(3, 'UTC'),
    person   UInt64 materialized sipHash64(user)
)
engine = MergeTree
partition by toYYYYMM(day)
order by (tenant, day, course, user, type)
settings fsync_after_insert = 1, fsync_part_directory = 1;
