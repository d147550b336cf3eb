-- State of the detectors of the whole network at the end of a period that ends a week: a two-sided EWMA (λ = 0.1) of the weekly
-- value, standardised by its own history without the last 4 weeks; its limit is 2.55 standard deviations of such an EWMA,
-- by a block bootstrap of that history.
--   effective_operators  ln D2 of served units
--   dependency           Δ of `network_dependency`
create table network_drift (
    period       bigint not null references network_period on delete cascade,
    channel      text   not null check (channel in ('effective_operators', 'dependency')),
    state        text   not null check (state in ('warming_up', 'watching', 'alarmed')),
    since_period bigint not null, -- first of the uninterrupted run of this state
    value        double precision, -- of the week; null when it has none: then nothing else changes
    mean         double precision, -- of the history; null while warming up, frozen while alarmed, as the next two
    deviation    double precision, -- standard deviation of the history, at least 0.02
    threshold    double precision, -- |statistic| from which on it is an alarm
    statistic    double precision not null, -- EWMA of (value - mean) / deviation; 0 while warming up and after an alarm
    weeks        int    not null,  -- behind the history
    slope        double precision, -- Theil–Sen slope of up to 26 weekly values, per week; null with less than 3
    slope_low    double precision, -- 95 % interval; null with less than 8
    slope_high   double precision,
    alarm_period bigint,           -- of the newest alarm; null when there was none
    primary key (channel, period)
);

create index on network_drift (period);

-- One row per alarm of the whole network: a detector of `network_drift` crossed its threshold, or a run of slots in common mode
-- began.
create table network_alarm (
    period    bigint   not null references network_period on delete cascade,
    ordinal   smallint not null, -- within the period, in the order of `at`
    channel   text     not null check (channel in ('effective_operators', 'dependency', 'common_mode')),
    direction text     not null check (direction in ('up', 'down')), -- of the value
    at        bigint   not null, -- unix seconds, end of the slot or week
    slot      int,               -- first in common mode; null for detectors
    domain    bytes32,           -- in common mode; null for the whole network
    value     double precision not null, -- of the week; of the observed operators, the part that missed
    statistic double precision not null, -- in common mode the same as the value
    threshold double precision not null,
    renewed   boolean  not null, -- the channel was alarmed already
    primary key (period, ordinal)
);
