-- kind: what document 5's events are told by is in their properties; their type may be any. So that questions find the
-- few that they need, it is worked out once, when an event is written. It may say yes where the name is only somewhere
-- inside: who reads the properties then sees. measured: the properties of these, and of requests and exposures, once
-- more, so that nobody's else have to be read to get at them.
alter table events add column if not exists kind LowCardinality(String)
    materialized multiIf(position(properties, '"model_provider"') > 0, 'model_usage',
                         position(properties, '"metric_name"') > 0, 'system_metric', '');

alter table events add column if not exists measured String
    materialized if(kind != '' or type in ('api_request', 'api_error', 'experiment_assigned', 'experiment_exposed'),
                    properties, '') codec(ZSTD(1));

alter table events materialize column kind settings mutations_sync = 0;

alter table events materialize column measured settings mutations_sync = 0;
