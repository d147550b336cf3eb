-- Whether uptime is still paid for, one row per closed period; amounts in fee token. Nulls where the source has no reserve or
-- price.
create table network_incentive (
    period            bigint primary key references network_period on delete cascade,
    reserve           uint256,          -- what the reserve could release at the period's end
    wages             uint256,          -- reward target: of the reserve's periods closed in it (`period_closed`), as the next three
    protocol_fees     uint256,
    received          uint256,          -- joined the reserve: protocol fees, seizures, gifts
    released          uint256,          -- set aside for claims
    wages_total       uint256,          -- up to here, as the next three
    protocol_fees_total uint256,
    received_total    uint256,
    released_total    uint256,
    runway_periods    double precision, -- reserve / net release a period over 30 days; null when it does not shrink
    fee_coverage      double precision, -- protocol fees / wages over 30 days: above 1 the network pays for itself
    operators         int    not null,  -- in service at the end
    entered           int    not null,  -- operators in service now, and not in the period before
    exited            int    not null,  -- the reverse
    exit_rate         double precision, -- exited / in service in the period before; null without any
    exited_total      bigint not null,
    thawing_share     double precision, -- thawing stake of all stake at the end; null without stake
    price             uint256,          -- newest observed by the end: fee-token base units for 1e18 stake-token base units
    price_change      double precision, -- ln of the price over that 30 days before
    uptime_change     double precision, -- uptime of 7 days less that of the 7 days which ended 30 days before
    price_elasticity  double precision, -- Theil–Sen slope of uptime on ln price, 30 days: above zero uptime falls when the price does
    price_elasticity_low double precision, -- 95 % interval of the slope
    price_elasticity_high double precision
);

-- Work of verification in a closed period by the mode of the models that were judged or served, and up to its end; `unknown`
-- for cases that ended before the model was known. Gas is in no log.
create table network_verification (
    period             bigint  not null references network_period on delete cascade,
    mode               text    not null check (mode in ('reexecution', 'tolerance', 'attested', 'proof', 'unknown')),
    units              uint256 not null, -- settled
    units_total        uint256 not null,
    fees_total         uint256 not null,
    judgements         bigint  not null, -- begun, of audits and challenges
    judgements_total   bigint  not null,
    verdicts           bigint  not null, -- revealed by members of committees
    verdicts_total     bigint  not null,
    failed_total       bigint  not null, -- closed cases in which the receipt was wrong
    withheld_total     bigint  not null, -- closed cases in which it was not shown
    judgements_per_1000_units double precision, -- over 30 days; null when nothing was settled, as the next
    verdicts_per_1000_units   double precision,
    primary key (period, mode)
);
