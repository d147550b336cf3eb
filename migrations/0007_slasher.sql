-- One row per `DowntimePunished` log.
create table downtime_punished (
    block_number    bigint  not null references block on delete cascade,
    log_index       int     not null,
    tx_hash         bytes32 not null,
    operator        address not null,
    period          bigint  not null,
    reporter        address not null,
    observed_slots  bigint  not null,
    missed_slots    bigint  not null,
    strikes         bigint  not null,
    earnings_taken  uint256 not null, -- fee token, with the reporter's cut
    principal_taken uint256 not null, -- stake token, with the reporter's cut
    jailed_until    uint64  not null, -- unix seconds, zero when not jailed
    primary key (block_number, log_index)
);

create index on downtime_punished (operator, block_number, log_index);

-- One row per `DowntimePenaltyChanged` log.
create table downtime_penalty_changed (
    block_number              bigint  not null references block on delete cascade,
    log_index                 int     not null,
    tx_hash                   bytes32 not null,
    previous_earnings_bps     int     not null,
    previous_principal_bps    int     not null,
    previous_reporter_cut_bps int     not null,
    previous_repeat_after     int     not null,
    previous_memory_periods   bigint  not null,
    previous_jail_seconds     uint64  not null,
    earnings_bps              int     not null,
    principal_bps             int     not null,
    reporter_cut_bps          int     not null,
    repeat_after              int     not null,
    memory_periods            bigint  not null,
    jail_seconds              uint64  not null,
    primary key (block_number, log_index)
);

-- One row per `SlasherConfigured` log: what the slasher is wired to.
create table slasher_configured (
    block_number         bigint  not null references block on delete cascade,
    log_index            int     not null,
    tx_hash              bytes32 not null,
    uptime_ledger        address not null,
    operator_registry    address not null,
    stake_vault          address not null,
    inference_settlement address not null,
    evidence_window      uint64  not null, -- seconds
    primary key (block_number, log_index)
);
