-- Samples of metrics are events: those whose properties have a metric_name and a number as metric_value. What questions
-- about them read has columns, worked out when an event is written (and anew when its properties are corrected, or a
-- name is taken out of them), so they never disagree with it. All other events pay for one search in their text.
alter table events add column if not exists metric LowCardinality(String) materialized
    if(position(properties, '"metric_name"') > 0
       and JSONType(properties, 'metric_value') in ('Int64', 'UInt64', 'Double'),
       JSONExtractString(properties, 'metric_name'), '');
alter table events add column if not exists metric_value Float64 materialized
    if(metric = '', 0., JSONExtractFloat(properties, 'metric_value'));
alter table events add column if not exists metric_type LowCardinality(String) materialized
    if(metric = '', '',
       if(JSONExtractString(properties, 'metric_type') in ('counter', 'histogram', 'summary', 'rate'),
          JSONExtractString(properties, 'metric_type'), 'gauge'));
alter table events add column if not exists metric_unit LowCardinality(String) materialized
    if(metric = '', '', JSONExtractString(properties, 'unit'));
alter table events add column if not exists metric_tags Map(String, String) materialized
    if(metric = '', map(), JSONExtract(properties, 'tags', 'Map(String, String)'));
alter table events add index if not exists by_metric metric type set(64) granularity 4;
alter table events materialize column metric;
alter table events materialize column metric_value;
alter table events materialize column metric_type;
alter table events materialize column metric_unit;
alter table events materialize column metric_tags;
alter table events materialize index by_metric;
