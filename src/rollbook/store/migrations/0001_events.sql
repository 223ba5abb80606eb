-- events: one row for each event, never changed. Ordered so that one tenant never reads another's granules, a day is
-- one stretch, and one person's events of a day lie together. A merge of many parts at once (merge_selector_base) costs
-- a third less than the default's.
create table events
(
    tenant       LowCardinality(String),
    id           String,
    type         LowCardinality(String),
    user         String,
    timestamp    DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    received     DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    source       LowCardinality(String),
    dialect      LowCardinality(String),
    session      String,
    course       LowCardinality(String),
    content      String,
    concept      String,
    conversation String,
    channel      LowCardinality(String),
    score        Nullable(Float64),
    duration     Nullable(Float64),
    properties   String codec(ZSTD(1)),
    person       UInt64 materialized sipHash64(user),
    index by_received received type minmax granularity 1
)
engine = MergeTree
partition by toYYYYMM(timestamp)
order by (tenant, toDate(timestamp), user, timestamp)
settings index_granularity = 2048, fsync_after_insert = 1, fsync_part_directory = 1, merge_selector_base = 9,
         min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1;

-- rollup_days: which days of a tenant are rolled up. A day without a row here has no events; `rolled` 0 means that its
-- events are read instead of its rollups ("hot"). `stamp` grows with every change of state.
create table rollup_days
(
    tenant LowCardinality(String),
    day    Date,
    rolled UInt8,
    zone   LowCardinality(String),
    stamp  UInt64
)
engine = ReplacingMergeTree(stamp)
order by (tenant, day)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- activity: events and seconds by day (in the tenant's zone), course, user and type. Filled by differences, so a sum
-- over its rows counts, never their number.
create table activity
(
    tenant  LowCardinality(String),
    day     Date,
    course  LowCardinality(String),
    user    String,
    type    LowCardinality(String),
    events  Int64,
    seconds Float64,
    person  UInt64 materialized sipHash64(user)
)
engine = SummingMergeTree((events, seconds))
partition by toYYYYMM(day)
order by (tenant, day, course, user, type)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- learner_days: who was active on which day (people only: never the empty user).
create table learner_days
(
    tenant LowCardinality(String),
    person UInt64,
    day    Date
)
engine = ReplacingMergeTree
partition by toYYYYMM(day)
order by (tenant, person, day)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- people: everyone ever seen, and when first and last.
create table people
(
    tenant LowCardinality(String),
    user   String,
    first  SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last   SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    person UInt64 materialized sipHash64(user)
)
engine = AggregatingMergeTree
order by (tenant, user)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- event_keys: what the way in has seen; `h` is murmurHash3_128 of tenant, 0x1F, id.
create table event_keys
(
    h        UInt128,
    received DateTime64(3, 'UTC') codec(Delta, ZSTD(1))
)
engine = ReplacingMergeTree
partition by toYYYYMM(received)
order by h
settings index_granularity = 1024, merge_selector_base = 9, fsync_after_insert = 1, fsync_part_directory = 1;

-- ingest_counters: what became of the events, by minute and dialect.
create table ingest_counters
(
    tenant  LowCardinality(String),
    minute  DateTime('UTC'),
    dialect LowCardinality(String),
    outcome LowCardinality(String),
    events  SimpleAggregateFunction(sum, UInt64),
    upto    SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
engine = AggregatingMergeTree
order by (tenant, minute, dialect, outcome)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- dead_letters: what could not be kept, with its original bytes (base64 where they are not UTF-8).
create table dead_letters
(
    tenant   LowCardinality(String),
    id       String,
    received DateTime64(3, 'UTC'),
    dialect  LowCardinality(String),
    stage    LowCardinality(String),
    reason   LowCardinality(String),
    detail   String,
    position UInt32,
    body     String codec(ZSTD(3)),
    encoding LowCardinality(String),
    bytes    UInt64,
    replayed Nullable(DateTime64(3, 'UTC')),
    stamp    UInt64
)
engine = ReplacingMergeTree(stamp)
partition by toYYYYMM(received)
order by (tenant, received, id)
settings fsync_after_insert = 1, fsync_part_directory = 1;
