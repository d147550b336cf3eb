-- One row per `BatchDrawn` log: a batch was released at once, or is audited in a case.
create table batch_drawn (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    batch_id     uint256 not null,
    case_id      uint256 not null, -- zero when it was released
    round        uint64  not null,
    seed         bytes32 not null, -- zero when that of the round was lost, which makes an audit certain
    probability  uint256 not null, -- that it was drawn with, a fraction of 1e18
    primary key (block_number, log_index)
);

create unique index on batch_drawn (batch_id);
create index on batch_drawn (operator, block_number, log_index);

-- One row per `AuditOpened` log.
create table audit_opened (
    block_number       bigint  not null references block on delete cascade,
    log_index          int     not null,
    tx_hash            bytes32 not null,
    operator           address not null,
    case_id            uint256 not null,
    batch_id           uint256 not null,
    round              uint64  not null, -- whose seed decides which leaf is audited; zero when that is decided
    principal_cap      uint256 not null, -- most that a verdict can take, stake token
    parameters_version bigint  not null,
    primary key (block_number, log_index)
);

create unique index on audit_opened (case_id);
create index on audit_opened (operator, block_number, log_index);

-- One row per `AuditReseeded` log: the seed was lost too, that of `round` decides.
create table audit_reseeded (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    case_id      uint256 not null,
    round        uint64  not null,
    primary key (block_number, log_index)
);

-- One row per `LeafRequested` log: what lies at the end of the path must be shown.
create table leaf_requested (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    case_id      uint256 not null,
    path         bytes32 not null, -- bit i from the lowest says where to go at depth i: 1 to the larger hash
    deadline     uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

create unique index on leaf_requested (case_id);

-- One row per `DeadlineExtended` log: too much of the network was missed in `period`.
create table deadline_extended (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    case_id      uint256 not null,
    period       bigint  not null,
    deadline     uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

create unique index on deadline_extended (case_id, period);

-- One row per `LeafAnswered` log.
create table leaf_answered (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    case_id      uint256 not null,
    responder    address not null,
    primary key (block_number, log_index)
);

create unique index on leaf_answered (case_id);

-- One row per `AuditManagerConfigured` log.
create table audit_manager_configured (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    case_docket  address not null,
    randomness   address not null,
    primary key (block_number, log_index)
);
