-- audit: who did what, when and why. A hash chain for each tenant and chain (one writer each), in the order of number:
-- `previous` is the hash of the line before, `hash` is keyed (governance/audit/chain.py). Actor, person and address are
-- keyed digests of identities, which stand in the records. `received`: of ingest lines, the stamp of the group.
create table audit
(
    tenant     LowCardinality(String),
    chain      LowCardinality(String),
    number     UInt64 codec(Delta, ZSTD(1)),
    at         DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    action     LowCardinality(String),
    what       String codec(ZSTD(1)),
    actor      String codec(ZSTD(1)),
    credential LowCardinality(String),
    person     String codec(ZSTD(1)),
    address    String codec(ZSTD(1)),
    why        String codec(ZSTD(1)),
    detail     String codec(ZSTD(1)),
    received   DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    recovered  UInt8,
    key        LowCardinality(String),
    previous   String codec(ZSTD(1)),
    hash       String codec(ZSTD(1)),
    index by_person person type bloom_filter granularity 4,
    index by_received received type minmax granularity 1
)
engine = MergeTree
partition by toYYYYMM(at)
order by (tenant, chain, number)
settings index_granularity = 2048, fsync_after_insert = 1, fsync_part_directory = 1,
         min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1;
