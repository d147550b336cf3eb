-- How far the network depends on fewer operators than it seems to have. One row per closed period, over the 7 days up to
-- its end, or what there is of them: capacity and uptime are sums over these, served is their units.
create table network_dependency (
    period                bigint primary key references network_period on delete cascade,
    first_period          bigint not null, -- of the 7 days
    effective_capacity    double precision, -- D2 = 1 / HHI of capacity; null when there is none
    effective_available   double precision, -- D2 of capacity × uptime; null when nobody was observed
    effective_served      double precision, -- D2 of served units; null when nothing was served
    dependency            double precision, -- Δ = ln D2(capacity) - ln D2(served)
    dependency_reliability double precision, -- ln D2(capacity) - ln D2(capacity × uptime): because operators are down
    dependency_routing    double precision, -- ln D2(capacity × uptime) - ln D2(served): because work goes elsewhere
    operators             int    not null, -- with capacity at the end of the period
    reliable_operators    int    not null, -- of these, the effective reliable set: see `operator_reliability.reliable`
    reliable_share        double precision, -- its part of capacity; null when there is none
    reliable_effective    double precision, -- D2 of its capacity; null when it is empty
    demand                uint256,          -- capacity that open work takes at the end of the period; null where the source tells none
    liveness_nakamoto     int,              -- least k without whose largest the rest of capacity × uptime is below demand; null when there is none
    left_shares           double precision[] not null, -- element k: part of capacity × uptime left without the k largest; up to 10
    quorum_availability   double precision, -- probability that more than two thirds of the operators are up, if independent; by uptime of 30 days
    shock_domain          bytes32,          -- domain with most capacity; null when none is declared
    quorum_availability_shocked double precision -- the same when all of that domain are down
);

-- The core: the smallest set of operators with more than half of the units served in the 7 days up to a period's end, and how
-- it changed since the 7 days before. No figure when nothing was served.
create table network_core (
    period     bigint primary key references network_period on delete cascade,
    size       int    not null, -- 0 when nothing was served
    share      double precision, -- of units; null when nothing was served
    entered    int,    -- not in the core 7 days ago; null before there is one, as the next three
    left_core  int,    -- in it 7 days ago, and not now
    jaccard    double precision, -- common members of all members
    rbo        double precision, -- rank-biased overlap of the whole ranking by units, p = 0.9
    tenure_periods double precision -- mean periods for which the members have been in it without interruption
);

-- Members of the core of a closed period.
create table core_member (
    period       bigint  not null references network_period on delete cascade,
    operator     address not null,
    rank         int     not null, -- from 1, by units and then by address
    units        uint256 not null, -- of the 7 days
    share        double precision not null, -- of all units
    since_period bigint  not null, -- from which on it has been in the core
    primary key (period, operator)
);
