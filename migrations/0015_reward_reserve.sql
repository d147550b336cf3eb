-- Periods are those of the uptime ledger. Their numbers are `numeric` where callers choose them.

-- One row per `SettlementBound` log: whose reserve it is.
create table settlement_bound (
    block_number     bigint  not null references block on delete cascade,
    log_index        int     not null,
    tx_hash          bytes32 not null,
    settlement       address not null,
    protocol_fee_bps int     not null,
    first_period     uint64  not null, -- first that can be paid
    primary key (block_number, log_index)
);

-- One row per `RewardParametersChanged` log: in force for periods from `first_period` on, until the next change's.
-- Previous values are zero at deployment.
create table reward_parameters_changed (
    block_number        bigint  not null references block on delete cascade,
    log_index           int     not null,
    tx_hash             bytes32 not null,
    first_period        uint64  not null,
    previous_wage       uint256 not null,
    previous_domain_bps int     not null,
    previous_refill_bps int     not null,
    wage                uint256 not null, -- fee-token base units an hour for each bond of available collateral
    domain_bps          int     not null, -- most of a release that one failure domain gets
    refill_bps          int     not null, -- most of a surplus that the reserve keeps of its protocol fees
    primary key (block_number, log_index)
);

-- One row per `OperatorEnrolled` log; the newest of an operator and period counts.
create table operator_enrolled (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    period       uint64  not null,
    collateral   uint256 not null, -- stake token
    primary key (block_number, log_index)
);

create index on operator_enrolled (operator, block_number, log_index);

-- One row per `AvailabilityReported` log.
create table availability_reported (
    block_number     bigint  not null references block on delete cascade,
    log_index        int     not null,
    tx_hash          bytes32 not null,
    operator         address not null,
    period           uint64  not null,
    domain           bytes32 not null, -- failure domain as declared then
    availability_bps uint256 not null, -- paid part of availability
    weight           uint256 not null, -- available collateral, stake token
    primary key (block_number, log_index)
);

create unique index on availability_reported (operator, period);
create index on availability_reported (period);

-- One row per `PeriodClosed` log: what a period's wages and fees released from the reserve or burned of it; fee token.
create table period_closed (
    block_number  bigint  not null references block on delete cascade,
    log_index     int     not null,
    tx_hash       bytes32 not null,
    period        uint64  not null,
    weight        uint256 not null, -- sum of weights, stake token
    wages         uint256 not null, -- of that weight
    protocol_fees uint256 not null, -- counted for the period
    received      uint256 not null, -- joined the reserve: protocol fees, seizures, gifts
    release       uint256 not null, -- set aside for claims
    burned        uint256 not null, -- set aside to be burned
    expires_at    uint64  not null, -- unix seconds until which rewards are claimed
    primary key (block_number, log_index)
);

create unique index on period_closed (period);

-- One row per `RewardClaimed` log: pay for uptime. What is distributed goes to the pool's stakers (`fees_distributed`).
create table reward_claimed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    period       uint64  not null,
    payout       address not null,
    paid         uint256 not null, -- fee token
    distributed  uint256 not null, -- fee token
    withheld     uint256 not null, -- could not be received and stays claimable, fee token
    primary key (block_number, log_index)
);

create index on reward_claimed (operator, block_number, log_index);

-- One row per `RewardsExpired` log: what nobody claimed went back into the reserve.
create table rewards_expired (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    period       uint64  not null,
    amount       uint256 not null, -- fee token
    primary key (block_number, log_index)
);

-- One row per `SurplusBurned` log.
create table surplus_burned (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    amount       uint256 not null, -- fee token
    primary key (block_number, log_index)
);

-- One row per `RewardReserveConfigured` log: the parameters of the reserve; durations in seconds.
create table reward_reserve_configured (
    block_number      bigint  not null references block on delete cascade,
    log_index         int     not null,
    tx_hash           bytes32 not null,
    uptime_ledger     address not null,
    operator_registry address not null,
    stake_vault       address not null,
    fee_token         address not null,
    bond              uint256 not null, -- collateral that one wage is for, stake token
    report_seconds    uint64  not null, -- in which availability is reported, from when a result is final
    claim_seconds     uint64  not null, -- in which rewards are claimed, from when a period is closed
    primary key (block_number, log_index)
);
