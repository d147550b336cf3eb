-- One row per `MultiplierUpdated` log: what multiplies the probability of audits, and the signs of stress measured;
-- basis points.
create table multiplier_updated (
    block_number  bigint  not null references block on delete cascade,
    log_index     int     not null,
    tx_hash       bytes32 not null,
    previous_bps  uint256 not null,
    current_bps   uint256 not null, -- 10,000 to 50,000
    stress_bps    uint256 not null, -- the worst of the signs, each scaled
    utilisation   uint256 not null, -- open risk over what coverage admits
    price_fall    uint256 not null, -- of the stake's spot price below its average
    exit_queue    uint256 not null, -- thawing stake over all stake
    missed        uint256 not null, -- operator-slots missed over those observed
    backlog       uint256 not null, -- open cases over what auditors keep up with
    lost_disputes uint256 not null, -- cases lost over cases closed and batches drawn
    primary key (block_number, log_index)
);

-- One row per `StressParametersChanged` log; previous values are zero at deployment.
create table stress_parameters_changed (
    block_number              bigint  not null references block on delete cascade,
    log_index                 int     not null,
    tx_hash                   bytes32 not null,
    previous_step             uint64  not null,
    previous_backlog_capacity bigint  not null,
    step                      uint64  not null, -- least seconds between two updates
    backlog_capacity          bigint  not null, -- open cases that auditors are expected to keep up with
    primary key (block_number, log_index)
);

-- One row per `StressGaugeConfigured` log.
create table stress_gauge_configured (
    block_number  bigint  not null references block on delete cascade,
    log_index     int     not null,
    tx_hash       bytes32 not null,
    stake_vault   address not null,
    price_oracle  address not null, -- zero where fees are paid in the stake token
    faults        address not null,
    uptime_ledger address not null,
    primary key (block_number, log_index)
);
