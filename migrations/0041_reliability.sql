-- Reliability, service and incidents of operators; written when a period closes, like `operator_period`, for the same
-- operators. Columns in `_total` sum this period and all before it: any window is the difference of two rows.
--
-- A slot is in common mode when at least two and more than 30 % of the observed operators of the network, or of a failure
-- domain, missed it. Detectors take no step in it for the operators concerned.

-- An operator's run of slots up to the end of a closed period.
create table operator_reliability (
    period               bigint  not null references network_period on delete cascade,
    operator             address not null,
    first_period         bigint  not null, -- first that has a row of it
    up                   boolean,          -- in its newest observed slot; null when it was never observed
    incidents            int     not null, -- that began in the period
    incidents_total      bigint  not null,
    missed_total         bigint  not null, -- observed slots in which it was down
    common_missed_total  bigint  not null, -- of these, in common mode
    mttr_slots           double precision, -- missed_total / incidents_total: mean slots to recovery; null without incidents
    open_period          bigint,           -- where the incident that is open began; null when none is
    open_slot            int,              -- likewise
    open_missed          int     not null, -- slots missed in the open incident so far
    open_common_missed   int     not null, -- of these, in common mode
    onset_steps_total    bigint  not null, -- observed slots after one in which it was up, common mode left out
    onsets_total         bigint  not null, -- of these, missed
    recovery_steps_total bigint  not null, -- observed slots after one in which it was down, common mode left out
    recoveries_total     bigint  not null, -- of these, hit
    decayed_hit          double precision not null, -- hits with a half-life of 14 days
    decayed_missed       double precision not null, -- misses likewise
    score                double precision, -- decayed_hit / (decayed_hit + decayed_missed); null when never observed
    score_low            double precision, -- lower 95 % bound, a quantile of the beta distribution
    reliable             boolean,          -- uptime of 30 days: lower 95 % bound ≥ 0.95 and coverage ≥ 0.8; null without observations
    primary key (operator, period),
    check ((open_period is null) = (open_slot is null) and (open_period is null) = (open_missed = 0))
);

create index on operator_reliability (period);

-- What an operator could carry and what it did, in a closed period and up to its end; units and fees are in `operator_period`.
create table operator_service (
    period                  bigint  not null references network_period on delete cascade,
    operator                address not null,
    owner                   address not null, -- who is paid for it
    domain                  bytes32,          -- declared failure domain; null when none is
    capacity                uint256 not null, -- see `network_concentration`
    available               uint256,          -- capacity times uptime; null when nobody was observed in the whole network
    capacity_total          uint256 not null,
    rewards                 uint256 not null, -- pay for uptime that it took, fee token
    rewards_total           uint256 not null,
    audits_total            bigint  not null, -- opened
    audits_passed_total     bigint  not null, -- closed with that verdict, as the next three
    audits_failed_total     bigint  not null,
    audits_withheld_total   bigint  not null,
    audits_undecided_total  bigint  not null, -- inconclusive or voided
    faults_downtime_total   bigint  not null, -- punished, as the next five
    faults_withheld_total   bigint  not null,
    faults_wrong_total      bigint  not null,
    faults_equivocation_total bigint not null,
    faults_report_total     bigint  not null,
    faults_unrevealed_total bigint  not null,
    settle_lags_total       bigint  not null, -- audited receipts whose time of serving is known
    settle_lag_seconds_total bigint not null, -- from serving to the settlement of their batch, summed
    release_lags_total      bigint  not null, -- batches released
    release_lag_seconds_total bigint not null, -- from settlement to release, summed
    primary key (operator, period)
);

create index on operator_service (period);

-- Latencies that the judged receipts of an operator claim, up to the end of a period in which one was judged; receipts are
-- off chain but for these. Element i counts latencies of [2^((i-1)/4), 2^(i/4)) ms, the first also shorter ones.
create table operator_latency (
    period       bigint   not null references network_period on delete cascade,
    operator     address  not null,
    counts_total bigint[] not null, -- as long as the longest latency needs
    primary key (operator, period)
);

create index on operator_latency (period);

-- An incident of an operator: a maximal run of missed observed slots; slots that nobody observed neither end nor lengthen it.
create table incident (
    operator    address not null,
    period      bigint  not null references network_period on delete cascade, -- in which it began
    slot        int     not null, -- that was missed first, position in the period from 0
    started_at  bigint  not null, -- unix seconds, begin of that slot
    domain      bytes32,          -- of the operator; null when none is declared
    common_mode boolean not null, -- that slot was in common mode
    primary key (operator, period, slot)
);

create index on incident (period, slot);

-- The end of an incident; one without is open. A closed period that ends it comes with a row here.
create table incident_end (
    operator      address not null,
    period        bigint  not null, -- as in `incident`
    slot          int     not null,
    ended_period  bigint  not null references network_period on delete cascade,
    ended_slot    int     not null, -- observed slot in which it was up again
    ended_at      bigint  not null, -- unix seconds, begin of that slot
    missed        int     not null check (missed > 0),
    common_missed int     not null, -- of these, in common mode
    primary key (operator, period, slot),
    foreign key (operator, period, slot) references incident on delete cascade
);

create index on incident_end (ended_period);

-- One row per slot and scope in common mode.
create table common_mode_slot (
    period   bigint  not null references network_period on delete cascade,
    slot     int     not null,
    domain   bytes32 not null, -- zero for the whole network
    observed int     not null, -- operators
    missed   int     not null,
    onset    boolean not null, -- the slot before was not in common mode in the same scope
    primary key (period, slot, domain)
);
