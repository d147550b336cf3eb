-- One row per closed period: the ledger's result can no longer be replaced. The block that closed it is the first whose
-- timestamp is past the report window. Stake is as of the period's end, units and fees are those settled in it.
-- A ratio without observations is null. Columns in `_total` sum this period and all before it.
create table network_period (
    period          bigint  primary key check (period >= 0),
    closed_by_block bigint  not null references block on delete cascade,
    starts_at       bigint  not null, -- unix seconds
    ends_at         bigint  not null, -- unix seconds, exclusive
    slots           int     not null,
    drawn           boolean not null, -- a committee was drawn
    reports         int     not null, -- reports behind the result, 0 when none was posted
    operators       bigint  not null, -- expected in it
    expected        bigint  not null, -- slots of all expected operators
    observed        bigint  not null,
    hit             bigint  not null,
    missed          bigint  not null,
    uptime          double precision, -- hit / observed
    coverage        double precision, -- observed / expected
    units           uint256 not null,
    fees            uint256 not null,
    stake           uint256 not null, -- active stake of all operators
    expected_total  bigint  not null,
    observed_total  bigint  not null,
    hit_total       bigint  not null,
    units_total     uint256 not null,
    fees_total      uint256 not null,
    check (observed = hit + missed and observed <= expected)
);

create index on network_period (closed_by_block);

-- One row per closed period and operator that was expected in it, held stake at its end or settled something in it.
-- Expected is who can be punished: active from the period's first second to its last and, where a committee was drawn,
-- counted in the draw.
create table operator_period (
    period          bigint  not null references network_period on delete cascade,
    operator        address not null,
    expected        int     not null, -- slots, 0 when the operator was not expected
    observed        int     not null,
    hit             int     not null,
    missed          int     not null,
    unobserved      int     not null,
    observed_slots  varbit  not null, -- one bit for each slot, the first slot leftmost
    up_slots        varbit  not null, -- likewise; set only where observed
    uptime          double precision, -- hit / observed
    uptime_low      double precision, -- 95 % Wilson interval
    uptime_high     double precision,
    units           uint256 not null,
    fees            uint256 not null,
    stake_own       uint256 not null,
    stake_delegated uint256 not null,
    stake_thawing   uint256 not null,
    expected_total  bigint  not null,
    observed_total  bigint  not null,
    hit_total       bigint  not null,
    units_total     uint256 not null,
    fees_total      uint256 not null,
    primary key (operator, period),
    check (observed = hit + missed and expected = observed + unobserved),
    check (bit_length(observed_slots) = expected and bit_length(up_slots) = expected)
);

create index on operator_period (period);

-- Concentration among the operators that have a row for a closed period, by active stake, served units and fees.
-- All null when the total is zero. Nakamoto: the least k operators that together hold strictly more than the fraction.
create table network_concentration (
    period              bigint  not null references network_period on delete cascade,
    basis               text    not null check (basis in ('stake', 'units', 'fees')),
    total               uint256 not null,
    top1_share          double precision,
    top3_share          double precision,
    hhi                 double precision,
    effective_operators double precision, -- D2 = 1 / HHI
    gini                double precision,
    nakamoto_third      int,
    nakamoto_half       int,
    nakamoto_two_thirds int,
    primary key (period, basis)
);
