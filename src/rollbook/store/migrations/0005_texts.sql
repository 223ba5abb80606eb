-- message_texts: what was written in messages to and from an AI, apart from the events and for some days only. A resent
-- event does not replace what it said first.
create table message_texts
(
    tenant       LowCardinality(String),
    id           String,
    user         String,
    conversation String,
    timestamp    DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    received     DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    text         String codec(ZSTD(3)),
    stamp        UInt64
)
engine = ReplacingMergeTree(stamp)
partition by toYYYYMM(received)
order by (tenant, conversation, id)
settings fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1;
