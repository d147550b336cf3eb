-- One row per `OperatorRegistered` log.
create table operator_registered (
    block_number   bigint  not null references block on delete cascade,
    log_index      int     not null,
    tx_hash        bytes32 not null,
    operator       address not null,
    operator_index bigint  not null, -- position in the uptime bitmaps
    primary key (block_number, log_index)
);

create unique index on operator_registered (operator);
create unique index on operator_registered (operator_index);

-- One row per `KeyRotated` log.
create table key_rotated (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    previous_key address not null, -- zero at registration
    key          address not null,
    primary key (block_number, log_index)
);

create index on key_rotated (operator, block_number, log_index);

-- One row per `SettlerChanged` log.
create table settler_changed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    settler_key  address not null, -- zero when none
    primary key (block_number, log_index)
);

-- One row per `PayoutChanged` log.
create table payout_changed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    payout       address not null,
    primary key (block_number, log_index)
);

-- One row per `EndpointChanged` log.
create table endpoint_changed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    domain       bytes32 not null, -- ASCII label padded with zeros, as declared
    endpoint     text    not null,
    primary key (block_number, log_index)
);

-- One row per `CommissionAnnounced` log.
create table commission_announced (
    block_number   bigint  not null references block on delete cascade,
    log_index      int     not null,
    tx_hash        bytes32 not null,
    operator       address not null,
    commission_bps int     not null,
    effective_at   uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

-- One row per `ModelServed` log.
create table model_served (
    block_number   bigint  not null references block on delete cascade,
    log_index      int     not null,
    tx_hash        bytes32 not null,
    operator       address not null,
    model_id       bytes32 not null,
    version        bigint  not null,
    royalty_bps    int     not null,
    price_per_unit uint256 not null, -- fee-token base units
    primary key (block_number, log_index)
);

-- One row per `ModelUnserved` log.
create table model_unserved (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    model_id     bytes32 not null,
    primary key (block_number, log_index)
);

-- One row per `OperatorJailed` log.
create table operator_jailed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    until        uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

create index on operator_jailed (operator, block_number, log_index);

-- One row per `OperatorUnjailed` log.
create table operator_unjailed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    primary key (block_number, log_index)
);

-- One row per `OperatorExited` log.
create table operator_exited (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    primary key (block_number, log_index)
);

create index on operator_exited (operator);

-- One row per `OperatorTombstoned` log: out of service for ever, for a fault.
create table operator_tombstoned (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    primary key (block_number, log_index)
);

create index on operator_tombstoned (operator);

-- One row per `OperatorRegistryConfigured` log: the parameters of the registry.
create table operator_registry_configured (
    block_number     bigint  not null references block on delete cascade,
    log_index        int     not null,
    tx_hash          bytes32 not null,
    model_registry   address not null,
    stake_vault      address not null,
    commission_delay uint64  not null, -- seconds
    primary key (block_number, log_index)
);
