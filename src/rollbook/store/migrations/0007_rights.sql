-- erasing: who is being erased just now (`user`), and the expressions that find their names in other people's texts
-- (`text`, by kind). In memory only: a mutation's file names this table, and so never a person. What a crash takes from
-- it, the erasure that goes on puts back.
create table erasing
(
    user String,
    kind String,
    text String
)
engine = Memory;
-- correcting: what is right of some events, while it is written into them. In memory only, as above.
create table correcting
(
    id         String,
    score      Nullable(Float64),
    duration   Nullable(Float64),
    properties String
)
engine = Memory;
-- Parts that a merge or an erasure has replaced leave the disk within seconds, not within the default's half a minute.
-- Attached anew, a table begins with that at once.
alter table events modify setting
    cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 5;
detach table events;
attach table events;
alter table activity modify setting
    cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 5;
detach table activity;
attach table activity;
alter table learner_days modify setting
    cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 5;
detach table learner_days;
attach table learner_days;
alter table people modify setting
    cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 5;
detach table people;
attach table people;
alter table dead_letters modify setting
    cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 5;
detach table dead_letters;
attach table dead_letters;
alter table message_texts modify setting
    cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 5;
detach table message_texts;
attach table message_texts;
alter table sealed_activity modify setting
    cleanup_delay_period = 5, cleanup_delay_period_random_add = 1, max_cleanup_delay_period = 5;
detach table sealed_activity;
attach table sealed_activity;
