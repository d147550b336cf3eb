-- State of the two detectors of each operator at the end of a closed period: one-sided log-likelihood CUSUMs in which a
-- step adds ln(p1/p0) on an event and ln((1-p1)/(1-p0)) otherwise, and which never fall below zero.
--   onset     outages begin more often: steps are slots at risk, p1 = min(0.5, 5 p0)
--   duration  outages last longer: steps are slots in an outage, the event is recovery, p1 = p0 / 3
-- A row for each operator of `operator_period`.
create table operator_drift (
    period           bigint  not null references network_period on delete cascade,
    operator         address not null,
    channel          text    not null check (channel in ('onset', 'duration')),
    state            text    not null check (state in ('warming_up', 'watching', 'alarmed')),
    since_period     bigint  not null, -- first of the uninterrupted run of this state
    statistic        double precision not null, -- 0 while warming up and after an alarm
    threshold        double precision not null, -- ln(operators × slots of 30 days): at most one expected false alarm of the channel in 30 days
    baseline_rate    double precision, -- p0, of the history without the last 7 days; null while warming up, frozen while alarmed
    alternative_rate double precision, -- p1; null while warming up
    baseline_steps   bigint  not null, -- behind the baseline
    baseline_events  bigint  not null, -- onsets or recoveries among them
    alarm_period     bigint,           -- of the newest alarm; null when there was none
    primary key (operator, channel, period)
);

create index on operator_drift (period);

-- One row per crossing of the threshold by a detector of an operator; its statistic begins at zero again.
create table drift_alarm (
    period           bigint  not null references network_period on delete cascade,
    slot             int     not null, -- whose step crossed it
    operator         address not null,
    channel          text    not null check (channel in ('onset', 'duration')),
    at               bigint  not null, -- unix seconds, end of that slot
    statistic        double precision not null,
    threshold        double precision not null,
    baseline_rate    double precision not null,
    alternative_rate double precision not null,
    renewed          boolean not null, -- the channel was alarmed already: the same drift, still there
    primary key (period, slot, operator, channel)
);

create index on drift_alarm (operator, period, slot, channel);
