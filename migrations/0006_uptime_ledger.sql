-- One row per `DrawRequested` log.
create table draw_requested (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    period       bigint  not null,
    draw_block   uint64  not null,
    primary key (block_number, log_index)
);

create index on draw_requested (period);

-- One row per `CommitteeDrawn` log.
create table committee_drawn (
    block_number   bigint   not null references block on delete cascade,
    log_index      int      not null,
    tx_hash        bytes32  not null,
    period         bigint   not null,
    seed           bytes32  not null,
    operator_count bigint   not null, -- operators with an index below it are expected
    members        bigint[] not null, -- operator indices in the order of seats
    primary key (block_number, log_index)
);

create unique index on committee_drawn (period);

-- One row per `PeriodReported` log; the newest of a period is its result.
-- Bitmaps are big-endian 32-byte words: word `slot * words + w` holds operators `256 w` (lowest bit) to `256 w + 255`.
create table period_reported (
    block_number   bigint   not null references block on delete cascade,
    log_index      int      not null,
    tx_hash        bytes32  not null,
    period         bigint   not null,
    poster         address  not null,
    seats          smallint not null, -- bit set: that member's report was counted
    result_hash    bytes32  not null,
    observed       bytea    not null check (length(observed) % 32 = 0),
    up             bytea    not null check (length(up) = length(observed)),
    evidence_roots bytea    not null check (length(evidence_roots) % 32 = 0),
    primary key (block_number, log_index)
);

create index on period_reported (period, block_number, log_index);

-- One row per `UptimeLedgerConfigured` log: the schedule of periods.
create table uptime_ledger_configured (
    block_number      bigint  not null references block on delete cascade,
    log_index         int     not null,
    tx_hash           bytes32 not null,
    operator_registry address not null,
    genesis           uint64  not null, -- unix seconds at which period 0 begins
    slot_seconds      bigint  not null,
    slots_per_period  bigint  not null,
    report_window     uint64  not null, -- seconds
    primary key (block_number, log_index)
);
