-- Text of a log is stored as UTF-8; bytes that are none, and NUL, become U+FFFD.

-- One row per `ModelRegistered` log.
create table model_registered (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    publisher    address not null,
    model_id     bytes32 not null,
    parent       bytes32 not null, -- zero when none
    salt         bytes32 not null,
    primary key (block_number, log_index)
);

create unique index on model_registered (model_id);
create index on model_registered (parent);

-- One row per `VersionPublished` log.
create table version_published (
    block_number   bigint   not null references block on delete cascade,
    log_index      int      not null,
    tx_hash        bytes32  not null,
    model_id       bytes32  not null,
    version        bigint   not null,
    weights_digest bytes32  not null,
    mode           text     not null check (mode in ('reexecution', 'tolerance', 'attested', 'proof')),
    royalty_bps    int      not null,
    uri            text     not null,
    primary key (block_number, log_index)
);

create unique index on version_published (model_id, version);

-- One row per `ModelRetired` log.
create table model_retired (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    model_id     bytes32 not null,
    primary key (block_number, log_index)
);

create index on model_retired (model_id);

-- One row per `PublisherTransferStarted` log.
create table publisher_transfer_started (
    block_number      bigint  not null references block on delete cascade,
    log_index         int     not null,
    tx_hash           bytes32 not null,
    publisher         address not null,
    pending_publisher address not null, -- zero withdraws an earlier proposal
    model_id          bytes32 not null,
    primary key (block_number, log_index)
);

-- One row per `PublisherTransferred` log.
create table publisher_transferred (
    block_number       bigint  not null references block on delete cascade,
    log_index          int     not null,
    tx_hash            bytes32 not null,
    previous_publisher address not null,
    publisher          address not null,
    model_id           bytes32 not null,
    primary key (block_number, log_index)
);
