-- What follows from the properties is a default from here on, no longer a materialized column: those are worked out at
-- every insert, whether or not anything follows. Whoever inserts many events says where nothing does, and who changes
-- properties says what follows then (store/intake/derived.py, where these expressions stand once more).
alter table events
    modify column kind LowCardinality(String) default
        multiIf(position(properties, '"model_provider"') > 0, 'model_usage',
                position(properties, '"metric_name"') > 0, 'system_metric', ''),
    modify column measured String default
        if(kind != '' or type in ('api_request', 'api_error', 'experiment_assigned', 'experiment_exposed'),
           properties, '') codec(ZSTD(1)),
    modify column metric LowCardinality(String) default
        if(position(properties, '"metric_name"') > 0
           and JSONType(properties, 'metric_value') in ('Int64', 'UInt64', 'Double'),
           JSONExtractString(properties, 'metric_name'), ''),
    modify column metric_value Float64 default
        if(metric = '', 0., JSONExtractFloat(properties, 'metric_value')),
    modify column metric_type LowCardinality(String) default
        if(metric = '', '',
           if(JSONExtractString(properties, 'metric_type') in ('counter', 'histogram', 'summary', 'rate'),
              JSONExtractString(properties, 'metric_type'), 'gauge')),
    modify column metric_unit LowCardinality(String) default
        if(metric = '', '', JSONExtractString(properties, 'unit')),
    modify column metric_tags Map(String, String) default
        if(metric = '', map(), JSONExtract(properties, 'tags', 'Map(String, String)'));
