-- Reliability of the network as a whole, one row per closed period. Columns in `_total` sum this period and all before it.
create table network_reliability (
    period               bigint primary key references network_period on delete cascade,
    method_version       int    not null, -- by whose definitions all rows of the period were derived
    incidents            int    not null, -- that began in it
    incidents_total      bigint not null,
    incidents_open       int    not null, -- at its end, of operators with a row for the period
    missed_total         bigint not null,
    common_missed_total  bigint not null, -- in common mode
    mttr_slots           double precision, -- missed_total / incidents_total; null without incidents
    common_slots         int    not null, -- in common mode anywhere
    common_slots_total   bigint not null,
    onset_steps_total    bigint not null, -- as in `operator_reliability`, of all operators, as the next three
    onsets_total         bigint not null,
    recovery_steps_total bigint not null,
    recoveries_total     bigint not null,
    slots_total          bigint not null, -- slots in which anybody was observed
    misses_squared_total bigint not null, -- Σ over slots of (operators that missed it)²
    variance_ratio       double precision, -- 7 days: Var(misses of a slot) / Σ p(1-p); 1 when outages are independent; null when nobody missed
    warming_up           int    not null, -- operators none of whose detectors has a baseline yet
    watching             int    not null, -- operators that are neither warming up nor alarmed
    alarmed              int    not null, -- operators with an alarmed channel
    drift_alarms         int    not null, -- rows of `drift_alarm` in the period
    drift_alarms_total   bigint not null,
    expected_false_alarms_total double precision not null -- at most so many of all alarms of operators were expected without any drift
);

-- Operators that were down together, from the 7 days up to the end of a period that ends a week, those of the highest lift:
-- how many times more often than if they failed independently. Of the 32 operators that missed most.
create table correlated_pair (
    period    bigint  not null references network_period on delete cascade,
    operator  address not null, -- the lower address
    other     address not null,
    observed  int     not null, -- slots in which both were
    missed    int     not null, -- of these, by the first
    other_missed int  not null, -- by the other
    both_missed  int  not null,
    lift      double precision not null, -- both_missed × observed / (missed × other_missed)
    primary key (period, operator, other)
);
