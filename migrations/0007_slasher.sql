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
    evidence_window      uint64  not null, -- seconds after a period in which its downtime can be punished
    correlation_window   uint64  not null, -- seconds for which an operator's stake counts as at fault
    first_period         uint64  not null, -- whose downtime is punished
    primary key (block_number, log_index)
);

-- One row per `FaultPunished` log: an operator paid for a fault other than downtime.
create table fault_punished (
    block_number    bigint  not null references block on delete cascade,
    log_index       int     not null,
    tx_hash         bytes32 not null,
    operator        address not null,
    fault           text    not null
        check (fault in ('withheld', 'wrong_output', 'equivocation', 'false_report', 'unrevealed')),
    offence         bytes32 not null, -- identity of the deed: none is punished twice
    beneficiary     address not null, -- zero when nobody
    victim          address not null, -- zero when nobody
    earnings_taken  uint256 not null, -- fee token, with cut and refund
    principal_taken uint256 not null, -- stake token, with the cut
    jailed_until    uint64  not null, -- unix seconds, zero when not jailed
    tombstoned      boolean not null,
    primary key (block_number, log_index)
);

create unique index on fault_punished (offence);
create index on fault_punished (operator, block_number, log_index);

-- One row per `FaultTermsChanged` log: what a fault costs; basis points of 10,000. Previous terms are zero at deployment.
create table fault_terms_changed (
    block_number            bigint  not null references block on delete cascade,
    log_index               int     not null,
    tx_hash                 bytes32 not null,
    fault                   text    not null
        check (fault in ('withheld', 'wrong_output', 'equivocation', 'false_report', 'unrevealed')),
    previous_earnings_bps   int     not null,
    previous_principal_bps  int     not null,
    previous_correlated_bps int     not null,
    previous_cut_bps        int     not null,
    previous_tombstone      boolean not null,
    previous_jail_seconds   uint64  not null,
    earnings_bps            int     not null, -- of escrowed earnings
    principal_bps           int     not null, -- of the slashable pool
    correlated_bps          int     not null, -- added in full when a third of all stake is at fault
    cut_bps                 int     not null, -- of what is taken, to who proved the fault
    tombstone               boolean not null,
    jail_seconds            uint64  not null,
    primary key (block_number, log_index)
);

create index on fault_terms_changed (fault, block_number, log_index);

-- One row per `OutageWeighed` log: how much of a period was missed, and what that makes of its downtime penalties.
create table outage_weighed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    period       bigint  not null,
    missed_bps   bigint  not null, -- of observed operator-slots
    average_bps  bigint  not null, -- running average before it
    factor_bps   bigint  not null, -- 10,000 to 40,000
    primary key (block_number, log_index)
);

create unique index on outage_weighed (period);

-- One row per `StakeAtFaultCounted` log: the stake of an operator at fault, and all that is at fault now; stake token.
create table stake_at_fault_counted (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    stake        uint256 not null,
    at_fault     uint256 not null,
    total        uint256 not null, -- stake of all operators, thawing stake included
    primary key (block_number, log_index)
);

create index on stake_at_fault_counted (operator, block_number, log_index);
