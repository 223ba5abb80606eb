-- writers: which process may write, where several use one server (store/lease.py). A row for each beat of a process'
-- heart; the one that claimed first (in microseconds) among those alive writes. `beat` at the epoch: it has gone.
create table writers
(
    holder  String,
    name    String,
    claimed UInt64,
    beat    DateTime64(6, 'UTC'),
    number  UInt64
)
engine = ReplacingMergeTree(number)
order by holder
settings fsync_after_insert = 1, fsync_part_directory = 1;
