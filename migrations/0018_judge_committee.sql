-- One row per `CommitteeRequested` log: judges of a case were asked for.
create table committee_requested (
    block_number   bigint  not null references block on delete cascade,
    log_index      int     not null,
    tx_hash        bytes32 not null,
    case_id        uint256 not null,
    round          uint64  not null, -- whose seed draws them
    operator_count bigint  not null, -- operators with an index below it can be drawn
    domain         bytes32 not null, -- failure domain of the accused, whence no judge comes
    operator       address not null, -- accused
    challenger     address not null, -- zero in an audit
    model_id       bytes32 not null,
    output_hash    bytes32 not null, -- that the receipt claims
    exact          boolean not null, -- three must agree on another output to find it wrong
    commit_window  bigint  not null, -- seconds
    reveal_window  bigint  not null, -- seconds
    primary key (block_number, log_index)
);

create unique index on committee_requested (case_id);

-- One row per `CommitteeReseeded` log: the seed was lost, that of `round` draws instead.
create table committee_reseeded (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    case_id      uint256 not null,
    round        uint64  not null,
    primary key (block_number, log_index)
);

-- One row per `JudgesDrawn` log. No members, and both times zero, where too few were found: nobody judges then.
create table judges_drawn (
    block_number bigint    not null references block on delete cascade,
    log_index    int       not null,
    tx_hash      bytes32   not null,
    case_id      uint256   not null,
    seed         bytes32   not null,
    members      bytea[]   not null, -- addresses in the order of seats
    caps         numeric[] not null, -- slashable stake of each, stake token
    commit_until uint64    not null, -- unix seconds
    reveal_until uint64    not null, -- unix seconds
    primary key (block_number, log_index)
);

create unique index on judges_drawn (case_id);

-- One row per `VerdictCommitted` log.
create table verdict_committed (
    block_number bigint   not null references block on delete cascade,
    log_index    int      not null,
    tx_hash      bytes32  not null,
    member       address  not null,
    case_id      uint256  not null,
    seat         smallint not null,
    commitment   bytes32  not null,
    primary key (block_number, log_index)
);

create unique index on verdict_committed (case_id, seat);
create index on verdict_committed (member, block_number, log_index);

-- One row per `VerdictRevealed` log.
create table verdict_revealed (
    block_number bigint   not null references block on delete cascade,
    log_index    int      not null,
    tx_hash      bytes32  not null,
    member       address  not null,
    case_id      uint256  not null,
    seat         smallint not null,
    output_hash  bytes32  not null, -- that of the receipt when the judge finds it right
    primary key (block_number, log_index)
);

create unique index on verdict_revealed (case_id, seat);
create index on verdict_revealed (member, block_number, log_index);

-- One row per `JudgeCommitteeConfigured` log.
create table judge_committee_configured (
    block_number      bigint  not null references block on delete cascade,
    log_index         int     not null,
    tx_hash           bytes32 not null,
    operator_registry address not null,
    stake_vault       address not null,
    randomness        address not null,
    primary key (block_number, log_index)
);
